"""The journal in a SQLite file, shared by the processes of one machine."""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
import time
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from ..errors import OlderReleaseRunning
from .deadlines import seconds_left
from .indexes import Index
from .lock_holders import holders
from .locks import EventLocks, QueueLock, supports_event_locks
from .migrations import OLDEST_READER, migrate
from .readers import SqliteConnection, SqliteExecute, SqliteReaders
from .stores import Execute, Guards, Trace
from .worker_files import WorkerFile, file_of, files_of_dead_processes, is_alive, read_records

#: How long a writer waits for one outside our queue, such as a backup, in seconds.
BUSY_TIMEOUT_S = 5.0
#: How long erasing waits for readers, in seconds: nobody can write meanwhile.
_READERS_TIMEOUT_S = 0.1
_TYPES = {"id": "INTEGER PRIMARY KEY AUTOINCREMENT", "blob": "BLOB", "real": "REAL"}


class SqliteStore:
    """A connection to the database file.

    Writers queue on a lock of our own, because SQLite's busy handler polls and lets some wait long under load. Without
    ``lock_events``, events are claimed by rows, as where the system has no open-file-description locks.
    """

    errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)
    skip_locked = ""  # only one process writes at a time

    def __init__(self, path: Path, *, durable: bool, lock_events: bool = True) -> None:
        self._path = path
        self._durable = durable
        self.name = ""
        self._lock_events = lock_events
        self._queue_path = Path(f"{path}-queue")
        self._workers = Path(f"{path}-workers")
        self._readers = SqliteReaders(path)
        self._connection: sqlite3.Connection | None = None
        self._queue: QueueLock | None = None
        self._worker: WorkerFile | None = None
        self.guards: Guards | None = None
        self.owner = 0
        self.own_owners: frozenset[int] = frozenset()
        self._names = str(path), str(self._queue_path)
        self._inodes = (0, 0)
        self._synchronous = ""
        self._busy_ms = 0

    def begin(self, *, durable: bool, limit_s: float) -> Execute:
        """Wait for the other writers, and begin a transaction.

        Raises: sqlite3.Error; OSError; OlderReleaseRunning; JournalTooNew.
        """
        deadline = time.monotonic() + limit_s
        self._enter_queue(deadline)
        connection = self._connection or self._connect(deadline)
        self._synchronize(connection, "FULL" if durable and self._durable else "NORMAL")
        self._begin_writing(connection, deadline)
        return SqliteExecute(connection)

    def commit(self) -> None:
        """Commit, and let the next process write."""
        if self._connection:
            self._connection.execute("COMMIT")
        self._leave_queue()

    def roll_back(self) -> None:
        """Roll back, and let the next process write."""
        if self._connection and self._connection.in_transaction:
            self._connection.rollback()
        self._leave_queue()

    def recover(self) -> None:
        """Close the connection; the next transaction opens the file again."""
        self.close()

    def close(self) -> None:
        """Close the connections, but keep the locks that mark this process as alive: its handlers may still run."""
        if self._connection:
            self._connection.close()
        self._connection = None
        self._readers.close()
        self._leave_queue()

    def close_inherited(self) -> None:
        """Close the locks of a parent process, which keeps them."""
        if self._queue:
            self._queue.close_inherited()
        if self.guards:
            self.guards.events.close()
        if self._worker:
            self._worker.close()

    def read(self, limit_s: float) -> AbstractContextManager[Execute]:
        """Read on a connection of its own."""
        return self._readers.read(limit_s)

    def is_open(self) -> bool:
        """Return whether the files are open; if they were replaced, the next transaction opens the new ones."""
        return self._worker is not None

    def can_read(self, limit_s: float) -> bool:
        """Return whether the file has the tables of this release."""
        return self.is_open() or self._readers.is_current(limit_s)

    def forget(self, limit_s: float) -> bool:
        """Truncate the write-ahead log, which still contains deleted texts; False if a reader needs it."""
        deadline = time.monotonic() + limit_s
        self._enter_queue(deadline)
        try:
            connection = self._connection or self._connect(deadline)
            self._limit_waiting(connection, _READERS_TIMEOUT_S)
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            self._leave_queue()
        return not busy

    def index_names(self, execute: Execute) -> set[str]:
        """Return the names of the indexes."""
        return {row[0] for row in execute("SELECT name FROM sqlite_master WHERE type = 'index'")}

    def build_index(self, index: Index) -> None:
        """Build an index in a transaction of its own."""
        execute = self.begin(durable=True, limit_s=BUSY_TIMEOUT_S)
        try:
            execute(index.statement())
            self.commit()
        except BaseException:
            self.roll_back()
            raise

    def is_alive(self, execute: Execute, owner: int) -> bool:  # noqa: ARG002 - PostgreSQL needs it
        """Return whether a process holds the lock of its file."""
        return is_alive(file_of(self._workers, owner))

    def try_lock(self, execute: Execute, name: str) -> bool:  # noqa: ARG002 - PostgreSQL needs them
        """Return True: one transaction at a time writes."""
        return True

    def traces(self) -> list[Trace]:
        """Return the files of dead processes."""
        paths = files_of_dead_processes(self._workers)
        return [Trace(path, tuple(read_records(path))) for path in paths]

    def count_in_flight(self) -> int:
        """Return the number of requests in the files of all processes."""
        return sum(len(list(read_records(path))) for path in self._workers.glob("*"))

    def remove_trace(self, trace: Trace) -> None:
        """Delete the file of a dead process."""
        trace.path.unlink(missing_ok=True)

    def _enter_queue(self, deadline: float) -> None:
        """Take the lock that writers wait for; the files may have been replaced meanwhile.

        Raises: OSError.
        """
        queue = self._queue = self._queue or self._open_queue()
        queue.acquire(seconds_left(deadline))
        if self._worker and not self._is_in_place():
            self._abandon_files()
            self._queue = self._open_queue()
            self._queue.acquire(seconds_left(deadline))

    def _leave_queue(self) -> None:
        if self._queue:
            self._queue.release()

    def _open_queue(self) -> QueueLock:
        self._path.parent.parent.mkdir(parents=True, exist_ok=True)
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        return QueueLock(self._queue_path, self.name)

    def _is_in_place(self) -> bool:
        """Return whether the files are still those that were opened: writes to a deleted file are lost."""
        return self._inodes == self._current_inodes()

    def _current_inodes(self) -> tuple[int, int]:
        try:
            return os.stat(self._names[0]).st_ino, os.stat(self._names[1]).st_ino  # noqa: PTH116 - for every request
        except OSError:
            return -1, -1

    def _abandon_files(self) -> None:
        """Close files that were deleted or replaced."""
        self.close()
        if self._queue:
            self._queue.close()
        self._queue = self._worker = None

    def _connect(self, deadline: float) -> sqlite3.Connection:
        """Connect, and create what is missing, while no other process writes.

        Only the owner may read the file, as it contains the texts of customers; SQLite gives its other files, -wal and
        -shm, the same mode.

        Raises: sqlite3.Error; OSError; OlderReleaseRunning; JournalTooNew.
        """
        with suppress(FileExistsError):
            self._path.touch(mode=0o600, exist_ok=False)
        connection = sqlite3.connect(
            self._path,
            timeout=seconds_left(deadline),
            isolation_level=None,
            check_same_thread=False,
            cached_statements=64,
            factory=SqliteConnection,
        )
        try:
            self._prepare(connection, deadline)
            self._become_known()
        except BaseException:
            connection.close()
            raise
        self._inodes = self._current_inodes()
        self._connection = connection
        return connection

    def _prepare(self, connection: sqlite3.Connection, deadline: float) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA secure_delete=ON")
        self._synchronous, self._busy_ms = "", 0
        self._begin_writing(connection, deadline)
        execute = SqliteExecute(connection)
        oldest = OLDEST_READER["sqlite"]
        migrate(execute, _TYPES, oldest_reader=oldest, before=lambda _: self._refuse_older_releases())
        connection.execute("COMMIT")

    def _refuse_older_releases(self) -> None:
        """Look for processes of releases that lock a byte of another file for as long as they run.

        Raises: OlderReleaseRunning.
        """
        path = Path(f"{self._path}-owners")
        if not path.exists():
            return
        with path.open("r+b") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise OlderReleaseRunning(
                    f"an older release still uses the journal ({holders([path])}) and cannot work next to this one:"
                    " stop it first"
                ) from error
        path.unlink()

    def _become_known(self) -> None:
        """Create the files by which other processes see that this one lives, while none of them looks."""
        if self._worker:
            return
        # That two processes draw the same number is very unlikely.
        self.owner = secrets.randbits(62)
        self.own_owners |= {self.owner}
        worker, path = WorkerFile(self._workers, self.owner), Path(f"{self._path}-claims")
        self.guards = Guards(EventLocks(path), worker) if self._can_lock_events(path) else None
        self._worker = worker

    def _can_lock_events(self, path: Path) -> bool:
        return self._lock_events and supports_event_locks(path)

    def _begin_writing(self, connection: sqlite3.Connection, deadline: float) -> None:
        """Begin a transaction, or say who prevents it.

        Raises: sqlite3.Error.
        """
        self._limit_waiting(connection, min(BUSY_TIMEOUT_S, seconds_left(deadline)))
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            held_by = holders([self._path, Path(f"{self._path}-shm")])
            raise sqlite3.OperationalError(f"{error}, held by {held_by}") from error

    def _limit_waiting(self, connection: sqlite3.Connection, limit_s: float) -> None:
        milliseconds = max(1, int(limit_s * 1000))
        if milliseconds != self._busy_ms:
            connection.execute(f"PRAGMA busy_timeout={milliseconds}")
            self._busy_ms = milliseconds

    def _synchronize(self, connection: sqlite3.Connection, level: str) -> None:
        """Set whether a commit waits for the disk: with NORMAL it survives a killed process, with FULL a power cut."""
        if level != self._synchronous:
            connection.execute(f"PRAGMA synchronous={level}")
            self._synchronous = level
