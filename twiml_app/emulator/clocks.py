"""The clock of the emulator: real time, faster than real time, or stepped by hand; one can become another."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from ..errors import ConfigurationError

#: The kinds of clocks.
KINDS = ("real", "fast", "step")
#: How much faster the fast clock is.
FAST = 100.0

#: 9999-01-01: dates cannot be formatted past that year, and messages in transit still need time to arrive.
LATEST = 253_370_764_800.0


class Clock(Protocol):
    """The clock of the emulator, in seconds since the epoch."""

    @property
    def kind(self) -> str:
        """One of ``KINDS``."""

    @property
    def speed(self) -> float:
        """Emulator seconds per real second; 0 for a stepped clock."""

    def now(self) -> float:
        """Return the current time."""

    def move_to(self, moment: float) -> None:
        """Move a stepped clock forward to a time, never backward; a running clock ignores it."""


class RunningClock:
    """A clock that runs from a start time at a given speed."""

    def __init__(self, start: float, *, speed: float = 1.0, seconds: Callable[[], float] = time.monotonic) -> None:
        self.speed = speed
        self._start = start
        self._seconds = seconds
        self._zero = seconds()

    @property
    def kind(self) -> str:
        """``real`` or ``fast``."""
        return "real" if self.speed == 1 else "fast"

    def now(self) -> float:
        """Return the current time."""
        return self._start + (self._seconds() - self._zero) * self.speed

    def move_to(self, moment: float) -> None:
        """Do nothing: this clock runs on its own."""


class SteppedClock:
    """A clock that only moves when it is stepped."""

    kind = "step"
    speed = 0.0

    def __init__(self, start: float) -> None:
        self._now = start

    def now(self) -> float:
        """Return the current time."""
        return self._now

    def move_to(self, moment: float) -> None:
        """Move forward to a time, never backward."""
        self._now = max(self._now, moment)


def moment_after(now: float, seconds: float) -> float:
    """Return the time some seconds after ``now``.

    Raises: ConfigurationError, if it would be before ``now``, or too late to be formatted as a date.
    """
    if not 0 <= seconds <= LATEST - now:
        raise ConfigurationError(
            "clock", f"cannot advance by {seconds} seconds: time cannot go backwards or past 9999-01-01"
        )
    return now + seconds


def make_clock(name: str, start: float) -> SwitchableClock:
    """Return the clock named ``real``, ``fast`` or ``step``, starting at a time in seconds since the epoch.

    Raises: ConfigurationError.
    """
    return SwitchableClock(name, moment_after(0.0, start))


def _make(kind: str, start: float) -> Clock:
    """Return a clock of a kind.

    Raises: ConfigurationError.
    """
    if kind not in KINDS:
        raise ConfigurationError("clock", f"{kind!r} is not one of: {', '.join(KINDS)}")
    if kind == "step":
        return SteppedClock(start)
    return RunningClock(start, speed=FAST if kind == "fast" else 1.0)


class SwitchableClock:
    """A clock that can become one of another kind; its time goes on from where it is.

    Raises: ConfigurationError, for an unknown kind.
    """

    def __init__(self, kind: str, start: float) -> None:
        self._clock = _make(kind, start)

    @property
    def kind(self) -> str:
        """One of ``KINDS``."""
        return self._clock.kind

    @property
    def speed(self) -> float:
        """Emulator seconds per real second; 0 for a stepped clock."""
        return self._clock.speed

    def now(self) -> float:
        """Return the current time."""
        return self._clock.now()

    def move_to(self, moment: float) -> None:
        """Move a stepped clock forward to a time, never backward; a running clock ignores it."""
        self._clock.move_to(moment)

    def switch(self, kind: str) -> None:
        """Become a clock of another kind.

        Raises: ConfigurationError.
        """
        self._clock = _make(kind, self.now())

    def skip(self, seconds: float) -> None:
        """Go on that much later.

        Raises: ConfigurationError, for a time out of range.
        """
        self._clock = _make(self.kind, moment_after(self.now(), seconds))
