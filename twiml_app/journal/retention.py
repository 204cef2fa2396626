"""Retention: the application deletes expired rows, a few at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from ..errors import JournalUnavailable
from .engine import Engine, Execute

INTERVAL_S = 60.0
BATCH = 200


class Retention:
    """Deletes expired rows between events, in batches small enough not to delay a request."""

    def __init__(self, engine: Engine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._next_at = clock() + INTERVAL_S

    def sweep_sometimes(self) -> None:
        """Delete one batch if it is due; a deletion that fails is retried later."""
        now = self._clock()
        if now < self._next_at or not self._lock.acquire(blocking=False):
            return
        try:
            self._next_at = now + INTERVAL_S
            with suppress(JournalUnavailable):
                if self._engine.run(lambda execute: sweep(execute, now)) >= BATCH:
                    self._next_at = now + 1
        finally:
            self._lock.release()


def sweep(execute: Execute, now: float) -> int:
    """Delete one batch of expired rows from each table, and return the size of the largest batch."""
    deleted = [
        len(
            execute(
                f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE keep_until < ? LIMIT ?)"  # noqa: S608
                f" RETURNING {key}",
                (now, BATCH),
            )
        )
        for table, key in (("exchanges", "id"), ("ledger", "sid"), ("refusals", "id"))
    ]
    return max(deleted)
