"""The time of the emulator: the real one, a faster one, or one that is stepped by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from ..errors import ConfigurationError

#: How much faster the fast clock is.
FAST = 100.0

#: 9999-01-01: dates can be written up to the end of that year, and what is sent takes a while to arrive.
LATEST = 253_370_764_800.0


class Clock(Protocol):
    """Tells the time of the emulator, in seconds since the epoch."""

    #: Seconds of the emulator in one second; 0 for a clock that is stepped.
    speed: float

    def now(self) -> float:
        """Return the time."""

    def move_to(self, moment: float) -> None:
        """Bring a clock that is stepped to a moment, never back; one that runs stays as it is."""


class RunningClock:
    """A clock that runs from a moment on, as fast as it is told to."""

    def __init__(self, start: float, *, speed: float = 1.0, seconds: Callable[[], float] = time.monotonic) -> None:
        self.speed = speed
        self._start = start
        self._seconds = seconds
        self._zero = seconds()

    def now(self) -> float:
        """Return the time."""
        return self._start + (self._seconds() - self._zero) * self.speed

    def move_to(self, moment: float) -> None:
        """Stay: this clock goes by itself."""


class SteppedClock:
    """A clock that stands still until it is moved."""

    speed = 0.0

    def __init__(self, start: float) -> None:
        self._now = start

    def now(self) -> float:
        """Return the time."""
        return self._now

    def move_to(self, moment: float) -> None:
        """Move on to a moment; never back."""
        self._now = max(self._now, moment)


def moment_after(now: float, seconds: float) -> float:
    """Return the moment some seconds after another one.

    Raises: ConfigurationError, for one that lies before it, or after the dates that can be written.
    """
    if not 0 <= seconds <= LATEST - now:
        raise ConfigurationError("clock", f"it cannot go on by {seconds} seconds: never back, nor beyond 9999-01-01")
    return now + seconds


def make_clock(name: str, start: float) -> Clock:
    """Return the clock called ``real``, ``fast`` or ``step``; it starts at a moment since the epoch, in seconds.

    Raises: ConfigurationError.
    """
    start = moment_after(0.0, start)
    if name == "step":
        return SteppedClock(start)
    if name not in ("real", "fast"):
        raise ConfigurationError("clock", f"{name!r} is none of real, fast, step")
    return RunningClock(start, speed=FAST if name == "fast" else 1.0)
