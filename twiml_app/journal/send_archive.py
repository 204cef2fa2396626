"""Look at the messages that the program sends first, and stop them: list, pause, resume, cancel, send again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from .engine import Engine
from .received_events import DAY_S
from .send_rows import CANCELLED, SEND_COLUMNS, WAITING, SendRow
from .send_tables import FAILED_SENDS, FOREVER
from .stores import Execute

#: How many messages are changed in one transaction.
_BATCH = 500
#: How long one of these transactions may wait, in seconds.
_WAIT_S = 10.0
#: How many messages are counted at most.
MOST_COUNTED = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFilter:
    """Which messages to select; a field that is None matches all of them."""

    sender: str | None = None
    #: How the key begins.
    key: str | None = None
    state: str | None = None
    contact: str | None = None
    sid: str | None = None
    #: Not older, in seconds since 1970.
    since: float | None = None
    failed: bool = False

    def where(self) -> tuple[str, list[object]]:
        """Return the condition in SQL, and its parameters."""
        wanted = {
            "number = ?": self.sender,
            "state = ?": self.state,
            "contact = ?": self.contact,
            "message_sid = ?": self.sid,
            "updated_at >= ?": self.since,
        }
        given = {condition: value for condition, value in wanted.items() if value is not None}
        conditions: list[str] = [*given]
        parameters: list[object] = [*given.values()]
        if self.key is not None:
            conditions.append("substr(key, 1, length(?)) = ?")
            parameters += [self.key, self.key]
        return " AND ".join([*conditions, FAILED_SENDS if self.failed else "1 = 1"]), parameters


@dataclass(frozen=True, slots=True)
class Pause:
    """What does not leave: everything (``all``), what a ``sender`` sends, or keys that begin with ``value``."""

    scope: str
    value: str
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class SendCounts:
    """How many messages wait or need attention, each up to ``MOST_COUNTED``."""

    waiting: int
    failed: int
    unknown: int
    pauses: int


class SendArchive:
    """Reads and stops the messages in a journal; every worker and machine notices a pause before it claims the next.

    Raises: JournalUnavailable, from every method.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def latest(self, wanted: SendFilter, limit: int) -> list[SendRow]:
        """Return the messages that changed last, newest first."""
        where, parameters = wanted.where()
        statement = f"SELECT {SEND_COLUMNS} FROM sends WHERE {where} ORDER BY updated_at DESC, n DESC LIMIT ?"  # noqa: S608
        rows = self._engine.read(lambda execute: execute(statement, [*parameters, limit]))
        return [SendRow.read(row) for row in rows]

    def all_to(self, contact: str) -> list[SendRow]:
        """Return all messages to a contact, in the order in which they were asked for."""
        statement = f"SELECT {SEND_COLUMNS} FROM sends WHERE contact = ? ORDER BY n"  # noqa: S608
        rows = self._engine.read(lambda execute: execute(statement, (contact,)))
        return [SendRow.read(row) for row in rows]

    def counts(self) -> SendCounts:
        """Return how many messages wait or need attention."""
        return self._engine.read(_counts)

    def pauses(self) -> list[Pause]:
        """Return what is paused."""
        rows = self._engine.read(lambda execute: execute("SELECT scope, value, created_at FROM send_pauses"))
        return sorted((Pause(*row) for row in rows), key=lambda pause: (pause.scope, pause.value))

    def pause(self, pause: Pause) -> None:
        """Let something no longer leave."""
        insert = "INSERT INTO send_pauses (scope, value, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        values = (pause.scope, pause.value, pause.created_at)
        self._engine.run(lambda execute: execute(insert, values), wait_s=_WAIT_S)

    def resume(self, pause: Pause) -> int:
        """End one pause, or with the scope ``all`` every pause, and return how many ended."""
        delete = "DELETE FROM send_pauses WHERE ? = 'all' OR (scope = ? AND value = ?)"
        values = (pause.scope, pause.scope, pause.value)
        return self._engine.run(lambda execute: execute.count(delete, values), wait_s=_WAIT_S)

    def cancel(self, wanted: SendFilter, now: float, keep_until: float) -> int:
        """Withdraw messages that still wait, and return how many."""
        where, parameters = wanted.where()
        found = f"SELECT n FROM sends WHERE state = 'waiting' AND {where} ORDER BY n LIMIT ?"  # noqa: S608
        changed = "state = ?, due_at = ?, updated_at = ?, keep_until = ?"
        end = f"UPDATE sends SET {changed} WHERE state = 'waiting' AND n IN ({found})"  # noqa: S608
        return self._in_batches(end, [CANCELLED, FOREVER, now, keep_until, *parameters, _BATCH])

    def retry(self, wanted: SendFilter, now: float) -> int:
        """Let messages that failed wait again, and return how many."""
        where, parameters = wanted.where()
        found = f"SELECT n FROM sends WHERE state = 'failed' AND {where} ORDER BY n LIMIT ?"  # noqa: S608
        changed = (
            "state = ?, due_at = ?, give_up_at = ?, updated_at = ?, keep_until = ?, error_code = NULL, problem = ''"
        )
        again = f"UPDATE sends SET {changed} WHERE state = 'failed' AND n IN ({found})"  # noqa: S608
        return self._in_batches(again, [WAITING, now, now + DAY_S, now, FOREVER, *parameters, _BATCH])

    def _in_batches(self, statement: str, parameters: Sequence[object]) -> int:
        """Repeat a statement until it finds nothing to change, and return how many rows it changed."""
        changed = 0
        while batch := self._engine.run(partial(_count, statement, parameters), wait_s=_WAIT_S):
            changed += batch
        return changed


def _count(statement: str, parameters: Sequence[object], execute: Execute) -> int:
    return execute.count(statement, parameters)


def _counts(execute: Execute) -> SendCounts:
    def count(condition: str) -> int:
        limited = f"SELECT 1 FROM sends WHERE {condition} LIMIT {MOST_COUNTED}"  # noqa: S608
        return int(execute(f"SELECT count(*) FROM ({limited}) AS counted")[0][0])  # noqa: S608

    pauses = int(execute("SELECT count(*) FROM send_pauses")[0][0])
    failed = f"{FAILED_SENDS} AND state = 'failed'"
    return SendCounts(count("state = 'waiting'"), count(failed), count(f"{FAILED_SENDS} AND state = 'unknown'"), pauses)
