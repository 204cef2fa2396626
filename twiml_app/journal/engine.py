"""One writer a process, whose transactions are shared by the requests that wait; what a store must be able to do."""

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
    """Runs one statement, its parameters written ``?``, and returns its rows."""

    def __call__(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run the statement."""


Operation = Callable[[Execute], T]


class Store(Protocol):
    """A connection to one database, used by one thread at a time."""

    #: What the store raises when it cannot be reached or written to.
    errors: tuple[type[Exception], ...]

    def begin(self, *, durable: bool) -> Execute:
        """Begin a transaction that may write, connecting first if need be; it need not be durable at once."""

    def commit(self) -> None:
        """Make it durable."""

    def roll_back(self) -> None:
        """Undo it."""

    def recover(self) -> None:
        """Undo a transaction that failed, and drop the connection if it is no good any more."""

    def close(self) -> None:
        """Drop the connection; the next transaction makes another."""

    def forget(self) -> None:
        """Make sure that what was deleted is gone from the disk, as far as the store can; outside a transaction."""

    @property
    def owner(self) -> int:
        """Who this process is, among all that write to the database."""

    @property
    def own_owners(self) -> frozenset[int]:
        """Who this process is and, on connections before, was."""

    def is_alive(self, owner: int) -> bool:
        """Tell whether another process still runs; within a transaction."""


class _CannotBegin(JournalUnavailable):
    """No transaction could be begun: whoever waits behind would wait in vain."""


class _Job:
    """An operation that waits for its transaction, and what became of it."""

    __slots__ = ("done", "durable", "error", "operation", "value")

    def __init__(self, operation: Operation[Any], durable: bool) -> None:
        self.operation = operation
        self.durable = durable
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
        self._pid = os.getpid()
        itself = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _start_anew(itself()))

    def run(self, operation: Operation[T], *, durable: bool = True) -> T:
        """Run an operation in a transaction and return its value; what it wrote is durable then.

        An operation may be run twice, so it has no effect but what it writes. What is not ``durable`` outlives the
        process, and is on the disk with the next that is.

        Raises: JournalUnavailable, and whatever the operation raises.
        """
        job = _Job(operation, durable)
        with self._queue_lock:
            self._waiting.append(job)
        with self._leader_lock:
            if not job.done:
                self._commit_waiting()
        value: T = job.result()
        return value

    def query(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run one statement and return its rows.

        Raises: JournalUnavailable.
        """
        return self.run(lambda execute: execute(statement, parameters), durable=False)

    def check(self) -> None:
        """Return if the store can be reached and written to.

        Raises: JournalUnavailable.
        """
        self.query("UPDATE meta SET value = value WHERE name = 'schema_version'")

    @property
    def owner(self) -> int:
        """Who this process is, among all that write to the database; known once a transaction has begun."""
        return self._store.owner if self._store else 0

    def is_own(self, owner: int) -> bool:
        """Tell whether a claim is this process's."""
        return self._store is not None and owner in self._store.own_owners

    def is_alive(self, owner: int) -> bool:
        """Tell whether the process that holds a claim still runs; within an operation."""
        return self._store is not None and (self.is_own(owner) or self._store.is_alive(owner))

    def forget(self) -> None:
        """Make sure that what was deleted is gone from the disk, as far as the store can."""
        with self._leader_lock:
            if self._store:
                self._store.forget()

    def close(self) -> None:
        """Give the connection up."""
        with self._leader_lock:
            if self._store:
                self._store.close()

    def __del__(self) -> None:
        """Give the connection up with the engine; one that came with a fork is the parent's."""
        if self._store and self._pid == os.getpid():
            self._store.close()

    def start_anew(self) -> None:
        """Begin again in a child process: no connection and no lock of the parent's is used there, or closed."""
        self._inherited.append(self._store)
        self._pid = os.getpid()
        self._queue_lock, self._leader_lock = threading.Lock(), threading.Lock()
        self._waiting, self._store = [], None

    def _commit_waiting(self) -> None:
        with self._queue_lock:
            jobs, self._waiting = self._waiting, []
        try:
            self._transact(jobs)
        except _CannotBegin as error:
            _fail(jobs, error)
        except Exception:
            self._transact_one_by_one(jobs)
        for job in jobs:
            job.done = True

    def _transact_one_by_one(self, jobs: list[_Job]) -> None:
        """Give each job a transaction, and an error, of its own: one of them is at fault, or the connection broke."""
        for place, job in enumerate(jobs):
            try:
                self._transact([job])
            except _CannotBegin as error:
                _fail(jobs[place:], error)
                return
            except Exception as error:
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
                job.value = job.operation(execute)
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
            hint = "look at TWIML_DATABASE_URL, at the server, and at who may write there"
            raise _CannotBegin(f"the journal cannot be written to: {error}; {hint}") from error
        except BaseException:
            store.roll_back()
            raise


def _fail(jobs: list[_Job], error: Exception) -> None:
    for job in jobs:
        job.error = error


def _start_anew(engine: Engine | None) -> None:
    if engine is not None:
        engine.start_anew()
