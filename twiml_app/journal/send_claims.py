"""Which message leaves next: claims with a lease, at the pace of each sender, and what lost its process.

The row of a sender is a bucket that all workers and machines share: ``free_at`` is when Twilio will have sent all that
it was handed over for that sender.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from .send_rows import (
    EXPIRED,
    LEAVING,
    REFUSED,
    SEND_COLUMNS,
    UNKNOWN,
    WAITING,
    Ending,
    SendRow,
)
from .send_tables import FOREVER
from .stores import Execute

#: How far ahead of its pace a sender may be, in seconds, for replies and for the rest: what waits at Twilio cannot be
#: taken back, and a reply waits behind all of it.
AHEAD_S: Final = {0: 30.0, 1: 2.0}
#: How long an attempt may take, in seconds.
LEASE_S = 60.0
#: How long to wait if nothing can leave, in seconds.
IDLE_S = 1.0
#: How many senders, and messages that are refused, one transaction looks at.
_MOST = 50
_PAUSED = (
    "EXISTS (SELECT 1 FROM send_pauses WHERE (scope = 'sender' AND value = sends.number)"
    " OR (scope = 'key' AND substr(sends.key, 1, length(value)) = value))"
)
_DUE = f"number = ? AND priority = ? AND state = 'waiting' AND due_at <= ? AND NOT {_PAUSED}"


@dataclass(frozen=True, slots=True)
class Claiming:
    """What an attempt to claim a message needs."""

    now: float
    #: Random, so that only this attempt can end what it claimed.
    owner: str
    #: Segments per second of a sender.
    pace_of: Callable[[str], float]
    #: Return why a message must not leave; None if it may.
    refusal_of: Callable[[Execute, SendRow, float], Ending | None]
    #: How long a message is kept that ends now, in seconds.
    kept_s: float
    #: The only message to claim; empty for any.
    only: str = ""


class Due(NamedTuple):
    """What there is to do."""

    #: A message waits that may leave.
    waiting: bool
    #: A message has expired, or the lease of one that is leaving.
    ended: bool
    #: A message of unknown outcome is to be searched for.
    unknown: bool


def what_is_due(execute: Execute, now: float) -> Due:
    """Return what there is to do, with a few looks at indexes."""
    # Without || '', new versions of SQLite read all messages that wait, in the index sends_waiting.
    found = execute(
        "SELECT EXISTS (SELECT 1 FROM sends WHERE state || '' = 'waiting' AND due_at <= ?),"
        " EXISTS (SELECT 1 FROM sends WHERE state = 'waiting' AND expires_at <= ?),"
        " EXISTS (SELECT 1 FROM sends WHERE state = 'leaving' AND due_at <= ?),"
        " EXISTS (SELECT 1 FROM sends WHERE state = 'unknown' AND due_at <= ?)",
        (now, now, now, now),
    )
    waiting, expired, lost, unknown = found[0]
    return Due(bool(waiting), bool(expired or lost), bool(unknown))


def claim_send(execute: Execute, wanted: Claiming) -> SendRow | float:
    """Claim the message that leaves next, replies before the rest; else return in how many seconds to ask again.

    A message is refused here, in the transaction that claims it, if it must not leave any more.
    """
    wait_s = IDLE_S
    if execute("SELECT 1 FROM send_pauses WHERE scope = 'all'"):
        return wait_s
    for priority in AHEAD_S:
        for number, free_at in _senders(execute, wanted, priority):
            claimed = _claim_from(execute, wanted, number, priority, free_at)
            if isinstance(claimed, SendRow):
                return claimed
            wait_s = min(wait_s, claimed)
    return wait_s


def _senders(execute: Execute, wanted: Claiming, priority: int) -> list[tuple[str, float]]:
    """Return the senders that have something to send, the least busy one first."""
    # Not EXISTS, for which PostgreSQL reads all messages that wait, to join them.
    of_sender = "sends.number = senders.number AND priority = ? AND state = 'waiting' AND due_at <= ?"
    waits = f"SELECT 1 FROM sends WHERE {of_sender} AND NOT {_PAUSED} LIMIT 1"  # noqa: S608
    found = execute(
        f"SELECT number, free_at FROM senders WHERE blocked_until <= ? AND ({waits}) IS NOT NULL"  # noqa: S608
        " ORDER BY free_at LIMIT ?",
        (wanted.now, priority, wanted.now, _MOST),
    )
    return [(row[0], row[1]) for row in found]


def _claim_from(execute: Execute, wanted: Claiming, number: str, priority: int, free_at: float) -> SendRow | float:
    """Claim the next message of a sender, or return how many seconds to wait for it.

    The row of the sender is locked before anything is claimed: all who claim from it do so one after the other.
    """
    is_locked = False
    for _ in range(_MOST):
        row = _next_row(execute, wanted, number, priority)
        if row is None:
            return IDLE_S
        costs_s = row.segments / wanted.pace_of(number)
        ends_at = max(free_at, wanted.now) + costs_s
        wait_s = min(free_at - wanted.now, ends_at - wanted.now - AHEAD_S[priority])
        if wait_s > 0:
            return wait_s
        if not is_locked:
            locked = execute("UPDATE senders SET free_at = free_at WHERE number = ? RETURNING free_at", (number,))
            free_at, is_locked = locked[0][0], True
        elif _take(execute, wanted, row):
            execute("UPDATE senders SET free_at = ? WHERE number = ?", (ends_at, number))
            lease_until = wanted.now + LEASE_S
            claimed = replace(row, state=LEAVING, owner=wanted.owner, due_at=lease_until, attempts=row.attempts + 1)
            return replace(claimed, attempted_at=wanted.now)
    return 0.0


def _next_row(execute: Execute, wanted: Claiming, number: str, priority: int) -> SendRow | None:
    only, parameters = (" AND id = ?", [wanted.only]) if wanted.only else ("", [])
    rows = execute(
        f"SELECT {SEND_COLUMNS} FROM sends WHERE {_DUE}{only} ORDER BY due_at, n LIMIT 1",  # noqa: S608
        [number, priority, wanted.now, *parameters],
    )
    return SendRow.read(rows[0]) if rows else None


def _take(execute: Execute, wanted: Claiming, row: SendRow) -> bool:
    """Claim a message, or end it if it must not leave; another command may have withdrawn it meanwhile."""
    if row.expires_at is not None and row.expires_at <= wanted.now + 1:  # Twilio's ValidityPeriod has whole seconds
        _end_waiting(execute, row, Ending(EXPIRED, "it was not sent before it expired"), wanted)
        return False
    if refusal := wanted.refusal_of(execute, row, wanted.now):
        _end_waiting(execute, row, replace(refusal, state=REFUSED), wanted)
        return False
    claim = (
        "UPDATE sends SET state = ?, owner = ?, due_at = ?, attempts = attempts + 1, attempted_at = ?, updated_at = ?"
        " WHERE n = ? AND state = ?"
    )
    lease_until = wanted.now + LEASE_S
    values = (LEAVING, wanted.owner, lease_until, wanted.now, wanted.now, row.n, WAITING)
    return execute.count(claim, values) > 0


def _end_waiting(execute: Execute, row: SendRow, ending: Ending, wanted: Claiming) -> None:
    end = (
        "UPDATE sends SET state = ?, problem = ?, error_code = ?, due_at = ?, updated_at = ?, keep_until = ?"
        " WHERE n = ? AND state = ?"
    )
    kept = (FOREVER, wanted.now, wanted.now + wanted.kept_s)
    execute(end, (ending.state, ending.problem, ending.error_code, *kept, row.n, WAITING))


def tidy(execute: Execute, now: float, kept_s: float) -> int:
    """End what has expired, and what lost its process while it was leaving; return the number of the latter."""
    execute(
        "UPDATE sends SET state = ?, problem = ?, due_at = ?, updated_at = ?, keep_until = ?"
        " WHERE state = 'waiting' AND expires_at <= ?",
        (EXPIRED, "it was not sent before it expired", FOREVER, now, now + kept_s, now),
    )
    return execute.count(
        "UPDATE sends SET state = ?, problem = ?, due_at = ?, updated_at = ?, keep_until = ?"
        " WHERE state = 'leaving' AND due_at <= ?",
        (UNKNOWN, "the process that was sending it died", now, now, now + kept_s, now),
    )


def block_sender(execute: Execute, number: str, until: float) -> None:
    """Let nothing leave from a sender until a time."""
    execute("UPDATE senders SET blocked_until = ? WHERE number = ? AND blocked_until < ?", (until, number, until))


def release(execute: Execute, owners: Sequence[str], now: float) -> None:
    """Put back what was claimed by transactions whose result never arrived, so that nobody called the API for it."""
    for owner in owners:
        back = "UPDATE sends SET state = ?, due_at = ?, attempts = attempts - 1 WHERE state = 'leaving' AND owner = ?"
        execute(back, (WAITING, now, owner))


def unknown_rows(execute: Execute, now: float) -> list[SendRow]:
    """Return messages of unknown outcome that are to be searched for, and postpone the next search."""
    rows = execute(
        f"SELECT {SEND_COLUMNS} FROM sends WHERE state = 'unknown' AND due_at <= ? ORDER BY due_at LIMIT 5",  # noqa: S608
        (now,),
    )
    found = [SendRow.read(row) for row in rows]
    postpone = "UPDATE sends SET due_at = ?, lookups = lookups + 1 WHERE n = ? AND state = 'unknown' AND lookups = ?"
    return [row for row in found if execute.count(postpone, (now + LEASE_S, row.n, row.lookups))]


def unclaimed(execute: Execute, row: SendRow, sids: Sequence[str]) -> list[str]:
    """Return those of some messages that belong to no other send, and answer no inbound message."""
    taken = "SELECT 1 FROM sends WHERE id <> ? AND (message_sid = ? OR other_sid = ? OR probable_sid = ?)"
    in_ledger = "SELECT 1 FROM ledger WHERE sid = ? AND (in_reply_to <> '' OR send_id NOT IN ('', ?))"
    return [
        sid for sid in sids if not execute(taken, (row.id, sid, sid, sid)) and not execute(in_ledger, (sid, row.id))
    ]


def settle_unknown(execute: Execute, row: SendRow, probable_sid: str, problem: str, now: float) -> None:
    """Store what a search has found; it is not searched for again."""
    execute(
        "UPDATE sends SET probable_sid = ?, problem = ?, due_at = ?, updated_at = ? WHERE n = ? AND state = 'unknown'",
        (probable_sid, problem, FOREVER, now, row.n),
    )


def repeat(execute: Execute, row: SendRow, now: float) -> bool:
    """Let a message of unknown outcome wait again; return whether it was still unknown."""
    again = (
        "UPDATE sends SET state = ?, due_at = ?, updated_at = ?, keep_until = ?, repeats = repeats + 1, lookups = 0,"
        " problem = 'it is sent again, as the outcome of an earlier attempt is not known' WHERE n = ? AND state = ?"
    )
    return execute.count(again, (WAITING, now, now, FOREVER, row.n, UNKNOWN)) > 0
