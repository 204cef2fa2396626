"""Move the clock of a running emulator, and change its kind."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import ConfigurationError
from .clocks import Clock, SwitchableClock
from .schedule import Schedule

#: How long a change waits for another thread that moves the clock, in real seconds.
WAIT_S = 5.0


class ClockControl:
    """Changes the clock; pending actions keep the times at which they are due."""

    def __init__(self, clock: Clock, schedule: Schedule) -> None:
        #: Called after every change.
        self.on_change: Callable[[], None] | None = None
        self._clock = clock
        self._schedule = schedule

    def advance(self, seconds: float) -> None:
        """Move the clock forward: a stepped one runs what becomes due on the way, a fast one afterwards.

        Raises: ConfigurationError, for a real clock, or a time out of range.
        """
        if self._clock.kind == "real":
            raise ConfigurationError("clock", "the real clock cannot be moved: switch it to fast or step first")
        if self._clock.kind == "fast":
            with self._schedule.changing_clock(WAIT_S):
                self._switchable().skip(seconds)
        else:
            self._schedule.advance(seconds)
        self._note()

    def settle(self) -> bool:
        """Process everything in transit except scheduled messages; return True if nothing is left."""
        is_settled = self._schedule.settle()
        self._note()
        return is_settled

    def switch(self, kind: str) -> None:
        """Go on with a clock that is ``real``, ``fast`` or ``step``.

        Raises: ConfigurationError.
        """
        with self._schedule.changing_clock(WAIT_S):
            self._switchable().switch(kind)
        self._note()

    def _switchable(self) -> SwitchableClock:
        """Return the clock.

        Raises: ConfigurationError, if it cannot be changed.
        """
        if not isinstance(self._clock, SwitchableClock):
            raise ConfigurationError("clock", "this clock cannot be changed")
        return self._clock

    def _note(self) -> None:
        if self.on_change:
            self.on_change()
