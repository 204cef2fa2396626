"""What keeps work going besides running it: leases, occurrences of schedules, and signs of life."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial

from ..enqueueing import Arguments, require_importable
from ..journal import (
    GAVE_UP,
    WAITING,
    Attempt,
    Engine,
    Execute,
    WorkRow,
    end_attempt,
    end_waiting,
    expired_work,
    insert_work,
    record_worker,
    renew_leases,
)
from ..logs import log_event
from ..routing import Schedule
from .runner import Surroundings

#: How long a process may be silent until its work is given to others, in seconds.
LEASE_S = 30.0
#: How many expired leases are handled in one transaction.
_BATCH = 50
#: How long a row about a process is kept after its last sign of life, in seconds.
_KEEP_WORKER_S = 86400.0


class Keeper:
    """One step of the background: renews leases, takes over those that ran out, and starts what is scheduled.

    ``running`` returns the pieces that this process is running; ``owner`` is the name of this process in leases.
    """

    def __init__(
        self,
        engine: Engine,
        schedules: Iterable[Schedule],
        surroundings: Surroundings,
        *,
        running: Callable[[], Sequence[WorkRow]],
        wake: Callable[[], object],
        owner: str,
        lease_s: float = LEASE_S,
    ) -> None:
        self._engine = engine
        self._schedules = tuple(schedules)
        self._around = surroundings
        self._running = running
        self._wake = wake
        self._owner = owner
        self._lease_s = lease_s
        self._next_lease_at = 0.0
        self._started_at: float | None = None
        #: When each schedule has to be looked at next.
        self._next_at: dict[Schedule, float] = {}

    def run_due(self) -> float:
        """Do what is due, and return the seconds until it has to be done again.

        Raises: JournalUnavailable.
        """
        now = self._around.clock()
        if now >= self._next_lease_at or self._next_lease_at > now + self._lease_s:
            self._next_lease_at = now + self._lease_s / 3
            self._keep_leases(now)
        for schedule in self._schedules:
            if now >= self._next_at.get(schedule, 0.0):
                self.occur(schedule, now)
                self._next_at[schedule] = schedule.next(now)
        return max(0.0, min(1.0, *(at - now for at in (self._next_lease_at, *self._next_at.values()))))

    def occur(self, schedule: Schedule, now: float) -> bool:
        """Store the latest occurrence of a schedule, if it is not too late for it; return whether it is new.

        Raises: JournalUnavailable.
        """
        at = schedule.latest(now)
        if at is None:
            return False
        function = require_importable(schedule.handler)
        row = WorkRow(
            key=f"{function} {schedule.source} {datetime.fromtimestamp(at, UTC).isoformat()}",
            kind="scheduled",
            function=function,
            arguments=Arguments().encode(function),
            due_at=at,
            created_at=now,
        )
        is_new = self._engine.run(lambda execute: insert_work(execute, row))
        if is_new:
            self._wake()
        return is_new

    def _keep_leases(self, now: float) -> None:
        self._started_at = self._started_at or now
        name = f"{socket.gethostname()} {os.getpid()}"
        times = (self._started_at, now, now + _KEEP_WORKER_S)
        running = self._running()

        def keep(execute: Execute) -> None:
            renew_leases(execute, running, now + self._lease_s)
            record_worker(execute, self._owner, name, times)

        self._engine.run(keep, durable=False)
        while expired := self._engine.read(lambda execute: expired_work(execute, now, _BATCH)):
            taken = self._engine.run(partial(self._take_over, expired, now))
            if taken:
                self._wake()
            if len(expired) < _BATCH or not taken:
                return

    def _take_over(self, expired: Sequence[WorkRow], now: float, execute: Execute) -> int:
        """Let work run again whose process is dead; a piece that always kills its process is given up."""
        retries, taken = self._around.retries, 0
        for row in expired:
            is_last = row.attempt >= retries.attempts
            ended = Attempt(row.attempt, row.due_at, now, "killed", "its process was killed, or could not be reached")
            taken += end_attempt(
                execute,
                row,
                ended,
                state=GAVE_UP if is_last else WAITING,
                due_at=now if row.attempt == 1 else now + retries.delay_s(row.attempt - 1),
                keep_until=now + self._around.keep_s if is_last else row.keep_until,
            )
            if is_last and row.kind == "awaited":
                end_waiting(execute, row.key, {"error": ended.error}, now)
            fields = {"id": row.key, "function": row.function, "attempt": row.attempt, "outcome": "killed"}
            log_event(logging.WARNING, "work", fields)
        return taken
