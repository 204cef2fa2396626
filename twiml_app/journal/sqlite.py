"""The journal in a SQLite file, shared by the processes of one machine."""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from .engine import Execute, Row
from .schema import create

#: How long a writer waits for one outside our queue, such as a backup.
BUSY_TIMEOUT_S = 5.0
_TYPES = {"id": "INTEGER PRIMARY KEY AUTOINCREMENT", "blob": "BLOB", "real": "REAL"}
#: The owner ids of this process: probing our own lock would release it (POSIX fcntl semantics).
_OURS: dict[int, int] = {}


class SqliteStore:
    """A connection to the database file.

    Writers queue on a lock of our own, because SQLite's busy handler polls and lets some wait long under load. Each
    process also holds a lock on one byte of a second file; the system releases it when the process dies.
    """

    errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)

    def __init__(self, path: Path, *, durable: bool, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._path = path
        self._durable = durable
        self._busy_timeout_s = busy_timeout_s
        self._connection: sqlite3.Connection | None = None
        self._queue = -1
        self._owners = -1
        # The range of file offsets; that two processes draw the same number is very unlikely.
        self.owner = secrets.randbits(62)
        self.own_owners = frozenset({self.owner})
        _OURS[self.owner] = os.getpid()
        self._synchronous = ""
        self._inode = 0

    def begin(self, *, durable: bool) -> Execute:
        """Wait for the other writers, and begin a transaction.

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
        """Return whether the file is still the one that was opened: writes to a deleted file are lost."""
        try:
            return self._path.stat().st_ino == self._inode
        except OSError:
            return False

    def _leave(self) -> None:
        """Close a file that was deleted or replaced, and the lock files next to it."""
        self.close()
        for descriptor in (self._queue, self._owners):
            os.close(descriptor)
        self._queue = self._owners = -1

    def _synchronize(self, connection: sqlite3.Connection, level: str) -> None:
        """Set whether a commit waits for the disk: with NORMAL it survives a killed process, with FULL a power cut."""
        if level != self._synchronous:
            connection.execute(f"PRAGMA synchronous={level}")
            self._synchronous = level

    def commit(self) -> None:
        """Commit, and let the next process write."""
        if self._connection:
            self._connection.execute("COMMIT")
        fcntl.flock(self._queue, fcntl.LOCK_UN)

    def roll_back(self) -> None:
        """Roll back, and let the next process write."""
        if self._connection and self._connection.in_transaction:
            self._connection.rollback()
        if self._queue >= 0:
            fcntl.flock(self._queue, fcntl.LOCK_UN)

    def recover(self) -> None:
        """Close the connection; the next transaction opens the file again."""
        self.close()

    def forget(self) -> None:
        """Truncate the write-ahead log, which still contains deleted texts."""
        if self._connection:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the connection, but keep the lock that marks this process as alive: its handlers may still run."""
        if self._connection:
            self._connection.close()
        self._connection = None
        if self._queue >= 0:
            fcntl.flock(self._queue, fcntl.LOCK_UN)

    def is_alive(self, owner: int) -> bool:
        """Return whether a process holds its lock; the system does not report the locks of our own process."""
        if _OURS.get(owner) == os.getpid():
            return True
        try:
            fcntl.lockf(self._owners, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, owner)
        except OSError:
            return True
        fcntl.lockf(self._owners, fcntl.LOCK_UN, 1, owner)
        return False

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._owners < 0:
            self._queue, self._owners = self._lock_file("queue"), self._lock_file("owners")
            fcntl.lockf(self._owners, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, self.owner)
        fcntl.flock(self._queue, fcntl.LOCK_EX)
        try:
            connection = self._prepared()
        finally:
            fcntl.flock(self._queue, fcntl.LOCK_UN)
        self._inode = self._path.stat().st_ino
        self._connection = connection
        return connection

    def _prepared(self) -> sqlite3.Connection:
        """Connect, and create what is missing, while no other process writes.

        Only the owner may read the file, as it contains the texts of customers; SQLite gives its other files, -wal and
        -shm, the same mode.
        """
        with suppress(FileExistsError):
            self._path.touch(mode=0o600, exist_ok=False)
        connection = sqlite3.connect(
            self._path,
            timeout=self._busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=64,
        )
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
        return connection

    def _lock_file(self, name: str) -> int:
        return os.open(f"{self._path}-{name}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _sqlite_executor(connection: sqlite3.Connection) -> Execute:
    def execute(statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        return connection.execute(statement, tuple(parameters)).fetchall()

    return execute
