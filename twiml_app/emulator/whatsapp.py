"""WhatsApp: who may be sent what, and the sandbox, whose number all accounts share.

https://www.twilio.com/docs/whatsapp/sandbox and https://www.twilio.com/docs/api/errors/63016
"""

from __future__ import annotations

import re

from ..errors import ConfigurationError
from .context import Context
from .resources import MessageRecord, WhatsAppContact

_CHANNEL = "whatsapp:"
#: The number of the sandbox.
SANDBOX = "whatsapp:+14155238886"
#: How long after a text of the contact anything may be sent to it, and not only templates.
WINDOW_S = 24 * 3600.0
#: How long a contact stays in the sandbox.
JOINED_S = 3 * 24 * 3600.0
_NOT_JOINED, _WINDOW_CLOSED = 63015, 63016
#: At Twilio, every account has two words of its own; the emulator takes any two.
_JOIN = re.compile(r"join +[a-z]+[ -]+[a-z]+", re.IGNORECASE)
_STOP = "stop"
_ANSWERS = {
    "joined": "You are all set! The sandbox can now send/receive messages from whatsapp:+14155238886."
    " Reply stop to leave the sandbox any time.",
    "left": "You have left the sandbox. Reply join and its two words to join again.",
    "outside": "Your number is not connected to the sandbox. Reply join and its two words first.",
}


def require_same_channel(contact: str, number: str) -> None:
    """Refuse a text to a number of another channel: no phone could send it.

    Raises: ConfigurationError.
    """
    if contact.startswith(_CHANNEL) == number.startswith(_CHANNEL):
        return
    problem = f"{contact} cannot text {number}: both need whatsapp: in front of the number, or neither"
    raise ConfigurationError("number", problem)


def note_text(context: Context, text: str, *, contact: str, number: str, account_sid: str) -> str:
    """Record when a contact texted one of our WhatsApp senders; return the sandbox's own answer, empty if it has none.

    A text with such an answer does not reach the program.
    """
    if not number.startswith(_CHANNEL):
        return ""
    with context.lock:
        known = _find(context, contact, number)
        joined, answer = _membership(context, known, text) if number == SANDBOX else (None, "")
        now = context.clock.now()
        context.store.save(
            WhatsAppContact(
                sid=_sid(contact, number),
                account_sid=account_sid,
                date_created=known.date_created if known else now,
                date_updated=now,
                joined=joined,
            )
        )
    return answer


def _membership(context: Context, known: WhatsAppContact | None, text: str) -> tuple[float | None, str]:
    """Return since when a contact is in the sandbox after a text, and the answer to the text."""
    words = text.strip()
    if _JOIN.fullmatch(words):
        return context.clock.now(), _ANSWERS["joined"]
    if not _is_member(context, known):
        return None, _ANSWERS["outside"]
    if words.lower() == _STOP:
        return None, _ANSWERS["left"]
    return known.joined if known else None, ""


def refusal_code(context: Context, message: MessageRecord) -> int:
    """Return the error code with which WhatsApp refuses a message; 0 if it does not."""
    if not message.to.startswith(_CHANNEL) or message.in_reply_to:
        return 0
    known = _find(context, message.to, message.from_)
    if message.from_ == SANDBOX and not _is_member(context, known):
        return _NOT_JOINED
    is_open = known is not None and context.clock.now() <= known.date_updated + WINDOW_S
    return 0 if is_open or message.content_sid else _WINDOW_CLOSED


def _is_member(context: Context, known: WhatsAppContact | None) -> bool:
    return known is not None and known.joined is not None and context.clock.now() <= known.joined + JOINED_S


def _find(context: Context, contact: str, number: str) -> WhatsAppContact | None:
    return context.store.get(WhatsAppContact, _sid(contact, number))


def _sid(contact: str, number: str) -> str:
    return f"{number} {contact}"
