"""Other people's phones: they text our numbers; what becomes of what is sent to them is chosen, and looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Self

from ..errors import ConfigurationError
from .context import Context
from .inbound import EmulatedReply, Inbound
from .media import FetchedMedia, MediaFetcher, check_content_type
from .resources import DELIVERY_OUTCOMES, MessageRecord, PhoneSettings
from .store import Condition


class Phones:
    """The phones that the emulator knows of; one that was never named takes whatever it is sent."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def settings(self, number: str) -> PhoneSettings:
        """Return what becomes of messages to a phone."""
        now = self._context.clock.now()
        known = self._context.store.get(PhoneSettings, number)
        return known or PhoneSettings(sid=number, account_sid="", date_created=now, date_updated=now)

    def save(self, phone_settings: PhoneSettings) -> PhoneSettings:
        """Keep what is chosen for a phone."""
        return self._context.store.save(phone_settings)

    def inbox(self, number: str) -> list[MessageRecord]:
        """Return what has reached a phone, in the order of arrival."""
        arrived = self._context.store.find(
            MessageRecord, Condition("to", "=", number), Condition("date_delivered", ">", 0), oldest_first=True
        )
        return sorted(arrived, key=lambda message: message.date_delivered or 0.0)


class EmulatedPhone:
    """Somebody's phone: texts our numbers, and takes what they send."""

    def __init__(
        self, context: Context, phones: Phones, inbound: Inbound, fetcher: MediaFetcher, contact: str, number: str
    ) -> None:
        self._context = context
        self._phones = phones
        self._inbound = inbound
        self._fetcher = fetcher
        self._number = number
        self.contact = contact

    @property
    def number(self) -> str:
        """Our number that this phone texts: the only one, if none was named.

        Raises: ConfigurationError, if none was named and there is not exactly one.
        """
        return self._context.our_number(self._number)

    def text(
        self, body: str = "", *, number: str = "", media: str | FetchedMedia | Iterable[str | FetchedMedia] = ()
    ) -> EmulatedReply:
        """Text our number, or another one of ours; media are URLs or bytes with their type.

        Raises: ConfigurationError, for nothing to send, and a number that is not ours; ApiError, for a media that
        cannot be sent.
        """
        given = [media] if isinstance(media, str | FetchedMedia) else [*media]
        if not body and not given:
            raise ConfigurationError("text", "give a text or media")
        urls = [each for each in given if isinstance(each, str)]
        contents = [each for each in given if not isinstance(each, str)]
        for each in contents:
            check_content_type(each)
        return self._inbound.receive(
            from_=self.contact,
            to=self._context.our_number(number or self._number),
            body=_sendable(body),
            media=[*self._fetcher.fetch_all(urls), *contents],
        )

    def will(self, status: str, error_code: int | None = None) -> Self:
        """Choose the status that messages to this phone end with: delivered, undelivered, failed, sent or read.

        Raises: ConfigurationError.
        """
        if status not in DELIVERY_OUTCOMES:
            raise ConfigurationError("status", f"{status!r} is none of {', '.join(DELIVERY_OUTCOMES)}")
        self._phones.save(replace(self._phones.settings(self.contact), status=status, error_code=error_code))
        return self

    def takes_media(self, takes: bool) -> Self:
        """Choose whether this phone takes pictures."""
        self._phones.save(replace(self._phones.settings(self.contact), takes_media=takes))
        return self

    @property
    def inbox(self) -> list[MessageRecord]:
        """What has reached this phone, in the order of arrival."""
        return self._phones.inbox(self.contact)


def _sendable(text: str) -> str:
    """Return a text that can be sent: halves of characters, which Python knows, are replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
