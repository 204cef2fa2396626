"""Threads that do what is due, in ``twiml-app worker`` and in each process of the web server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from ..errors import JournalUnavailable
from ..logs import logger

#: How long a thread waits at most until it looks again, and after an error, in seconds.
MOST_S = 1.0
ERROR_S = 5.0


class Step(Protocol):
    """Something that has work to do from time to time."""

    def run_due(self) -> float:
        """Do what is due now, in small portions, and return the seconds until there may be more; 0 for at once."""


class Background:
    """Runs steps in threads of their own, from the time when there is something to do.

    Nothing runs until it was armed; then the threads start with the first ``wake``, or when ``look`` finds that a step
    is needed. After an error, a step is repeated ``error_s`` seconds later. ``elsewhere`` is called instead, where
    nothing was armed: it lets other processes look.
    """

    def __init__(self, *, error_s: float = ERROR_S, elsewhere: Callable[[], object] = lambda: None) -> None:
        self._elsewhere = elsewhere
        self._error_s = error_s
        self._steps: list[tuple[Step, bool]] = []
        self._needs: list[Callable[[], bool]] = []
        self._changing = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._events: tuple[threading.Event, ...] = ()
        self._stopping = threading.Event()
        #: How many threads run the pooled steps; 0 until armed.
        self._pool = 0

    def add(self, step: Step, *, pooled: bool = False, is_needed: Callable[[], bool] | None = None) -> None:
        """Add a step before anything runs; a pooled one runs in as many threads as ``arm`` says, others in one.

        ``is_needed`` returns whether there is something to do for the step.
        """
        self._steps.append((step, pooled))
        if is_needed:
            self._needs.append(is_needed)

    @property
    def is_running(self) -> bool:
        """Whether the threads have been started."""
        return bool(self._threads)

    def arm(self, threads: int) -> None:
        """Allow the threads to start, with so many for pooled steps, and start them if there is something to do."""
        self._pool = threads
        self.look()

    def look(self) -> None:
        """Start the threads if they may run and a step is needed."""
        if self._pool and not self.is_running:
            with suppress(JournalUnavailable):  # it is looked again later
                if any(is_needed() for is_needed in self._needs):
                    self.start()

    def wake(self) -> None:
        """Let the threads look at once; start them if they may run."""
        if not self._pool:
            self._elsewhere()
        elif not self.is_running:
            self.start()
        for event in self._events:
            event.set()

    def start(self) -> None:
        """Start the threads, if they were not."""
        with self._changing:
            if self._threads or self._stopping.is_set():
                return
            steps = [step for step, pooled in self._steps for _ in range(self._pool if pooled else 1)]
            events = tuple(threading.Event() for _ in steps)
            threads = [
                threading.Thread(target=self._repeat, args=pair, name=f"twiml {type(pair[0]).__name__}", daemon=True)
                for pair in zip(steps, events, strict=True)
            ]
            self._threads, self._events = threads, events
            for thread in threads:
                thread.start()

    def stop(self, wait_s: float) -> bool:
        """Begin nothing new, and wait for what runs; return whether everything has ended within ``wait_s``."""
        deadline = time.monotonic() + wait_s
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _repeat(self, step: Step, event: threading.Event) -> None:
        while not self._stopping.is_set():
            event.clear()
            try:
                wait_s = min(step.run_due(), MOST_S)
            except Exception as error:  # the journal may be away for some time
                logger.error("%s failed: %s", type(step).__name__, error, exc_info=_unexpected(error))
                wait_s = 0.0
                self._stopping.wait(self._error_s)
            if wait_s > 0 and not self._stopping.is_set():
                event.wait(wait_s)


def _unexpected(error: Exception) -> Exception | None:
    """Return an error whose traceback is worth showing."""
    return None if isinstance(error, JournalUnavailable) else error
