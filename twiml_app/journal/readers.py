"""Read-only connections to a SQLite file: they take no lock that a writer waits for."""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from urllib.parse import quote

from .migrations import SCHEMA_VERSION
from .stores import Execute, Row

#: How many connections are kept for the next reader.
MAX_IDLE = 8
_STEPS_BETWEEN_CHECKS = 50_000


class SqliteExecute:
    """Runs statements on a connection, with one cursor, as a new one takes as long as a small statement."""

    __slots__ = ("_cursor",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._cursor = connection.cursor()

    def __call__(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run a statement and return its rows."""
        return self._cursor.execute(statement, parameters).fetchall()

    def count(self, statement: str, parameters: Sequence[object] = ()) -> int:
        """Run a statement that writes and return the number of rows."""
        return self._cursor.execute(statement, parameters).rowcount


class SqliteConnection(sqlite3.Connection):
    """A connection that stays open for as long as its application lives, and is closed with it.

    Python 3.13 and later warn of a connection that is collected while it is open.
    """

    def __del__(self) -> None:
        with suppress(sqlite3.Error):  # it could not be opened
            self.close()


class _Reader:
    """One connection; its statements are interrupted when the deadline has passed.

    ``give_back`` is called when its reader is done; after an error, the connection is closed instead.
    """

    def __init__(self, path: Path, limit_s: float, generation: int, give_back: Callable[[_Reader], object]) -> None:
        self._give_back = give_back
        self.deadline = time.monotonic() + limit_s
        self.generation = generation
        self.connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro",
            uri=True,
            timeout=limit_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=32,
            factory=SqliteConnection,
        )
        self.connection.set_progress_handler(lambda: time.monotonic() > self.deadline, _STEPS_BETWEEN_CHECKS)
        self.execute = SqliteExecute(self.connection)

    def __enter__(self) -> Execute:
        return self.execute

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._give_back(self)
        else:
            self.connection.close()


class SqliteReaders:
    """The read-only connections of this process: one for each thread that reads at the moment."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: deque[_Reader] = deque()
        self._generation = 0

    def read(self, limit_s: float) -> AbstractContextManager[Execute]:
        """Read on a connection of one's own; each statement sees what was committed when it began.

        Raises: sqlite3.Error; OSError.
        """
        return self._take(limit_s)

    def is_current(self, limit_s: float) -> bool:
        """Return whether the file exists and has the tables of this release.

        Raises: sqlite3.Error, other than for a missing table; OSError.
        """
        if not self._path.exists():
            return False
        with self.read(limit_s) as execute:
            if not execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'"):
                return False
            version = execute("SELECT value FROM meta WHERE name = 'schema_version'")
        return bool(version) and int(version[0][0]) >= SCHEMA_VERSION

    def close(self) -> None:
        """Close the connections: at once, or when their readers are done."""
        self._generation += 1
        while self._idle:
            with suppress(IndexError):  # a reader took the last one
                self._idle.pop().connection.close()

    def _take(self, limit_s: float) -> _Reader:
        try:
            reader = self._idle.pop()
        except IndexError:
            return _Reader(self._path, limit_s, self._generation, self._give_back)
        reader.deadline = time.monotonic() + limit_s
        return reader

    def _give_back(self, reader: _Reader) -> None:
        if len(self._idle) < MAX_IDLE and reader.generation == self._generation:
            self._idle.append(reader)
        else:
            reader.connection.close()
