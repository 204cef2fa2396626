"""Group commit: operations that wait at the same time share one transaction; every wait has a time limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..errors import JournalUnavailable
from .deadlines import seconds_left
from .locks import LockTimeout
from .stores import Execute, Operation, Store

T = TypeVar("T")

_HINT = "; check TWIML_DATABASE_URL, the server, and the permission to write there"


class _CannotBegin(JournalUnavailable):
    """No transaction could be started, so the operations that wait behind this one would fail too."""


class _Job:
    """An operation that waits for its transaction, and then its value or its error."""

    __slots__ = ("deadline", "done", "durable", "error", "is_wanted", "operation", "value")

    def __init__(self, operation: Operation[Any], durable: bool, deadline: float) -> None:
        self.operation = operation
        self.durable = durable
        self.deadline = deadline
        self.value: Any = None
        self.error: BaseException | None = None
        self.done = False
        self.is_wanted = True

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


class GroupCommit:
    """Commits the operations of all threads of a process.

    The first thread to arrive runs and commits the operations of all threads that have queued behind it. So many
    requests share one write to the disk, and there is no background thread to start, stop, or carry over a fork.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queue_lock = threading.Lock()
        self._leader_lock = threading.Lock()
        self._waiting: list[_Job] = []

    def run(self, operation: Operation[T], *, durable: bool, wait_s: float) -> T:
        """Run an operation in a transaction and return its value.

        Raises: JournalUnavailable, and whatever the operation raises.
        """
        job = _Job(operation, durable, time.monotonic() + wait_s)
        with self._queue_lock:
            self._waiting.append(job)
        if not self._leader_lock.acquire(timeout=wait_s):
            job.is_wanted = False
            raise _still_writing(wait_s)
        try:
            if not job.done:
                self._commit_waiting(job)
        finally:
            self._leader_lock.release()
        value: T = job.result()
        return value

    def between_transactions(self, action: Callable[[], T], *, wait_s: float) -> T:
        """Run an action while no transaction of this process is open.

        Raises: JournalUnavailable, and whatever the action raises.
        """
        if not self._leader_lock.acquire(timeout=wait_s):
            raise _still_writing(wait_s)
        try:
            return action()
        finally:
            self._leader_lock.release()

    def _commit_waiting(self, own: _Job) -> None:
        with self._queue_lock:
            waiting, self._waiting = self._waiting, []
        jobs = [job for job in waiting if job.is_wanted]
        try:
            self._transact(jobs, own.deadline, joined_by=self._arrived)
        except _CannotBegin as error:
            self._fail(jobs, own, error)
        except Exception:
            self._transact_one_by_one(jobs, own)
        except BaseException as error:  # SystemExit or KeyboardInterrupt: it ends one thread, and the others continue
            interrupted = next((job for job in jobs if job.error), own)
            _end([interrupted], error)
            self._transact_one_by_one([job for job in jobs if job is not interrupted], own)
        else:
            _end(jobs)

    def _transact_one_by_one(self, jobs: list[_Job], own: _Job) -> None:
        """Run each job in its own transaction, with its own error: one job failed, or the connection broke."""
        for place, job in enumerate(jobs):
            try:
                self._transact([job], min(job.deadline, own.deadline))
            except _CannotBegin as error:
                if job.deadline > time.monotonic():  # nobody can begin, or the leader has no time left
                    self._fail(jobs[place:], own, error)
                    return
                _end([job], error)
            except BaseException as error:
                _end([job], error)
            else:
                _end([job])

    def _arrived(self, *, durable: bool) -> list[_Job]:
        """Take the jobs that have arrived meanwhile, unless they need a durable transaction and this one is not."""
        with self._queue_lock:
            arrived = [job for job in self._waiting if durable or not job.durable]
            self._waiting = [job for job in self._waiting if job.durable and not durable]
        return [job for job in arrived if job.is_wanted]

    def _transact(
        self, jobs: list[_Job], deadline: float, joined_by: Callable[..., list[_Job]] = lambda **_: []
    ) -> None:
        """Run jobs in one transaction; those that arrived while it waited for other processes join them.

        Raises: JournalUnavailable, and whatever a job raises.
        """
        store = self._store
        durable = any(job.durable for job in jobs)
        execute = self._begin(store, durable=durable, deadline=deadline)
        try:
            jobs += joined_by(durable=durable)
            for job in jobs:
                if job.is_wanted:
                    job.run(execute)
            store.commit()
        except store.errors as error:
            store.recover()
            raise JournalUnavailable(failed_write(error)) from error
        except BaseException:
            store.roll_back()
            raise

    @staticmethod
    def _begin(store: Store, *, durable: bool, deadline: float) -> Execute:
        try:
            return store.begin(durable=durable, limit_s=seconds_left(deadline))
        except store.errors as error:
            store.close()
            hint = "" if isinstance(error, LockTimeout) else _HINT
            raise _CannotBegin(failed_write(error) + hint) from error
        except BaseException:
            store.roll_back()
            raise

    def _fail(self, jobs: list[_Job], own: _Job, error: Exception) -> None:
        """Fail the jobs; if the leader ran out of time, those that have more time wait for the next leader."""
        now = time.monotonic()
        others = [job for job in jobs if job is not own and job.deadline > now] if own.deadline <= now else []
        with self._queue_lock:
            self._waiting = others + self._waiting
        _end([job for job in jobs if job not in others], error)


def failed_write(error: Exception) -> str:
    """Return one line about an error of the database; those of PostgreSQL have several."""
    return f"the journal cannot be written to: {' '.join(str(error).split())}"


def _end(jobs: Sequence[_Job], error: BaseException | None = None) -> None:
    for job in jobs:
        job.error, job.done = error, True


def _still_writing(wait_s: float) -> JournalUnavailable:
    return JournalUnavailable(f"another thread of this process was still writing after {wait_s:.1f} s")
