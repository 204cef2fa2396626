"""Other people's phones: they text our numbers; what becomes of what is sent to them is chosen, and looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Self

from ..errors import ConfigurationError
from .context import Context
from .inbound import Receiving, Turn
from .media import FetchedMedia, MediaFetcher, check_content_type
from .resources import FATE_STATUSES, Fate, Message
from .store import Condition


class Handsets:
    """The phones that the emulator knows of; one that was never named takes whatever it is sent."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def fate(self, number: str) -> Fate:
        """Return what becomes of messages to a phone."""
        now = self._context.clock.now()
        known = self._context.store.get(Fate, number)
        return known or Fate(sid=number, account_sid="", date_created=now, date_updated=now)

    def save(self, fate: Fate) -> Fate:
        """Keep what is chosen for a phone."""
        return self._context.store.save(fate)

    def inbox(self, number: str) -> list[Message]:
        """Return what has reached a phone, in the order of arrival."""
        arrived = self._context.store.find(
            Message, Condition("to", "=", number), Condition("date_delivered", ">", 0), oldest_first=True
        )
        return sorted(arrived, key=lambda message: message.date_delivered or 0.0)


class Handset:
    """Somebody's phone: texts our numbers, and takes what they send."""

    def __init__(
        self, context: Context, handsets: Handsets, receiving: Receiving, fetcher: MediaFetcher, number: str
    ) -> None:
        self._context = context
        self._handsets = handsets
        self._receiving = receiving
        self._fetcher = fetcher
        self.number = number

    def text(
        self, body: str = "", *, to: str = "", media: str | FetchedMedia | Iterable[str | FetchedMedia] = ()
    ) -> Turn:
        """Text one of our numbers, the only one if none is named; media are URLs or bytes with their type.

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
        return self._receiving.receive(
            from_=self.number,
            to=self._context.our_number(to),
            body=_readable(body),
            media=[*self._fetcher.fetch_all(urls), *contents],
        )

    def will(self, status: str, error_code: int | None = None) -> Self:
        """Choose the status that messages to this phone end with: delivered, undelivered, failed, sent or read.

        Raises: ConfigurationError.
        """
        if status not in FATE_STATUSES:
            raise ConfigurationError("status", f"{status!r} is none of {', '.join(FATE_STATUSES)}")
        self._handsets.save(replace(self._handsets.fate(self.number), status=status, error_code=error_code))
        return self

    def takes_media(self, takes: bool) -> Self:
        """Choose whether this phone takes pictures."""
        self._handsets.save(replace(self._handsets.fate(self.number), takes_media=takes))
        return self

    @property
    def inbox(self) -> list[Message]:
        """What has reached this phone, in the order of arrival."""
        return self._handsets.inbox(self.number)


def _readable(text: str) -> str:
    """Return a text that can be sent: halves of characters, which Python knows, are replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
