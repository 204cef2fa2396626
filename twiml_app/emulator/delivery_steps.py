"""Steps of a delivery, run by the schedule and retried after an error in the emulator."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from .clocks import Clock
from .schedule import Schedule

#: Seconds until a step is retried after an error, such as a full disk; doubled up to ten times.
RETRY_S = 1.0
_MAX_DOUBLED = 10

SubjectT = TypeVar("SubjectT")


class DeliverySteps:
    """Schedules steps, which call no program.

    A step that raises is retried, because nothing else would move its message and its queue.
    """

    def __init__(self, schedule: Schedule, clock: Clock) -> None:
        self._schedule = schedule
        self._clock = clock

    def at(
        self, due: float, step: Callable[[SubjectT, float], object], subject: SubjectT, *, patient: bool = False
    ) -> None:
        """Run a step at a given time; it is called with its subject and the time at which it was due."""
        self._schedule.at(due, partial(self._try, due, step, subject), patient=patient, quick=True)

    def _try(self, due: float, step: Callable[[SubjectT, float], object], subject: SubjectT, failures: int = 0) -> None:
        try:
            step(subject, due)
        except Exception:
            later = max(due, self._clock.now()) + RETRY_S * 2 ** min(failures, _MAX_DOUBLED)
            self._schedule.at(later, partial(self._try, due, step, subject, failures + 1), quick=True)
            raise
