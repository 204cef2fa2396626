"""What decides besides opt-outs whether a contact gets a message: failures, the last text, and segments of the day."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from ..pending import Transaction
from .ledger import filed
from .received_events import DAY_S

#: A number that could not receive may be given to somebody else, so it is tried again after a year.
UNREACHABLE_DAYS: Final = 365


class Unreachable(NamedTuple):
    """Why messages to a contact fail."""

    code: int
    #: The MessageSid of the message that failed, if it had one.
    origin: str
    #: In seconds since 1970.
    created_at: float


def set_unreachable(execute: Transaction, contact: str, found: Unreachable) -> None:
    """Record that a contact cannot receive messages."""
    upsert = (
        "INSERT INTO unreachable (contact, code, origin, created_at, keep_until) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (contact) DO UPDATE SET code = excluded.code, origin = excluded.origin,"
        " created_at = excluded.created_at, keep_until = excluded.keep_until"
    )
    execute(upsert, (filed(contact), *found, found.created_at + UNREACHABLE_DAYS * DAY_S))


def unreachable(execute: Transaction, contact: str) -> Unreachable | None:
    """Return why messages to a contact fail, None if they do not or if the contact has texted since."""
    rows = execute("SELECT code, origin, created_at FROM unreachable WHERE contact = ?", (filed(contact),))
    if not rows:
        return None
    found = Unreachable(*rows[0])
    return None if last_text_at(execute, contact, since=found.created_at) is not None else found


def last_text_at(execute: Transaction, contact: str, *, since: float, number: str = "") -> float | None:
    """Return when a contact last texted ``number``, or any of ours, after a time; None if not at all."""
    to_number, parameters = (" AND number = ?", (filed(number),)) if number else ("", ())
    select = (
        "SELECT received_at FROM exchanges WHERE contact = ? AND received_at > ? AND kind = 'message'"  # noqa: S608
        f"{to_number} ORDER BY received_at DESC LIMIT 1"
    )
    rows = execute(select, (filed(contact), since, *parameters))
    return float(rows[0][0]) if rows else None


def forget_unreachable(execute: Transaction, texted: Iterable[tuple[str, float]]) -> None:
    """Forget that contacts cannot receive who have texted since, before the exchanges that show it are deleted."""
    if execute("SELECT 1 FROM unreachable LIMIT 1"):
        for contact, at in dict(sorted(texted)).items():
            execute("DELETE FROM unreachable WHERE contact = ? AND created_at < ?", (contact, at))


def count_segments(execute: Transaction, contact: str, segments: int, *, limit: int, now: float) -> bool:
    """Count segments that are sent to a contact, and return whether they stay within the limit of a day in UTC.

    Those that would exceed it are not counted.
    """
    if segments > limit:
        return False
    day = int(now // DAY_S)
    upsert = (
        "INSERT INTO daily_segments (contact, day, segments, keep_until) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (contact, day) DO UPDATE SET segments = daily_segments.segments + excluded.segments"
        " WHERE daily_segments.segments + excluded.segments <= ? RETURNING segments"
    )
    return bool(execute(upsert, (filed(contact), day, segments, (day + 2) * DAY_S, limit)))
