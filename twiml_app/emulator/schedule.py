"""What is to happen, and when: run by the clock, or stepped by hand."""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue

from ..errors import ConfigurationError
from ..logs import logger
from .clocks import Clock, moment_after

Action = Callable[[], object]

#: As many calls of a slow program hold up nothing else.
_WORKERS = 32

#: How long a stop waits for what has begun.
STOP_S = 3.0


@dataclass(order=True, slots=True)
class _Scheduled:
    due: float
    n: int
    action: Action = field(compare=False)
    patient: bool = field(compare=False)


class _Workers:
    """Threads that run what they are handed; none of them keeps the interpreter from ending."""

    def __init__(self, number: int, perform: Callable[[_Scheduled, Action], None]) -> None:
        self._perform = perform
        self._handed: SimpleQueue[_Scheduled | None] = SimpleQueue()
        self._is_left = False
        self._threads = [
            threading.Thread(target=self._work, name=f"twilio {n}", daemon=True) for n in range(1, number + 1)
        ]
        for thread in self._threads:
            thread.start()

    def hand(self, event: _Scheduled) -> None:
        """Have an event run by the next one that is free."""
        self._handed.put(event)

    def stop(self, timeout_s: float) -> list[_Scheduled]:
        """Wait for what has begun, and leave what takes longer; returns what has not begun."""
        deadline = time.monotonic() + timeout_s
        dropped = self._take_back()
        for _ in self._threads:
            self._handed.put(None)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._is_left = True
        return dropped

    def _take_back(self) -> list[_Scheduled]:
        events: list[_Scheduled] = []
        with suppress(Empty):
            while event := self._handed.get_nowait():
                events.append(event)
        return events

    def _work(self) -> None:
        while event := self._handed.get():
            self._perform(event, partial(self._logged, event.action))

    def _logged(self, action: Action) -> None:
        try:
            action()
        except Exception:
            if not self._is_left:  # what goes on after the end finds its store closed
                logger.exception("the emulator failed at an event")


class Schedule:
    """Runs actions when they are due, in the order in which they are.

    With a clock that is stepped, actions run in the thread that steps it; otherwise in threads of their own.
    """

    def __init__(self, clock: Clock, *, stop_s: float = STOP_S) -> None:
        self._clock = clock
        self._stop_s = stop_s
        self._events: list[_Scheduled] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        #: Events that ``settle`` waits for, those that are not patient: not begun yet, and running.
        self._waiting = 0
        self._running = 0
        self._stepping = threading.RLock()
        self._workers: _Workers | None = None
        self._thread: threading.Thread | None = None

    def at(self, due: float, action: Action, *, patient: bool = False) -> None:
        """Run an action at a moment; ``settle`` does not wait for one that is patient."""
        with self._changed:
            heapq.heappush(self._events, _Scheduled(due, next(self._count), action, patient))
            self._waiting += not patient
            self._changed.notify_all()

    def start(self) -> None:
        """Let a clock that runs drive the events."""
        if not self._clock.speed or self._thread:
            return
        self._workers = _Workers(_WORKERS, self._perform)
        self._thread = threading.Thread(target=self._drive, args=(self._workers,), name="twilio clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait for what has begun, but not for ever, and forget the rest."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._changed.notify_all()
        if thread and self._workers:
            thread.join(self._stop_s)
            dropped = self._workers.stop(self._stop_s)
            with self._changed:
                self._running -= sum(not event.patient for event in dropped)
        self.clear()

    def clear(self) -> None:
        """Forget what has not begun."""
        with self._changed:
            self._events.clear()
            self._waiting = 0
            self._changed.notify_all()

    def advance(self, seconds: float) -> None:
        """Move a clock that is stepped, and run what becomes due on the way.

        Raises: ConfigurationError, for a clock that runs, and for a moment that no clock may show.
        """
        if self._clock.speed:
            raise ConfigurationError("clock", "this clock goes by itself: only one that is stepped can be moved")
        with self._stepping:
            target = moment_after(self._clock.now(), seconds)
            while event := self._pop_due(target):
                self._clock.move_to(event.due)
                self._perform(event, event.action)
            self._clock.move_to(target)

    def settle(self, timeout_s: float = 30.0) -> bool:
        """Bring everything to its end that is on its way, but what is scheduled for later.

        A clock that is stepped is moved as far as that takes; one that runs is waited for; ``timeout_s`` real seconds
        at most, for what never comes to an end. Tells whether nothing is left.
        """
        if self._clock.speed:
            with self._changed:
                return self._changed.wait_for(lambda: not self._waiting and not self._running, timeout_s)
        deadline = time.monotonic() + timeout_s
        with self._stepping:
            while self._waiting and time.monotonic() < deadline and (event := self._pop_due(math.inf)):
                self._clock.move_to(event.due)
                self._perform(event, event.action)
            return not self._waiting

    def _pop_due(self, moment: float) -> _Scheduled | None:
        with self._changed:
            if not self._events or self._events[0].due > moment:
                return None
            event = heapq.heappop(self._events)
            self._waiting -= not event.patient
            self._running += not event.patient
            return event

    def _perform(self, event: _Scheduled, action: Action) -> None:
        try:
            action()
        finally:
            with self._changed:
                self._running -= not event.patient
                self._changed.notify_all()

    def _drive(self, workers: _Workers) -> None:
        while event := self._next_event():
            workers.hand(event)

    def _next_event(self) -> _Scheduled | None:
        """Wait for the next event that is due; None once the schedule is stopped."""
        with self._changed:
            while self._thread:
                now = self._clock.now()
                if event := self._pop_due(now):
                    return event
                wait_s = (self._events[0].due - now) / self._clock.speed if self._events else None
                self._changed.wait(wait_s)
        return None
