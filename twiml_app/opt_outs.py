"""Opt-outs of the active application, for handlers, work and scripts: who gets nothing that the program sends first.

``from twiml_app import opt_outs``. In a handler, a change is stored with its answer, or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .active_app import active_extension
from .errors import CannotStore
from .pending import Effect, collection

if TYPE_CHECKING:
    from .consent import OptOutList
    from .journal import OptOut

__all__ = ["add", "list", "remove"]

_SOURCE = "program"


def add(contact: str, reason: str, *, sender: str = "") -> None:
    """Record that a contact wants no more messages: from a number or a messaging service, by default from any.

    Raises: CannotStore; JournalUnavailable.
    """
    known = _opt_outs()
    _store(known, known.adding(contact, reason, sender=sender, source=_SOURCE, origin=_origin()))


def remove(contact: str, reason: str = "", *, sender: str = "") -> None:
    """End the opt-outs of a contact that a program or a person recorded, of one sender or of all.

    Those that a text or an error code of Twilio reported stay: only a START from the contact ends them at Twilio.

    Raises: CannotStore; JournalUnavailable.
    """
    known = _opt_outs()
    _store(known, known.removing(contact, reason, sender=sender, source=_SOURCE, origin=_origin()))


def list(contact: str = "", *, limit: int = 1000) -> tuple[OptOut, ...]:
    """Return the opt-outs of a contact, oldest first; without one, the latest of all contacts, newest first.

    Raises: CannotStore; JournalUnavailable.
    """
    known = _opt_outs()
    return tuple(known.of(contact) if contact else known.latest(limit))


def _store(known: OptOutList, effect: Effect) -> None:
    """Store a change with the answer of the running handler; outside of handlers, at once."""
    collected = collection()
    if collected:
        collected.add(effect)
    else:
        known.store(effect)


def _origin() -> str:
    """Return the MessageSid of the event that is being handled; empty outside of handlers."""
    collected = collection()
    return getattr(collected.event, "message_sid", "") if collected else ""


def _opt_outs() -> OptOutList:
    """Return the opt-outs of the active application.

    Raises: CannotStore.
    """
    known: OptOutList | None = active_extension().opt_outs
    if known is None:
        raise CannotStore("opt-outs need a journal, and the application has none: set TWIML_DATABASE_URL")
    return known
