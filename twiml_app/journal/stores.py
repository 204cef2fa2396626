"""What the engine needs of a database: the Store protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from .indexes import Index
from .locks import EventLocks
from .worker_files import WorkerFile

T = TypeVar("T")
Row = tuple[Any, ...]


class Execute(Protocol):
    """Runs one statement, with ``?`` for each parameter, and returns its rows."""

    def __call__(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run the statement."""

    def count(self, statement: str, parameters: Sequence[object] = ()) -> int:
        """Run a statement that writes, and return the number of rows that it wrote, faster than by RETURNING."""


Operation = Callable[[Execute], T]


@dataclass(frozen=True, slots=True)
class Guards:
    """What lets a process claim an event without a transaction."""

    events: EventLocks
    worker: WorkerFile


@dataclass(frozen=True, slots=True)
class Trace:
    """What a dead process left behind: its file, and the requests that it was handling."""

    path: Path
    records: tuple[bytes, ...]


class Store(Protocol):
    """A connection to one database, whose transactions are used by one thread at a time."""

    #: The exceptions that the store raises when it cannot be reached or written to.
    errors: tuple[type[Exception], ...]
    #: What ends a SELECT that must not wait for rows which another process is changing.
    skip_locked: str
    #: What this process is called in lock files; empty for a server.
    name: str

    def begin(self, *, durable: bool, limit_s: float) -> Execute:
        """Begin a transaction that ends within ``limit_s``, connecting first if necessary.

        With ``durable``, the commit waits for the disk.
        """

    def commit(self) -> None:
        """Commit the transaction."""

    def roll_back(self) -> None:
        """Roll the transaction back."""

    def recover(self) -> None:
        """Roll back a transaction that failed, and close the connection if it is broken."""

    def close(self) -> None:
        """Close the connection; the next transaction opens another."""

    def close_inherited(self) -> None:
        """Close, in a forked child, what the parent keeps open and what would mark it as alive after its death."""

    def read(self, limit_s: float) -> AbstractContextManager[Execute]:
        """Read without a transaction and without waiting for writers; each statement ends within ``limit_s``."""

    def is_open(self) -> bool:
        """Return whether a transaction has opened the store."""

    def can_read(self, limit_s: float) -> bool:
        """Return whether the store has the tables of this release."""

    def forget(self, limit_s: float) -> bool:
        """Remove deleted data from the disk, outside of a transaction; False if a reader still holds it.

        Other writers are waited for until ``limit_s`` has passed.
        """

    def index_names(self, execute: Execute) -> set[str]:
        """Return the names of the indexes that can be used."""

    def build_index(self, index: Index) -> None:
        """Build an index, outside of a transaction."""

    @property
    def guards(self) -> Guards | None:
        """The locks of events; None if the store cannot lock a single event."""

    @property
    def owner(self) -> int:
        """The id of this process, among all that write to the database."""

    @property
    def own_owners(self) -> frozenset[int]:
        """The ids of this process: the current one, and those of its earlier connections."""

    def is_alive(self, execute: Execute, owner: int) -> bool:
        """Return whether a process still runs; this one does."""

    def try_lock(self, execute: Execute, name: str) -> bool:
        """Lock a name until the transaction ends, and return whether it was free: it is where only one can write."""

    def traces(self) -> list[Trace]:
        """Return what dead processes left behind."""

    def count_in_flight(self) -> int:
        """Return how many requests are being handled that are not rows yet."""

    def remove_trace(self, trace: Trace) -> None:
        """Remove a trace, once its records are stored."""
