"""Default handling of STOP, START and HELP: record and answer them, and refuse messages to opted-out contacts.

https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out
"""

from __future__ import annotations

from ..errors import ApiError
from ..opt_out_words import kind_of_word
from .context import Context
from .resources import IncomingNumber, MessagingService, OptOut

_ANSWERS = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages from this number."
    " Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number."
    " Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}


class OptOuts:
    """Records which contacts opted out of messages from which numbers."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def refuse(self, sender: str, contact: str, service: MessagingService | None = None) -> None:
        """Refuse a message to a contact who has sent STOP to a number, or to another number of its service.

        Raises: ApiError, 21610.
        """
        key = f"{service.sid} {contact}" if service else self._key(sender, contact)
        if self._context.store.get(OptOut, key) is not None:
            raise ApiError(21610, "Attempt to send to unsubscribed recipient.")

    def has(self, sender: str, contact: str) -> bool:
        """Return whether a contact has opted out of messages from a number."""
        return self._context.store.get(OptOut, self._key(sender, contact)) is not None

    def note(self, text: str, *, contact: str, number: str, account_sid: str) -> str:
        """Record an opt-out word and return the answer to it; empty if the text is not such a word.

        Messages to short codes are left to the program.
        """
        kind = kind_of_word(text, self._context.profile.opt_out_words)
        if not kind or not number.startswith("+"):
            return ""
        if kind == "STOP":
            self.record(contact, number, account_sid)
        if kind == "START":
            self._context.store.delete(OptOut, self._key(number, contact))
        return _ANSWERS[kind]

    def record(self, contact: str, number: str, account_sid: str) -> None:
        """Record that a contact wants nothing more from a number."""
        now = self._context.clock.now()
        self._context.store.save(
            OptOut(
                sid=self._key(number, contact),
                account_sid=account_sid,
                date_created=now,
                date_updated=now,
                sender=number,
                contact=contact,
            )
        )

    def _key(self, sender: str, contact: str) -> str:
        number = self._context.find_number(sender)
        return f"{_pool(number, self._context.find_service(number), sender)} {contact}"


def _pool(number: IncomingNumber | None, service: MessagingService | None, sender: str) -> str:
    """Return the scope of an opt-out: the sid of the number's messaging service, otherwise that of the number."""
    owner = service or number
    return owner.sid if owner else sender
