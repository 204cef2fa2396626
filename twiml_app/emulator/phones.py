"""Emulated phones of contacts: they text our numbers; tests choose the delivery outcome and inspect the inbox."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Self

from ..errors import ConfigurationError
from .context import Context
from .faults import Fault
from .inbound import EmulatedReply, Inbound
from .media import FetchedMedia, MediaFetcher, check_content_type
from .reactions import reaction_text
from .resources import DELIVERY_OUTCOMES, MessageRecord, PhoneSettings
from .store import Condition
from .text_faults import text_fault


class Phones:
    """The settings and inboxes of phones; every message to a phone without settings is delivered."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def settings(self, contact: str) -> PhoneSettings:
        """Return the settings of a phone."""
        now = self._context.clock.now()
        known = self._context.store.get(PhoneSettings, contact)
        return known or PhoneSettings(sid=contact, account_sid="", date_created=now, date_updated=now)

    def save(self, phone_settings: PhoneSettings) -> PhoneSettings:
        """Save the settings of a phone."""
        return self._context.store.save(phone_settings)

    def inbox(self, contact: str) -> list[MessageRecord]:
        """Return the messages that have reached a phone, in the order of arrival."""
        arrived = self._context.store.find(
            MessageRecord, Condition("to", "=", contact), Condition("date_delivered", ">", 0), oldest_first=True
        )
        return sorted(arrived, key=lambda message: message.date_delivered or 0.0)

    def shown(self, contact: str) -> list[MessageRecord]:
        """Return what a phone shows: the texts that it sent, and the messages that have reached it, in order."""
        texted = self._context.store.find(
            MessageRecord, Condition("from_", "=", contact), Condition("direction", "=", "inbound"), oldest_first=True
        )
        return sorted(
            [*texted, *self.inbox(contact)], key=lambda message: message.date_delivered or message.date_created
        )


class EmulatedPhone:
    """A contact's phone, which texts our numbers and receives their messages."""

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
        """Our number that this phone texts; by default the only one.

        Raises: ConfigurationError, if none was given and there is not exactly one.
        """
        return self._context.our_number(self._number)

    def text(
        self,
        body: str = "",
        *,
        number: str = "",
        media: str | FetchedMedia | Iterable[str | FetchedMedia] = (),
        fault: str | Fault | None = None,
    ) -> EmulatedReply:
        """Text our number, or the given one of our numbers; ``media`` are URLs, or bytes with their content type.

        A ``fault``, or the one with this name, happens once to this text or its webhook.

        Raises: ConfigurationError, if there is nothing to send, or the number is not ours; ApiError, for media that
        cannot be sent.
        """
        given = [media] if isinstance(media, str | FetchedMedia) else [*media]
        if not body and not given:
            raise ConfigurationError("text", "there is nothing to send: pass a body or media")
        urls = [each for each in given if isinstance(each, str)]
        contents = [each for each in given if not isinstance(each, str)]
        for each in contents:
            check_content_type(each)
        fetched = [*self._fetcher.fetch_all(urls), *contents]
        with self._context.faults.during(text_fault(fault, self.contact) if fault else None):
            return self._inbound.receive(
                contact=self.contact,
                number=self._context.our_number(number or self._number),
                body=_sendable(body),
                media=fetched,
            )

    def react(self, reaction: str, text: str = "") -> EmulatedReply:
        """React to a text, by default the latest that this phone has received; the number gets that as a text.

        ``reaction`` is love, like, dislike, laugh, emphasize, question, or an emoji.

        Raises: ConfigurationError.
        """
        inbox = self.inbox
        if not text and not inbox:
            raise ConfigurationError("text", "this phone has received nothing to react to: pass a text")
        return self.text(reaction_text(reaction, text or inbox[-1].body))

    def will(self, status: str, error_code: int | None = None) -> Self:
        """Set the final status of messages to this phone: delivered, undelivered, failed, sent or read.

        Raises: ConfigurationError.
        """
        if status not in DELIVERY_OUTCOMES:
            raise ConfigurationError("status", f"{status!r} is not one of: {', '.join(DELIVERY_OUTCOMES)}")
        self._phones.save(replace(self._phones.settings(self.contact), status=status, error_code=error_code))
        return self

    def takes_media(self, takes: bool) -> Self:
        """Set whether this phone accepts media."""
        self._phones.save(replace(self._phones.settings(self.contact), takes_media=takes))
        return self

    @property
    def inbox(self) -> list[MessageRecord]:
        """The messages that have reached this phone, in the order of arrival."""
        return self._phones.inbox(self.contact)


def _sendable(text: str) -> str:
    """Return a string that can be encoded: lone surrogates are replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
