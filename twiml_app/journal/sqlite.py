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
#: The owners of this process: to ask the system for their locks would let go of them.
_OURS: dict[int, int] = {}


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
        self.own_owners = frozenset({self.owner})
        _OURS[self.owner] = os.getpid()
        self._synchronous = ""
        self._inode = 0

    def begin(self, *, durable: bool) -> Execute:
        """Queue for writing, and begin.

        Raises: sqlite3.Error; OSError.
        """
        if self._connection and not self._is_in_place():
            self._leave()
        connection = self._connection or self._open()
        fcntl.flock(self._queue, fcntl.LOCK_EX)
        self._synchronize(connection, "FULL" if durable and self._durable else "NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        return _sqlite_executor(connection)

    def _is_in_place(self) -> bool:
        """Tell whether the file is still the one that was opened: what is written to a deleted file is lost."""
        try:
            return self._path.stat().st_ino == self._inode
        except OSError:
            return False

    def _leave(self) -> None:
        """Give up a file that was taken away, and the locks beside it."""
        self.close()
        for descriptor in (self._queue, self._owners):
            os.close(descriptor)
        self._queue = self._owners = -1

    def _synchronize(self, connection: sqlite3.Connection, level: str) -> None:
        """Choose whether a commit waits for the disk: with NORMAL it survives the process, with FULL a power cut."""
        if level != self._synchronous:
            connection.execute(f"PRAGMA synchronous={level}")
            self._synchronous = level

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

    def recover(self) -> None:
        """Begin anew with the file."""
        self.close()

    def forget(self) -> None:
        """Empty the write-ahead log, in which deleted texts stand for a while."""
        if self._connection:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Drop the connection; the lock that says we live stays, for the handlers that still run."""
        if self._connection:
            self._connection.close()
        self._connection = None
        if self._queue >= 0:
            fcntl.flock(self._queue, fcntl.LOCK_UN)

    def is_alive(self, owner: int) -> bool:
        """Tell whether a process holds its byte; of our own process the system would not say."""
        if _OURS.get(owner) == os.getpid():
            return True
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
            connection.execute("PRAGMA secure_delete=ON")
            self._synchronous = ""
            connection.execute("BEGIN IMMEDIATE")
            create(_sqlite_executor(connection), _TYPES)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        finally:
            fcntl.flock(self._queue, fcntl.LOCK_UN)
        self._inode = self._path.stat().st_ino
        self._connection = connection
        return connection

    def _lock_file(self, name: str) -> int:
        return os.open(f"{self._path}-{name}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _sqlite_executor(connection: sqlite3.Connection) -> Execute:
    def execute(statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        return connection.execute(statement, tuple(parameters)).fetchall()

    return execute
