"""What is to happen, and when: run by the clock, or stepped by hand."""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from ..logs import logger
from .clocks import Clock

Action = Callable[[], object]

#: As many calls of a slow program hold up nothing else.
_WORKERS = 32


@dataclass(order=True, slots=True)
class _Event:
    due: float
    n: int
    action: Action = field(compare=False)
    patient: bool = field(compare=False)


class Schedule:
    """Runs actions when they are due, in the order in which they are.

    With a clock that is stepped, actions run in the thread that steps it; otherwise in threads of their own.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._events: list[_Event] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        #: Events that ``settle`` waits for, those that are not patient: not begun yet, and running.
        self._waiting = 0
        self._running = 0
        self._stepping = threading.RLock()
        self._pool: ThreadPoolExecutor | None = None
        self._thread: threading.Thread | None = None

    def at(self, due: float, action: Action, *, patient: bool = False) -> None:
        """Run an action at a moment; ``settle`` does not wait for one that is patient."""
        with self._changed:
            heapq.heappush(self._events, _Event(due, next(self._count), action, patient))
            self._waiting += not patient
            self._changed.notify_all()

    def start(self) -> None:
        """Let a clock that runs drive the events."""
        if not self._clock.speed or self._thread:
            return
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="twilio")
        self._thread = threading.Thread(target=self._drive, args=(self._pool,), name="twilio clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait for what has begun, and forget the rest."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._changed.notify_all()
        if thread and self._pool:
            thread.join()
            self._pool.shutdown(cancel_futures=True)
        self.clear()
        self._running = 0

    def clear(self) -> None:
        """Forget what has not begun."""
        with self._changed:
            self._events.clear()
            self._waiting = 0
            self._changed.notify_all()

    def advance(self, seconds: float) -> None:
        """Move a clock that is stepped, and run what becomes due on the way."""
        with self._stepping:
            target = self._clock.now() + seconds
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

    def _pop_due(self, moment: float) -> _Event | None:
        with self._changed:
            if not self._events or self._events[0].due > moment:
                return None
            event = heapq.heappop(self._events)
            self._waiting -= not event.patient
            self._running += not event.patient
            return event

    def _perform(self, event: _Event, action: Action) -> None:
        try:
            action()
        finally:
            with self._changed:
                self._running -= not event.patient
                self._changed.notify_all()

    def _drive(self, pool: ThreadPoolExecutor) -> None:
        while event := self._next_event():
            pool.submit(self._perform, event, partial(_logged, event.action))

    def _next_event(self) -> _Event | None:
        """Wait for the next event that is due; None once the schedule is stopped."""
        with self._changed:
            while self._thread:
                now = self._clock.now()
                if event := self._pop_due(now):
                    return event
                wait_s = (self._events[0].due - now) / self._clock.speed if self._events else None
                self._changed.wait(wait_s)
        return None


def _logged(action: Action) -> None:
    """Run an action in a thread of the pool, where nobody sees what it raises."""
    try:
        action()
    except Exception:
        logger.exception("the emulator failed at an event")
