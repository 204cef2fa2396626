"""One database writer per process that batches waiting requests into shared transactions; the Store protocol."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from ..errors import JournalUnavailable

T = TypeVar("T")
Row = tuple[Any, ...]


class Execute(Protocol):
    """Runs one statement, with ``?`` for each parameter, and returns its rows."""

    def __call__(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run the statement."""


Operation = Callable[[Execute], T]


class Store(Protocol):
    """A connection to one database, used by one thread at a time."""

    #: The exceptions that the store raises when it cannot be reached or written to.
    errors: tuple[type[Exception], ...]

    def begin(self, *, durable: bool) -> Execute:
        """Begin a transaction, connecting first if necessary; with ``durable``, the commit waits for the disk."""

    def commit(self) -> None:
        """Commit the transaction."""

    def roll_back(self) -> None:
        """Roll the transaction back."""

    def recover(self) -> None:
        """Roll back a transaction that failed, and close the connection if it is broken."""

    def close(self) -> None:
        """Close the connection; the next transaction opens another."""

    def forget(self) -> None:
        """Remove deleted data from the disk, as far as the store can; called outside of a transaction."""

    @property
    def owner(self) -> int:
        """The id of this process, among all that write to the database."""

    @property
    def own_owners(self) -> frozenset[int]:
        """The ids of this process: the current one, and those of its earlier connections."""

    def is_alive(self, owner: int) -> bool:
        """Return whether another process still runs; called within a transaction."""


class _CannotBegin(JournalUnavailable):
    """No transaction could be started, so the operations that wait behind this one would fail too."""


class _Job:
    """An operation that waits for its transaction, and then its value or its error."""

    __slots__ = ("done", "durable", "error", "operation", "value")

    def __init__(self, operation: Operation[Any], durable: bool) -> None:
        self.operation = operation
        self.durable = durable
        self.value: Any = None
        self.error: BaseException | None = None
        self.done = False

    def run(self, execute: Execute) -> None:
        try:
            self.value = self.operation(execute)
        except Exception:
            raise
        except BaseException as error:
            self.error = error
            raise

    def result(self) -> Any:
        if self.error is not None:
            raise self.error
        if not self.done:
            raise JournalUnavailable("the thread that wrote to the journal was interrupted: try again")
        return self.value


class Engine:
    """Runs operations in transactions; operations that wait at the same time share one.

    The first thread to arrive runs and commits the operations of all threads that have queued behind it. So many
    requests share one write to the disk, and there is no background thread to start, stop, or carry over a fork.
    """

    def __init__(self, store: Callable[[], Store]) -> None:
        self._make_store = store
        self._queue_lock = threading.Lock()
        self._leader_lock = threading.Lock()
        self._waiting: list[_Job] = []
        self._store: Store | None = None
        self._inherited: list[Store | None] = []
        self._pid = os.getpid()
        reference = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _reset_after_fork(reference()))

    def run(self, operation: Operation[T], *, durable: bool = True) -> T:
        """Run an operation in a transaction and return its value.

        With ``durable``, its changes are on the disk when this returns; without, they survive the process and reach the
        disk with the next durable operation. An operation may run twice, so it must do nothing but run statements.

        Raises: JournalUnavailable, and whatever the operation raises.
        """
        job = _Job(operation, durable)
        with self._queue_lock:
            self._waiting.append(job)
        with self._leader_lock:
            if not job.done:
                self._commit_waiting(job)
        value: T = job.result()
        return value

    def query(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run one statement and return its rows.

        Raises: JournalUnavailable.
        """
        return self.run(lambda execute: execute(statement, parameters), durable=False)

    def check(self) -> None:
        """Check that the store can be reached and written to.

        Raises: JournalUnavailable.
        """
        self.query("UPDATE meta SET value = value WHERE name = 'schema_version'")

    @property
    def owner(self) -> int:
        """The id of this process, among all that write to the database; 0 before the first transaction."""
        return self._store.owner if self._store else 0

    def is_own(self, owner: int) -> bool:
        """Return whether an owner is this process."""
        return self._store is not None and owner in self._store.own_owners

    def is_alive(self, owner: int) -> bool:
        """Return whether the process of an owner still runs; called within an operation."""
        return self._store is not None and (self.is_own(owner) or self._store.is_alive(owner))

    def forget(self) -> None:
        """Remove deleted data from the disk, as far as the store can."""
        with self._leader_lock:
            if self._store:
                self._store.forget()

    def close(self) -> None:
        """Close the connection."""
        with self._leader_lock:
            if self._store:
                self._store.close()

    def __del__(self) -> None:
        """Close the connection with the engine; one that was inherited by a fork belongs to the parent."""
        if self._store and self._pid == os.getpid():
            self._store.close()

    def reset_after_fork(self) -> None:
        """Reset a child process: it neither uses nor closes the connection and the locks of its parent."""
        self._inherited.append(self._store)
        self._pid = os.getpid()
        self._queue_lock, self._leader_lock = threading.Lock(), threading.Lock()
        self._waiting, self._store = [], None

    def _commit_waiting(self, own: _Job) -> None:
        with self._queue_lock:
            jobs, self._waiting = self._waiting, []
        try:
            self._transact(jobs)
        except _CannotBegin as error:
            _fail(jobs, error)
        except Exception:
            self._transact_one_by_one(jobs)
        except BaseException as error:  # SystemExit or KeyboardInterrupt: it ends one thread, and the others continue
            interrupted = next((job for job in jobs if job.error), own)
            interrupted.error = error
            self._transact_one_by_one([job for job in jobs if job is not interrupted])
        for job in jobs:
            job.done = True

    def _transact_one_by_one(self, jobs: list[_Job]) -> None:
        """Run each job in its own transaction, with its own error: one job failed, or the connection broke."""
        for place, job in enumerate(jobs):
            try:
                self._transact([job])
            except _CannotBegin as error:
                _fail(jobs[place:], error)
                return
            except BaseException as error:
                job.error = error

    def _transact(self, jobs: list[_Job]) -> None:
        """Run jobs in one transaction.

        Raises: JournalUnavailable, and whatever a job raises.
        """
        if self._store is None:
            self._store = self._make_store()
        store = self._store
        execute = self._begin(store, durable=any(job.durable for job in jobs))
        try:
            for job in jobs:
                job.run(execute)
            store.commit()
        except store.errors as error:
            store.recover()
            raise JournalUnavailable(f"the journal cannot be written to: {error}") from error
        except BaseException:
            store.roll_back()
            raise

    @staticmethod
    def _begin(store: Store, *, durable: bool) -> Execute:
        try:
            return store.begin(durable=durable)
        except store.errors as error:
            store.close()
            hint = "check TWIML_DATABASE_URL, the server, and the permission to write there"
            raise _CannotBegin(f"the journal cannot be written to: {error}; {hint}") from error
        except BaseException:
            store.roll_back()
            raise


def _fail(jobs: list[_Job], error: Exception) -> None:
    for job in jobs:
        job.error = error


def _reset_after_fork(engine: Engine | None) -> None:
    if engine is not None:
        engine.reset_after_fork()
