"""Upkeep: between events, the application collects what killed processes left behind and deletes expired rows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from ..errors import JournalUnavailable
from .engine import Engine
from .forgetting import finish_forgetting
from .killed import collect_killed
from .stores import Execute

INTERVAL_S = 60.0
BATCH = 200
#: How long each step may hold up the request that does it, in seconds.
_WAIT_S = 1.0
_KEYS = {"exchanges": "id", "ledger": "sid", "refusals": "id", "conversations": "id", "conversation_tickets": "id"}


class Upkeep:
    """Works between events, in steps small enough not to delay a request."""

    def __init__(self, engine: Engine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._collect_at = 0.0
        self._sweep_at = clock() + INTERVAL_S

    def run_if_due(self) -> None:
        """Do what is due; what fails is tried again later."""
        now = self._clock()
        if now < min(self._collect_at, self._sweep_at) or not self._lock.acquire(blocking=False):
            return
        try:
            with suppress(JournalUnavailable):
                self._run(now)
        finally:
            self._lock.release()

    def _run(self, now: float) -> None:
        if now >= self._collect_at:
            self._collect_at = now + INTERVAL_S
            collect_killed(self._engine, wait_s=_WAIT_S)
        if now >= self._sweep_at:
            self._sweep_at = now + INTERVAL_S
            finish_forgetting(self._engine, wait_s=_WAIT_S)
            if self._engine.run(lambda execute: sweep(execute, now), wait_s=_WAIT_S) >= BATCH:
                self._sweep_at = now + 1


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
        for table, key in _KEYS.items()
    ]
    return max(deleted)
