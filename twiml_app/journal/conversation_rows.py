"""Conversations as rows: what is kept about one contact and one sender."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..pending import Transaction
from .ledger import filed

_COLUMNS: Final = "contact, sender, state, expires_at, dialog, dialog_until, handed_off_until, updated_at"
_SELECT: Final = f"SELECT {_COLUMNS} FROM conversations WHERE contact = ? AND sender = ?"  # noqa: S608
_SAVE: Final = (
    f"INSERT INTO conversations ({_COLUMNS}, keep_until) VALUES (?, ?, ?, ?, ?, ?, coalesce(?, 0), ?, ?)"  # noqa: S608
    " ON CONFLICT (contact, sender) DO UPDATE SET state = excluded.state, expires_at = excluded.expires_at,"
    " dialog = excluded.dialog, dialog_until = excluded.dialog_until,"
    " handed_off_until = coalesce(?, conversations.handed_off_until),"
    " updated_at = excluded.updated_at, keep_until = excluded.keep_until"
)
_DELETE: Final = "DELETE FROM conversations WHERE contact = ? AND sender = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRow:
    """One row of the table ``conversations``; times are in seconds since 1970."""

    #: The other person's address.
    contact: str
    #: Our number, or the messaging service that it belongs to.
    sender: str
    #: A JSON object.
    state: str = "{}"
    #: When the state is forgotten.
    expires_at: float = 0.0
    #: The open dialog as JSON; None if there is none.
    dialog: str | None = None
    #: Until when the dialog is kept.
    dialog_until: float = 0.0
    #: Until when a person answers instead of the handlers; 0 if that is not so.
    handed_off_until: float = 0.0
    updated_at: float = 0.0

    @property
    def keep_until(self) -> float:
        """When the row is deleted."""
        return max(self.expires_at, self.dialog_until, self.handed_off_until)

    def is_empty(self, now: float) -> bool:
        """Return whether there is nothing to keep."""
        return self.state == "{}" and self.dialog is None and self.handed_off_until <= now


def find_conversation(execute: Transaction, contact: str, sender: str) -> ConversationRow | None:
    """Return a conversation; None if nothing is kept about it."""
    rows = execute(_SELECT, (filed(contact), filed(sender)))
    return _read(rows[0]) if rows else None


def conversations_of(execute: Transaction, contact: str) -> list[ConversationRow]:
    """Return every conversation of a contact, the latest first."""
    of_contact = f"SELECT {_COLUMNS} FROM conversations WHERE contact = ? ORDER BY updated_at DESC"  # noqa: S608
    return [_read(row) for row in execute(of_contact, (filed(contact),))]


def resume_conversations(execute: Transaction, contact: str, now: float) -> int:
    """Let the handlers answer a contact again, and return how many conversations a person was answering."""
    update = "UPDATE conversations SET handed_off_until = 0 WHERE contact = ? AND handed_off_until > ? RETURNING id"
    return len(execute(update, (filed(contact), now)))


def save_conversation(execute: Transaction, row: ConversationRow, *, hands_off: bool, now: float) -> None:
    """Write a conversation, or delete it if there is nothing to keep.

    Without ``hands_off``, the time until which a person answers stays what it is in the database.
    """
    key = (filed(row.contact), filed(row.sender))
    if row.is_empty(now):
        execute(_DELETE, key)
        return
    handed_off_until = row.handed_off_until if hands_off else None
    execute(
        _SAVE,
        (
            *key,
            *(row.state, row.expires_at, row.dialog, row.dialog_until),
            *(handed_off_until, row.updated_at, row.keep_until, handed_off_until),
        ),
    )


def _read(row: tuple[object, ...]) -> ConversationRow:
    return ConversationRow(**dict(zip(_COLUMNS.split(", "), row, strict=True)))  # type: ignore[arg-type]
