"""The journal's access to its database: one writer for each process, and readers that no writer waits for."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import TypeVar, cast

from ..errors import JournalUnavailable
from .deadlines import seconds_left
from .group_commit import GroupCommit, failed_write
from .indexes import Index
from .migrations import INDEXES
from .stores import Guards, Operation, Store

T = TypeVar("T")

#: How long an operation may wait where its caller sets no limit, in seconds.
WAIT_S = 5.0
#: How long a command may read, in seconds.
READ_S = 30.0


class Engine:
    """Runs operations in transactions, and statements that only read outside of them; it connects when first used."""

    def __init__(self, store: Callable[[], Store]) -> None:
        #: What this process is called in lock files; empty for a server.
        self.name = ""
        self._make_store = store
        self._making = threading.Lock()
        self._store: Store | None = None
        self._group_commit: GroupCommit | None = None
        self._inherited: list[Store | None] = []
        self._pid = os.getpid()
        reference = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _reset_after_fork(reference()))

    def run(self, operation: Operation[T], *, durable: bool = True, wait_s: float = WAIT_S) -> T:
        """Run an operation in a transaction within ``wait_s`` and return its value.

        With ``durable``, its changes are on the disk when this returns; without, they survive the process and reach the
        disk with the next durable operation. An operation may run twice, so it must do nothing but run statements. One
        that is given up because of its time limit may still be committed.

        Raises: JournalUnavailable, and whatever the operation raises.
        """
        return self._commits().run(operation, durable=durable, wait_s=wait_s)

    def read(self, operation: Operation[T], *, wait_s: float = READ_S) -> T:
        """Run statements that only read, each for itself, and return the value; no writer waits for them.

        Raises: JournalUnavailable, and whatever the operation raises.
        """
        store, deadline = self.store, time.monotonic() + wait_s
        try:
            if store.can_read(wait_s):
                return _read(store, operation, wait_s)
        except store.errors:
            pass  # the files may have been deleted or replaced: a transaction opens those that are there now
        self.run(lambda _: None, durable=False, wait_s=seconds_left(deadline))
        try:
            return _read(store, operation, seconds_left(deadline))
        except store.errors as error:
            raise JournalUnavailable(f"the journal cannot be read: {error}") from error

    def guards(self, *, wait_s: float = WAIT_S) -> Guards | None:
        """Return the locks of events, None if the store has none.

        Raises: JournalUnavailable.
        """
        store = self.store
        if not store.is_open():
            self.run(lambda _: None, durable=False, wait_s=wait_s)
        return store.guards

    def check(self, *, wait_s: float = WAIT_S) -> None:
        """Commit a row of ordinary size and delete it again: on a full disk, only a commit fails.

        Raises: JournalUnavailable.
        """
        deadline = time.monotonic() + wait_s
        (probe,) = self.run(lambda execute: execute(_PROBE, ("x" * _PROBE_BYTES,)), wait_s=wait_s)
        delete = "DELETE FROM probes WHERE id <= ?"
        self.run(lambda execute: execute(delete, probe), durable=False, wait_s=seconds_left(deadline))

    @property
    def store(self) -> Store:
        """The store, which is made when it is first used."""
        self._commits()
        return cast(Store, self._store)

    def forget(self, *, wait_s: float = WAIT_S) -> bool:
        """Remove deleted data from the disk, as far as the store can; False if a reader still holds it.

        It waits at most ``wait_s`` for other threads, and then for other processes.

        Raises: JournalUnavailable.
        """
        return self._between_transactions(lambda store: store.forget(wait_s), wait_s)

    def missing_indexes(self) -> list[Index]:
        """Return the indexes that a large journal of an earlier release lacks.

        Raises: JournalUnavailable.
        """
        names = self.read(lambda execute: self.store.index_names(execute))
        return [index for index in INDEXES if index.name not in names]

    def build_index(self, index: Index) -> None:
        """Build an index; this takes long in a large journal, and with SQLite nobody else can write meanwhile.

        Raises: JournalUnavailable.
        """
        self._between_transactions(lambda store: store.build_index(index), WAIT_S)

    def close(self) -> None:
        """Close the connection."""
        if self._store:
            self._commits().between_transactions(self._store.close, wait_s=READ_S)

    def __del__(self) -> None:
        """Close the connection with the engine; one that was inherited by a fork belongs to the parent."""
        if self._store and self._pid == os.getpid():
            self._store.close()

    def reset_after_fork(self) -> None:
        """Reset a child process: it neither uses nor closes the connection and the locks of its parent."""
        self._inherited.append(self._store)
        if self._store:
            self._store.close_inherited()
        self._pid = os.getpid()
        self._making = threading.Lock()
        self._store = self._group_commit = None

    def _commits(self) -> GroupCommit:
        if self._group_commit is None:
            with self._making:
                if self._group_commit is None:
                    self._store = self._make_store()
                    self._store.name = self.name
                    self._group_commit = GroupCommit(self._store)
        return self._group_commit

    def _between_transactions(self, action: Callable[[Store], T], wait_s: float) -> T:
        """Run an action of the store outside of a transaction.

        Raises: JournalUnavailable.
        """
        store = self.store
        try:
            return self._commits().between_transactions(lambda: action(store), wait_s=wait_s)
        except store.errors as error:
            raise JournalUnavailable(failed_write(error)) from error


#: As large as an ordinary exchange.
_PROBE_BYTES = 2000
_PROBE = "INSERT INTO probes (body) VALUES (?) RETURNING id"


def _read(store: Store, operation: Operation[T], limit_s: float) -> T:
    with store.read(limit_s) as execute:
        return operation(execute)


def _reset_after_fork(engine: Engine | None) -> None:
    if engine is not None:
        engine.reset_after_fork()
