"""What happened, as numbered events, for pages that follow it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: How many events are kept; a page that has missed more loads everything again.
MAX_EVENTS = 2000

#: Of these only the latest counts, because they are about a state.
_LATEST = ("message", "clock", "faults", "program", "numbers", "phone", "auto_run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened."""

    n: int
    kind: str
    #: What it is about.
    sid: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


class EventLog:
    """Keeps the latest events; thread-safe.

    Numbers start from ``first``, by default from the time, so that those of an earlier emulator are older.
    """

    def __init__(self, *, first: int | None = None, most: int = MAX_EVENTS) -> None:
        self._last = time.time_ns() // 1_000_000 if first is None else first
        self._kept: deque[Event] = deque(maxlen=most)
        self._changed = threading.Condition()
        self.is_stopped = False

    @property
    def last(self) -> int:
        """The number of the latest event."""
        with self._changed:
            return self._last

    def note(self, kind: str, sid: str = "", **data: Any) -> None:
        """Add an event."""
        with self._changed:
            self._last += 1
            self._kept.append(Event(n=self._last, kind=kind, sid=sid, data=data))
            self._changed.notify_all()

    def after(self, n: int) -> list[Event]:
        """Return the events after a number, without those that a later one replaces; ``resync``, if some are gone."""
        with self._changed:
            if n == self._last:
                return []
            first = self._kept[0].n if self._kept else self._last + 1
            if not first - 1 <= n < self._last:
                return [Event(n=self._last, kind="resync")]
            found = [event for event in self._kept if event.n > n]
        latest = {(event.kind, event.sid): event.n for event in found}
        return [event for event in found if event.kind not in _LATEST or latest[event.kind, event.sid] == event.n]

    def wait(self, n: int, timeout_s: float) -> bool:
        """Wait until there are events after a number, or the log is stopped; returns whether there are."""
        with self._changed:
            self._changed.wait_for(lambda: self._last != n or self.is_stopped, timeout_s)
            return self._last != n

    def stop(self) -> None:
        """End every wait."""
        with self._changed:
            self.is_stopped = True
            self._changed.notify_all()
