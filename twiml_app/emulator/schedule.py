"""Scheduled actions, run by a running clock or by stepping a clock by hand."""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue

from ..errors import ConfigurationError
from ..logs import logger
from .clocks import Clock, moment_after

Action = Callable[[], object]

#: How many actions that are not quick can run at the same time, such as calls of a slow program.
_WORKERS = 32

#: How long a stop waits for running actions.
STOP_S = 3.0


@dataclass(order=True, slots=True)
class _Scheduled:
    due: float
    n: int
    action: Action = field(compare=False)
    patient: bool = field(compare=False)
    quick: bool = field(compare=False)


class _Workers:
    """Daemon threads that run the events submitted to them."""

    def __init__(self, number: int, perform: Callable[[_Scheduled, Action], None]) -> None:
        self._perform = perform
        self._submitted: SimpleQueue[_Scheduled | None] = SimpleQueue()
        self._is_stopped = False
        self._threads = [
            threading.Thread(target=self._work, name=f"twilio {n}", daemon=True) for n in range(1, number + 1)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, event: _Scheduled) -> None:
        """Run an event in the next free thread."""
        self._submitted.put(event)

    def stop(self, timeout_s: float) -> list[_Scheduled]:
        """Wait for running events until the timeout; returns the events that have not started."""
        deadline = time.monotonic() + timeout_s
        dropped = self._drain()
        for _ in self._threads:
            self._submitted.put(None)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._is_stopped = True
        return dropped

    def _drain(self) -> list[_Scheduled]:
        events: list[_Scheduled] = []
        with suppress(Empty):
            while event := self._submitted.get_nowait():
                events.append(event)
        return events

    def run(self, event: _Scheduled) -> None:
        """Run an event in this thread; its exception is logged."""
        self._perform(event, partial(self._logged, event.action))

    def _work(self) -> None:
        while event := self._submitted.get():
            self.run(event)

    def _logged(self, action: Action) -> None:
        try:
            action()
        except Exception:
            if not self._is_stopped:  # an action that outlives the stop finds the store closed
                logger.exception("a scheduled action of the emulator raised an exception")


class Schedule:
    """Runs actions when they are due, in the order of their due times.

    With a stepped clock, actions run in the thread that steps it. With a running clock, quick ones run in its thread,
    because many threads would only wait for each other's locks; the others run in worker threads.
    """

    def __init__(self, clock: Clock, *, stop_s: float = STOP_S) -> None:
        self._clock = clock
        self._stop_s = stop_s
        self._events: list[_Scheduled] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        #: How many events that ``settle`` waits for (all but patient ones) have not started, and how many are running.
        self._waiting = 0
        self._running = 0
        self._stepping = threading.RLock()
        self._workers: _Workers | None = None
        self._thread: threading.Thread | None = None
        self._is_started = False

    def at(self, due: float, action: Action, *, patient: bool = False, quick: bool = False) -> None:
        """Run an action at a given time.

        ``settle`` does not wait for a ``patient`` one. A ``quick`` one calls no program, so it delays no other action.
        """
        with self._changed:
            heapq.heappush(self._events, _Scheduled(due, next(self._count), action, patient, quick))
            self._waiting += not patient
            self._changed.notify_all()

    def start(self) -> None:
        """Start to run actions whenever the clock is a running one."""
        with self._changed:
            self._is_started = True
            self._drive_if_running()

    def _drive_if_running(self) -> None:
        if not self._is_started or not self._clock.speed or self._thread:
            return
        self._workers = _Workers(_WORKERS, self._perform)
        self._thread = threading.Thread(target=self._drive, args=(self._workers,), name="twilio clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait for running actions, up to a time limit, and drop the rest."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._is_started = False
            self._changed.notify_all()
        if thread and self._workers:
            thread.join(self._stop_s)
            dropped = self._workers.stop(self._stop_s)
            with self._changed:
                self._running -= sum(not event.patient for event in dropped)
        self.clear()

    def clear(self) -> None:
        """Drop the actions that have not started."""
        with self._changed:
            self._events.clear()
            self._waiting = 0
            self._changed.notify_all()

    @contextmanager
    def changing_clock(self, timeout_s: float) -> Iterator[None]:
        """Run nothing while the clock is changed in a block; what is due by its new time runs afterwards.

        Raises: ConfigurationError, if another thread moves the clock for longer than the timeout.
        """
        if not self._stepping.acquire(timeout=timeout_s):
            raise ConfigurationError("clock", "it is being moved at the moment: try again")
        try:
            with self._changed:
                yield
                self._drive_if_running()
                self._changed.notify_all()
        finally:
            self._stepping.release()

    def advance(self, seconds: float) -> None:
        """Move a stepped clock forward, and run the actions that become due on the way.

        Raises: ConfigurationError, for a running clock, or a time out of range.
        """
        if self._clock.speed:
            raise ConfigurationError("clock", "this clock runs on its own: only a stepped clock can be advanced")
        with self._stepping:
            target = moment_after(self._clock.now(), seconds)
            while event := self._pop_due(target):
                self._clock.move_to(event.due)
                self._perform(event, event.action)
            self._clock.move_to(target)

    def settle(self, timeout_s: float = 30.0) -> bool:
        """Run all actions except patient ones; returns whether nothing is left.

        A stepped clock is moved as far as that takes; with a running clock, this waits. Gives up after ``timeout_s``
        real seconds, in case actions keep scheduling more actions.
        """
        if self._clock.speed:
            return self.run_until(lambda: not self._waiting and not self._running, timeout_s)
        return self.run_until(lambda: not self._waiting, timeout_s)

    def run_until(self, is_done: Callable[[], bool], timeout_s: float) -> bool:
        """Run actions until something is done, or only patient ones are left; returns whether it is done.

        A stepped clock is moved as far as that takes; with a running clock, this waits. Gives up after ``timeout_s``
        real seconds, which also limit how long this waits for another thread that moves the clock.
        """
        deadline = time.monotonic() + timeout_s
        if self._clock.speed:
            with self._changed:
                return self._changed.wait_for(is_done, timeout_s)
        if not self._stepping.acquire(timeout=timeout_s):
            return is_done()
        try:
            while not is_done() and self._waiting and time.monotonic() < deadline:
                event = self._pop_due(math.inf)
                if event is None:
                    break
                self._clock.move_to(event.due)
                self._perform(event, event.action)
            return is_done()
        finally:
            self._stepping.release()

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
            if event.quick:
                workers.run(event)
            else:
                workers.submit(event)

    def _next_event(self) -> _Scheduled | None:
        """Wait until an event is due and return it; None once the schedule is stopped."""
        with self._changed:
            while self._thread:
                now = self._clock.now()
                if self._clock.speed and (event := self._pop_due(now)):
                    return event
                is_next_known = self._events and self._clock.speed
                wait_s = (self._events[0].due - now) / self._clock.speed if is_next_known else None
                self._changed.wait(wait_s)
        return None
