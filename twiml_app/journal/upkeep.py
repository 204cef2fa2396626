"""Upkeep: between events, the application collects what killed processes left behind and deletes expired rows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from ..errors import JournalUnavailable
from .engine import Engine
from .forgetting import finish_forgetting
from .killed import collect_killed
from .reachability_rows import forget_unreachable
from .stores import Execute, Row

INTERVAL_S = 60.0
BATCH = 200
#: How long each step may hold up the request that does it, in seconds.
_WAIT_S = 1.0
#: The other tables with rows that expire, and their keys.
_OTHER_TABLES = (
    ("ledger", "sid"),
    ("refusals", "id"),
    ("opt_out_changes", "id"),
    ("unreachable", "contact"),
    ("daily_segments", "id"),
    ("sends", "n"),
    ("conversations", "id"),
    ("conversation_tickets", "id"),
    ("dialog_versions", "id"),
    ("work", "id"),
    ("workers", "owner"),
)


class Upkeep:
    """Works between events, in steps small enough not to delay a request; ``also`` is called once per interval."""

    def __init__(self, engine: Engine, clock: Callable[[], float], also: Callable[[], object] = lambda: None) -> None:
        self._engine = engine
        self._clock = clock
        self._also = also
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
            self._also()
            finish_forgetting(self._engine, wait_s=_WAIT_S)
            if self._engine.run(lambda execute: sweep(execute, now), wait_s=_WAIT_S) >= BATCH:
                self._sweep_at = now + 1


def sweep(execute: Execute, now: float) -> int:
    """Delete one batch of expired rows from each table, and return the size of the largest batch."""
    exchanges = _delete_expired(execute, "exchanges", "id", now, "kind, contact, received_at")
    forget_unreachable(execute, [(contact, at) for kind, contact, at in exchanges if kind == "message"])
    others = [len(_delete_expired(execute, table, key, now, key)) for table, key in _OTHER_TABLES]
    return max(len(exchanges), *others)


def _delete_expired(execute: Execute, table: str, key: str, now: float, returned: str) -> list[Row]:
    expired = f"SELECT {key} FROM {table} WHERE keep_until < ? LIMIT ?"  # noqa: S608
    return execute(f"DELETE FROM {table} WHERE {key} IN ({expired}) RETURNING {returned}", (now, BATCH))  # noqa: S608
