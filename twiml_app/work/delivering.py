"""Later replies: what a work function returned becomes a message that the program sends first."""

from __future__ import annotations

from ..events import InboundMessage
from ..sending import send
from ..verbs import Body, Message


def deliver(message: InboundMessage, reply: Message) -> None:
    """Ask for a message to the contact of an inbound one, from the number or the service that was texted.

    Raises: CannotSend; CannotStore; MediaError; ConfigurationError.
    """
    deliver_to(message.contact, "", reply)


def deliver_to(contact: str, sender: str, reply: Message, key: str = "") -> None:
    """Ask for a message from a sender, by default the one that was texted; it is sent once for each ``key``.

    Raises: CannotSend; CannotStore; MediaError; ConfigurationError.
    """
    files = [noun.path or noun.url for noun in reply.nouns if not isinstance(noun, Body)]
    send(reply.to or contact, reply.text, from_=reply.from_ or sender, media=files, key=key)
