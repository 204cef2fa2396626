"""Where a message goes, what it is sent from, and which account sends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..addresses import channel_of, contact_address, is_service, sender_address
from ..errors import CannotSend
from ..events import Event, InboundMessage, StatusCallback

if TYPE_CHECKING:
    from ..config import Settings

_EXAMPLES = "a number such as +15005550001, a short code, whatsapp: and a number, or the sid of a messaging service"


@dataclass(frozen=True, slots=True)
class Route:
    """The checked addresses of a message."""

    contact: str
    #: Our number, or the messaging service that chooses one.
    sender: str
    #: The sid of the account that sends; empty if only one is configured without its sid.
    account: str

    @property
    def channel(self) -> str:
        """The channel of the message, such as ``sms``."""
        return channel_of(self.contact)

    @classmethod
    def checked(cls, to: Any, from_: Any, settings: Settings, event: Event | None) -> Route:
        """Return the addresses of a message; ``event`` is what the running handler was called with.

        Raises: CannotSend.
        """
        contact = contact_address(to) if isinstance(to, str) else ""
        if not contact:
            example = "a number such as +15005550001, or one with a channel such as whatsapp:+15005550001"
            raise CannotSend("to", f"is {to!r}: give {example}", code=21211 if to else 21604)
        sender = _sender(from_, settings, event)
        if not is_service(sender) and channel_of(sender) != channel_of(contact):
            problem = f"is on the channel {channel_of(sender)} and to on {channel_of(contact)}: give one on the same"
            raise CannotSend("from_", problem, code=21910)
        if sender == contact:
            raise CannotSend("to", "is the sender itself", code=21266)
        return cls(contact, sender, _account(sender, settings, event))


def _sender(from_: Any, settings: Settings, event: Event | None) -> str:
    """Return the sender that was named, else the number that was texted or its service, else the default one."""
    if from_:
        sender = sender_address(from_) if isinstance(from_, str) else ""
        if not sender:
            raise CannotSend("from_", f"is {from_!r}: give {_EXAMPLES}", code=21212)
        return sender
    if isinstance(event, InboundMessage | StatusCallback) and (texted := _texted(event)):
        return texted
    if not settings.from_:
        raise CannotSend("from_", f"is missing: give it here, or set TWIML_FROM, to {_EXAMPLES}", code=21603)
    return settings.from_


def _texted(event: InboundMessage | StatusCallback) -> str:
    return sender_address(event.messaging_service_sid) or sender_address(event.number)


def _account(sender: str, settings: Settings, event: Event | None) -> str:
    """Return the account of a sender: as configured, else that of the event, else the only one there is.

    Raises: CannotSend, if there are several.
    """
    if sender in settings.sender_accounts:
        return settings.sender_accounts[sender]
    if event and event.account_sid and settings.tokens_for(event.account_sid):
        return event.account_sid
    if settings.account_sid:
        return settings.account_sid
    named = [sid for sid in settings.auth_tokens if sid]
    if len(named) > 1:
        problem = f"{sender} belongs to one of {len(named)} accounts: say to which in TWIML_SENDER_ACCOUNTS"
        raise CannotSend("from_", problem)
    return next(iter(named), "")
