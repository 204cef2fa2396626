"""Read and manage the work in a journal: list, show, count, and run failed work again."""

from __future__ import annotations

from dataclasses import dataclass

from .archive import escaped
from .engine import Engine
from .stores import Execute
from .work_rows import WORK_COLUMNS, WorkRow

#: How long a process may give no sign of life until it is not counted any more, in seconds.
ALIVE_S = 60.0
#: How long a transaction may wait, in seconds.
_WAIT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFilter:
    """Which work to select; a field that is None matches all of it."""

    since: float | None = None
    #: Part of the name of a function.
    function: str | None = None
    state: str | None = None
    contact: str | None = None
    #: MessageSid of the event whose handler asked for it.
    origin: str | None = None

    def where(self) -> tuple[str, list[object]]:
        """Return the condition in SQL, and its parameters."""
        wanted = {
            "created_at >= ?": self.since,
            "contact = ?": self.contact,
            "origin = ?": self.origin,
            "replace(lower(function), ':', '.') LIKE ? ESCAPE '!'": self._function_pattern(),
            "state = ?": self.state,
        }
        given = {condition: value for condition, value in wanted.items() if value is not None}
        return " AND ".join([*given, "1 = 1"]), list(given.values())

    def _function_pattern(self) -> str | None:
        return f"%{escaped(self.function.lower().replace(':', '.'))}%" if self.function else None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCounts:
    """A summary of the work; times are in seconds since 1970."""

    waiting: int
    #: Since when the work that has been due for longest is due; None if nothing is overdue.
    overdue_since: float | None
    running: int
    failed: int
    #: How many processes run work.
    workers: int
    #: The last sign of life of any of them.
    last_seen_at: float | None


class WorkArchive:
    """Reads and manages the work in a journal.

    Raises: JournalUnavailable, from every method.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def latest(self, wanted: WorkFilter, limit: int) -> list[WorkRow]:
        """Return the newest work, newest first."""
        where, parameters = wanted.where()
        statement = f"SELECT {WORK_COLUMNS} FROM work WHERE {where} ORDER BY created_at DESC, id DESC LIMIT ?"  # noqa: S608
        rows = self._engine.read(lambda execute: execute(statement, [*parameters, limit]))
        return [WorkRow.read(row) for row in rows]

    def find(self, work_id: int) -> WorkRow | None:
        """Return one piece of work by its id."""
        statement = f"SELECT {WORK_COLUMNS} FROM work WHERE id = ?"  # noqa: S608
        rows = self._engine.read(lambda execute: execute(statement, (work_id,)))
        return next((WorkRow.read(row) for row in rows), None)

    def retry(self, wanted: WorkFilter, now: float) -> int:
        """Let failed work be run again, with all its attempts; return how many pieces that were."""
        where, parameters = wanted.where()
        retry = (
            f"UPDATE work SET state = 'waiting', attempt = 0, due_at = ?, keep_until = 1e15"  # noqa: S608
            f" WHERE state = 'failed' AND {where}"
        )
        return self._engine.run(lambda execute: execute.count(retry, [now, *parameters]), wait_s=_WAIT_S)

    def counts(self, now: float) -> WorkCounts:
        """Return a summary of the work."""
        return self._engine.read(lambda execute: _counts(execute, now))


def _counts(execute: Execute, now: float) -> WorkCounts:
    def count(state: str) -> int:
        return int(execute(f"SELECT count(*) FROM work WHERE state = '{state}'")[0][0])  # noqa: S608

    first = execute("SELECT due_at FROM work WHERE state = 'waiting' ORDER BY due_at, id LIMIT 1")
    alive = execute("SELECT count(*), max(seen_at) FROM workers WHERE seen_at >= ?", (now - ALIVE_S,))
    last = execute("SELECT max(seen_at) FROM workers")[0][0]
    return WorkCounts(
        waiting=count("waiting"),
        overdue_since=next((row[0] for row in first if row[0] <= now), None),
        running=count("running"),
        failed=count("failed"),
        workers=alive[0][0],
        last_seen_at=last,
    )
