"""Work as rows of the journal: each statement is one step of the life of a piece.

A piece waits until it is due. A process claims it with a lease, which it renews while the function runs, and stores the
end of the attempt together with what the function asked for. If the lease has run out, the process is dead.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Final, Self

from ..pending import Transaction
from .ledger import filed
from .stores import Execute, Row

WAITING: Final = "waiting"
WORKING: Final = "running"
WORKED: Final = "done"
GAVE_UP: Final = "failed"
#: Work that waits or runs is kept for as long as that takes.
UNTIL_DONE: Final = 1e15
#: How many attempts are remembered, and how much of each error.
MAX_HISTORY = 20
MAX_ERROR = 500


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to run a piece of work, when it has ended; times are in seconds since 1970."""

    attempt: int
    started_at: float
    ended_at: float
    #: ``done``, ``failed`` or ``killed``.
    outcome: str
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRow:
    """One row of the table ``work``: the fields are its columns, in order; times are in seconds since 1970."""

    id: int = 0
    #: The same for every attempt.
    key: str
    #: ``work``; ``reply``, if what the function returns is sent; ``scheduled``.
    kind: str
    function: str
    #: As JSON.
    arguments: str
    #: The other person's address, and ours; empty if nobody in particular is meant.
    contact: str = ""
    number: str = ""
    #: MessageSid of the event whose handler asked for it.
    origin: str = ""
    state: str = WAITING
    #: How many attempts have begun.
    attempt: int = 0
    due_at: float
    #: The process that runs it, and until when it has it.
    owner: str = ""
    lease_until: float = 0.0
    #: As JSON.
    history: str = "[]"
    created_at: float
    keep_until: float = UNTIL_DONE

    @classmethod
    def read(cls, row: Row) -> Self:
        """Return a row that was selected with ``WORK_COLUMNS``."""
        return cls(**dict(zip(_NAMES, row, strict=True)))

    @property
    def attempts(self) -> list[Attempt]:
        """The attempts that have ended, oldest first; only the latest are kept."""
        return [Attempt(**each) for each in json.loads(self.history)]

    @property
    def error(self) -> str:
        """The error of the latest attempt; empty if there was none."""
        attempts = self.attempts
        return attempts[-1].error if attempts else ""

    def history_with(self, ended: Attempt) -> str:
        """Return the history with one more attempt, as JSON."""
        return json.dumps([asdict(each) for each in [*self.attempts, ended][-MAX_HISTORY:]])


_NAMES = tuple(field.name for field in fields(WorkRow))
WORK_COLUMNS: Final = ", ".join(_NAMES)
_INSERT = (
    f"INSERT INTO work ({', '.join(_NAMES[1:])}) VALUES ({', '.join('?' * (len(_NAMES) - 1))})"  # noqa: S608
    " ON CONFLICT (key) DO NOTHING RETURNING id"
)
_NEXT = "SELECT due_at FROM work WHERE state = 'waiting' ORDER BY due_at, id LIMIT 1"
_CLAIM = (
    "UPDATE work SET state = 'running', attempt = attempt + 1, owner = ?, lease_until = ?, due_at = ?"  # noqa: S608
    " WHERE state = 'waiting' AND id ="
    " (SELECT id FROM work WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at, id LIMIT 1{skip_locked})"
    f" RETURNING {WORK_COLUMNS}"
)
_HELD = "id = ? AND state = 'running' AND owner = ? AND attempt = ?"
_END = (
    "UPDATE work SET state = ?, due_at = ?, owner = '', lease_until = 0, history = ?, keep_until = ?"  # noqa: S608
    f" WHERE {_HELD}"
)
_PUT_BACK = (
    "UPDATE work SET state = 'waiting', attempt = attempt - 1, due_at = ?, owner = '', lease_until = 0"  # noqa: S608
    f" WHERE {_HELD}"
)
_RENEW = f"UPDATE work SET lease_until = ? WHERE {_HELD}"  # noqa: S608
_EXPIRED = (
    f"SELECT {WORK_COLUMNS} FROM work WHERE state = 'running' AND lease_until < ?"  # noqa: S608
    " ORDER BY lease_until LIMIT ?"
)
_SEEN = (
    "INSERT INTO workers VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (owner) DO UPDATE SET seen_at = excluded.seen_at, keep_until = excluded.keep_until"
)


def insert_work(execute: Transaction, row: WorkRow) -> bool:
    """Store a piece of work; return False if its key is taken."""
    values = asdict(row) | {name: filed(getattr(row, name)) for name in ("contact", "number", "origin")}
    return bool(execute(_INSERT, [values[name] for name in _NAMES[1:]]))


def next_due_at(execute: Execute) -> float | None:
    """Return when the next piece that waits is due, None if none waits."""
    return next((float(row[0]) for row in execute(_NEXT)), None)


def claim_work(
    execute: Execute, due_until: float, now: float, owner: str, *, lease_s: float, skip_locked: str
) -> WorkRow | None:
    """Claim the piece that has been due for longest; its ``due_at`` becomes the time when this attempt began.

    ``skip_locked`` is what the store needs so that two processes do not wait for the same row.
    """
    claim = _CLAIM.format(skip_locked=skip_locked)
    return next((WorkRow.read(row) for row in execute(claim, (owner, now + lease_s, now, due_until))), None)


def renew_leases(execute: Execute, rows: Iterable[WorkRow], lease_until: float) -> None:
    """Keep pieces that are running; those that another process has taken over stay there."""
    for row in rows:
        execute.count(_RENEW, (lease_until, row.id, row.owner, row.attempt))


def end_attempt(
    execute: Execute, row: WorkRow, ended: Attempt, *, state: str, due_at: float, keep_until: float
) -> bool:
    """Store the end of an attempt; return False if another process has taken the piece over, or it was erased."""
    values = (state, due_at, row.history_with(ended), keep_until, row.id, row.owner, row.attempt)
    return execute.count(_END, values) > 0


def put_back_work(execute: Execute, row: WorkRow, due_at: float) -> bool:
    """Let a piece wait that could not run yet, as if this attempt had not been; return False if it was taken over."""
    return execute.count(_PUT_BACK, (due_at, row.id, row.owner, row.attempt)) > 0


def await_work(execute: Transaction, key: str) -> None:
    """Note that a dialog waits for the end of a piece: that of ``waiting_key``."""
    execute("UPDATE work SET kind = 'awaited' WHERE key = ?", (key,))


def waiting_key(key: str) -> str:
    """Return the key of the piece that lets a dialog go on after another piece."""
    return f"after {key}"


def end_waiting(execute: Execute, key: str, outcome: Mapping[str, object], now: float) -> None:
    """Let the dialog go on that waits for a piece; ``outcome`` has its ``value`` or its ``error``."""
    found = execute("SELECT arguments FROM work WHERE key = ? AND state = 'waiting'", (waiting_key(key),))
    for (arguments,) in found:
        positional, named = json.loads(arguments)
        written = json.dumps([positional, {**named, "outcome": {"value": outcome}}])
        update = "UPDATE work SET arguments = ?, due_at = ? WHERE key = ? AND state = 'waiting'"
        execute(update, (written, now, waiting_key(key)))


def expired_work(execute: Execute, now: float, most: int) -> list[WorkRow]:
    """Return the pieces whose process let the lease run out."""
    return [WorkRow.read(row) for row in execute(_EXPIRED, (now, most))]


def record_worker(execute: Execute, owner: str, name: str, times: Sequence[float]) -> None:
    """Store that a process which runs work lives: when it started, now, and until when the row is kept."""
    execute(_SEEN, (owner, name, *times))
