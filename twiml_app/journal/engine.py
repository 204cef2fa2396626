"""One writer a process, whose transactions are shared by the requests that wait; what a store must be able to do."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from ..errors import JournalUnavailable

T = TypeVar("T")
Row = tuple[Any, ...]


class Execute(Protocol):
    """Runs one statement, its parameters written ``?``, and returns its rows."""

    def __call__(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run the statement."""


Operation = Callable[[Execute], T]


class Store(Protocol):
    """A connection to one database, used by one thread at a time."""

    #: What the store raises when it cannot be reached or written to.
    errors: tuple[type[Exception], ...]

    def begin(self) -> Execute:
        """Begin a transaction that may write, connecting first if need be."""

    def commit(self) -> None:
        """Make it durable."""

    def roll_back(self) -> None:
        """Undo it."""

    def close(self) -> None:
        """Drop the connection; the next transaction makes another."""

    @property
    def owner(self) -> int:
        """Who this process is, among all that write to the database."""

    def is_alive(self, owner: int) -> bool:
        """Tell whether another process still runs; within a transaction."""


class _Job:
    """An operation that waits for its transaction, and what became of it."""

    __slots__ = ("done", "error", "operation", "value")

    def __init__(self, operation: Operation[Any]) -> None:
        self.operation = operation
        self.value: Any = None
        self.error: Exception | None = None
        self.done = False

    def result(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value


class Engine:
    """Runs operations in transactions, several in one when several wait.

    The first to come leads: it commits for all that have queued meanwhile, and they find their work done. So many
    requests share one write to the disk, and no thread has to be kept, stopped, or carried over a fork.
    """

    def __init__(self, store: Callable[[], Store]) -> None:
        self._make_store = store
        self._queue_lock = threading.Lock()
        self._leader_lock = threading.Lock()
        self._waiting: list[_Job] = []
        self._store: Store | None = None
        self._inherited: list[Store | None] = []
        self._pid = 0

    def run(self, operation: Operation[T]) -> T:
        """Run an operation in a transaction and return its value; what it wrote is durable then.

        An operation may be run twice, so it has no effect but what it writes.

        Raises: JournalUnavailable, and whatever the operation raises.
        """
        self._follow_fork()
        job = _Job(operation)
        with self._queue_lock:
            self._waiting.append(job)
        with self._leader_lock:
            if not job.done:
                self._commit_waiting()
        value: T = job.result()
        return value

    @property
    def owner(self) -> int:
        """Who this process is, among all that write to the database; known once a transaction has begun."""
        return self._store.owner if self._store else 0

    def is_alive(self, owner: int) -> bool:
        """Tell whether the process that holds a claim still runs; within an operation."""
        return self._store is not None and (owner == self._store.owner or self._store.is_alive(owner))

    def close(self) -> None:
        """Give the connection up."""
        with self._leader_lock:
            if self._store:
                self._store.close()

    def __del__(self) -> None:
        """Give the connection up with the engine; one that came with a fork is the parent's."""
        if self._store and self._pid == os.getpid():
            self._store.close()

    def _follow_fork(self) -> None:
        """Start anew in a child process: no connection and no lock of the parent's is used there, or closed."""
        if self._pid == os.getpid():
            return
        self._inherited.append(self._store)
        self._pid = os.getpid()
        self._queue_lock, self._leader_lock = threading.Lock(), threading.Lock()
        self._waiting, self._store = [], None

    def _commit_waiting(self) -> None:
        with self._queue_lock:
            jobs, self._waiting = self._waiting, []
        try:
            self._transact(jobs)
        except Exception:
            # One of them may be at fault: each gets a transaction, and an error, of its own.
            for job in jobs:
                self._transact_alone(job)
        for job in jobs:
            job.done = True

    def _transact_alone(self, job: _Job) -> None:
        job.error = None
        try:
            self._transact([job])
        except Exception as error:
            job.error = error

    def _transact(self, jobs: list[_Job]) -> None:
        """Run jobs in one transaction.

        Raises: JournalUnavailable, and whatever a job raises.
        """
        if self._store is None:
            self._store = self._make_store()
        store = self._store
        try:
            execute = store.begin()
            for job in jobs:
                job.value = job.operation(execute)
            store.commit()
        except store.errors as error:
            store.close()
            raise JournalUnavailable(f"the journal cannot be written to: {error}") from error
        except BaseException:
            store.roll_back()
            raise
