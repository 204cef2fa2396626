"""Schedules: functions that run at certain times, once however many processes there are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from ..errors import RegistrationError
from .routes import Handler

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

#: How late an occurrence may still begin, in seconds; that of a shorter period may be as late as the next one.
GRACE_S = 3600.0
#: The shortest and the longest period, in seconds.
SHORTEST_S, LONGEST_S = 10, 86400

_TIME = re.compile("([01][0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Daily:
    """Once a day, at a time on the clocks of a time zone."""

    at: time
    zone: ZoneInfo

    @classmethod
    def read(cls, text: str, tz: str) -> Daily:
        """Read a time such as ``08:00``, and the name of a time zone such as ``Europe/Berlin``.

        Raises: RegistrationError.
        """
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # most programs have no schedules

        found = _TIME.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise RegistrationError(f'@router.daily needs a time such as "08:00" or "17:30", not {text!r}')
        try:
            zone = ZoneInfo(tz)
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
            problem = f'@router.daily needs a time zone such as tz="Europe/Berlin", and there is none named {tz!r}'
            raise RegistrationError(f"{problem}; on systems without time zones: pip install tzdata") from error
        return cls(time(int(found[1]), int(found[2])), zone)

    @property
    def source(self) -> str:
        """The rule as it is shown."""
        return f"daily {self.at:%H:%M} {self.zone.key}"

    @property
    def grace_s(self) -> float:
        """How late it may begin, in seconds."""
        return GRACE_S

    def before(self, now: float) -> float:
        """Return the latest instant that is not after a time."""
        today = datetime.fromtimestamp(now, self.zone).date()
        return next(at for at in (self._on(today, days) for days in (1, 0, -1, -2)) if at <= now)

    def after(self, now: float) -> float:
        """Return the first instant after a time."""
        today = datetime.fromtimestamp(now, self.zone).date()
        return next(at for at in (self._on(today, days) for days in (-1, 0, 1, 2)) if at > now)

    def _on(self, today: date, days: int) -> float:
        """Return the instant of a day: the first one of a time that comes twice, and the end of a gap that skips it."""
        local = datetime.combine(today + timedelta(days=days), self.at, self.zone)
        at = local.timestamp()
        if datetime.fromtimestamp(at, self.zone).time() == self.at:
            return at
        return _end_of_gap(local.replace(fold=1).timestamp(), at, self.zone)


def _end_of_gap(low: float, high: float, zone: ZoneInfo) -> float:
    """Return the instant between two others at which the clocks of a zone change."""
    before = datetime.fromtimestamp(low, zone).utcoffset()
    first, last = int(low), int(high)
    while last - first > 1:
        middle = (first + last) // 2
        if datetime.fromtimestamp(middle, UTC).astimezone(zone).utcoffset() == before:
            first = middle
        else:
            last = middle
    return float(last)


@dataclass(frozen=True, slots=True)
class Every:
    """Again and again after the same period, counted from 1970, so that all processes agree."""

    seconds: int

    @classmethod
    def read(cls, period: timedelta) -> Every:
        """Read a period of whole seconds.

        Raises: RegistrationError.
        """
        seconds = period.total_seconds()
        if not SHORTEST_S <= seconds <= LONGEST_S or seconds != int(seconds):
            raise RegistrationError(
                f"@router.every needs a period of whole seconds, from {SHORTEST_S} seconds to 24 hours, such as"
                f" @router.every(minutes=5), not {seconds:g} seconds"
            )
        return cls(int(seconds))

    @property
    def source(self) -> str:
        """The rule as it is shown."""
        return f"every {timedelta(seconds=self.seconds)}"

    @property
    def grace_s(self) -> float:
        """How late it may begin, in seconds."""
        return min(self.seconds, GRACE_S)

    def before(self, now: float) -> float:
        """Return the latest instant that is not after a time."""
        return now // self.seconds * self.seconds

    def after(self, now: float) -> float:
        """Return the first instant after a time."""
        return self.before(now) + self.seconds


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function that runs at certain times; times are in seconds since 1970."""

    handler: Handler
    rule: Daily | Every

    @property
    def source(self) -> str:
        """The rule as it is shown."""
        return self.rule.source

    def latest(self, now: float) -> float | None:
        """Return the latest occurrence until now; None if it is too late for it."""
        at = self.rule.before(now)
        return at if now - at <= self.rule.grace_s else None

    def next(self, now: float) -> float:
        """Return the first occurrence after now."""
        return self.rule.after(now)
