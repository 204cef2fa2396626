"""The decorators that register schedules: the part of the router that has nothing to do with messages."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from ..enqueueing import require_importable, work_parameters
from ..errors import CannotStore, RegistrationError
from .registrations import Registrations
from .routes import Handler, place_of
from .schedules import Daily, Every, Schedule

HandlerT = TypeVar("HandlerT", bound=Handler)


class Scheduling(Registrations):
    """Registers schedules, besides what a router keeps."""

    def __init__(self) -> None:
        super().__init__()
        self._schedules: list[Schedule] = []

    def daily(self, at: str, *, tz: str) -> Callable[[HandlerT], HandlerT]:
        """Register a function that runs once a day, such as at ``"08:00"`` in ``tz="Europe/Berlin"``.

        The function is called without arguments; it may declare the keyword-only parameters ``idempotency_key`` and
        ``attempt``. A time that daylight saving skips is the next instant, and one that comes twice is the first of the
        two. If nothing runs at that time, it is done up to an hour later.
        """
        rule = Daily.read(at, tz)
        return lambda function: self._register(function, rule)

    def every(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> Callable[[HandlerT], HandlerT]:
        """Register a function that runs again and again, such as ``every(minutes=5)``: 10 seconds to 24 hours.

        The function is called without arguments, as with ``daily``. Of those occurrences that were missed, only the
        latest one runs, up to an hour later.
        """
        rule = Every.read(timedelta(hours=hours, minutes=minutes, seconds=seconds))
        return lambda function: self._register(function, rule)

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """The functions that run at certain times."""
        return tuple(self._schedules)

    def _register(self, function: HandlerT, rule: Daily | Every) -> HandlerT:
        try:
            require_importable(function)
            inspect.signature(function).bind(**dict.fromkeys(work_parameters(function)))
        except (CannotStore, TypeError) as error:
            raise RegistrationError(
                f"a scheduled function is called without arguments and from other processes, which this one does not"
                f" allow: {error}",
                place_of(function),
            ) from error
        self._add_schedule(Schedule(function, rule))
        return function

    def _add_schedule(self, schedule: Schedule) -> None:
        self._require_open(schedule.handler)
        if schedule in self._schedules:
            raise RegistrationError(f"the schedule {schedule.source} is registered twice", place_of(schedule.handler))
        self._schedules.append(schedule)
