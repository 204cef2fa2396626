"""The journal in a SQLite file, shared by the processes of one machine."""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from .engine import Execute, Row
from .schema import create

#: How long a writer waits for one outside our queue, such as a backup.
BUSY_TIMEOUT_S = 5.0
_TYPES = {"id": "INTEGER PRIMARY KEY AUTOINCREMENT", "blob": "BLOB", "real": "REAL"}


class SqliteStore:
    """A connection to the file.

    Processes queue for writing on a lock of their own: SQLite's busy handler polls, and under load some wait long.
    Which processes run is told by locks too: each holds one byte of a file, and the system lets go of it when it dies.
    """

    errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)

    def __init__(self, path: Path, *, durable: bool, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._path = path
        self._durable = durable
        self._busy_timeout_s = busy_timeout_s
        self._connection: sqlite3.Connection | None = None
        self._queue = -1
        self._owners = -1
        # Offsets of a file go this far; two processes that draw the same one are not to be expected.
        self.owner = secrets.randbits(62)

    def begin(self) -> Execute:
        """Queue for writing, and begin.

        Raises: sqlite3.Error; OSError.
        """
        connection = self._connection or self._open()
        fcntl.flock(self._queue, fcntl.LOCK_EX)
        connection.execute("BEGIN IMMEDIATE")
        return _executor(connection)

    def commit(self) -> None:
        """Make it durable, and let the next one write."""
        if self._connection:
            self._connection.execute("COMMIT")
        fcntl.flock(self._queue, fcntl.LOCK_UN)

    def roll_back(self) -> None:
        """Undo it, and let the next one write."""
        if self._connection and self._connection.in_transaction:
            self._connection.rollback()
        fcntl.flock(self._queue, fcntl.LOCK_UN)

    def close(self) -> None:
        """Drop the connection; the lock that says we live stays, for the handlers that still run."""
        if self._connection:
            self._connection.close()
        self._connection = None
        if self._queue >= 0:
            fcntl.flock(self._queue, fcntl.LOCK_UN)

    def is_alive(self, owner: int) -> bool:
        """Tell whether a process holds its byte."""
        try:
            fcntl.lockf(self._owners, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, owner)
        except OSError:
            return True
        fcntl.lockf(self._owners, fcntl.LOCK_UN, 1, owner)
        return False

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._owners < 0:
            self._queue, self._owners = self._lock_file("queue"), self._lock_file("owners")
            fcntl.lockf(self._owners, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, self.owner)
        connection = sqlite3.connect(
            self._path,
            timeout=self._busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=64,
        )
        fcntl.flock(self._queue, fcntl.LOCK_EX)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={'FULL' if self._durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            create(_executor(connection), _TYPES)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        finally:
            fcntl.flock(self._queue, fcntl.LOCK_UN)
        self._connection = connection
        return connection

    def _lock_file(self, name: str) -> int:
        return os.open(f"{self._path}-{name}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _executor(connection: sqlite3.Connection) -> Execute:
    def execute(statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        return connection.execute(statement, tuple(parameters)).fetchall()

    return execute
