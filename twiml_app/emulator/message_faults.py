"""Faults of the delivery of a message to a phone."""

from __future__ import annotations

from ..errors import ApiError
from .context import Context
from .faults import Occasion
from .resources import MessageRecord

_LANDLINE = "message-landline"
#: Where a message to a landline is tried: https://help.twilio.com/articles/223133647
_TRIED = ("+1", "+44")


def refuse_landline(context: Context, *, contact: str, number: str, account_sid: str) -> None:
    """Refuse a message to a landline outside of the US, Canada and the UK.

    Raises: ApiError, 21614.
    """
    if not context.faults or contact.startswith(_TRIED):
        return
    occasion = Occasion(contact=contact, number=number, account_sid=account_sid)
    if context.faults.take(_LANDLINE, occasion=occasion):
        raise ApiError(21614, f"'To' number {contact} is not a valid mobile number.")


def queue_code(context: Context, message: MessageRecord) -> int:
    """Return the error code with which a message fails in its queue; 0 for none."""
    return _code(context, message, "message-queue-full")


def failure_code(context: Context, message: MessageRecord) -> int:
    """Return the error code with which the carrier or the channel refuses a message; 0 for none."""
    is_template = bool(message.content_sid) or not message.to.startswith("whatsapp:")
    return _code(context, message, "message-failed", *(() if is_template else ("message-window-closed",)))


def loss_code(context: Context, message: MessageRecord) -> int:
    """Return the error code with which a message that was sent is not delivered; 0 for none."""
    is_tried = message.to.startswith(_TRIED)
    return _code(context, message, "message-undelivered", *((_LANDLINE,) if is_tried else ()))


def _code(context: Context, message: MessageRecord, *kinds: str) -> int:
    fault = context.faults.take(*kinds, occasion=Occasion.of(message)) if context.faults else None
    return fault.error_code if fault else 0
