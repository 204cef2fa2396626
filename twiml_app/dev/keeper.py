"""Keeps the program running: starts it, replaces it after a change, and answers while it cannot.

The listening socket stays open all the time, so a request that arrives during a reload waits for the new process.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..emulator import ProgramStatus
from ..logs import logger
from .processes import ProgramProcess
from .serving import SharedServer
from .watcher import Watcher

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_LINE = b"the program does not run: see the terminal of twiml-app dev\n"
_HEADERS = [
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Content-Length", str(len(_LINE))),
    ("X-Twiml-Program", "not running"),
]
_CHANGED, _STOP = object(), object()


class Keeper:
    """The program under development, in processes of its own.

    ``listener`` is the socket that they accept requests from; this object closes it. While a process loads, requests
    wait; after ``loading_s`` seconds of that, they are refused.
    """

    def __init__(
        self, root: Path, environment: Mapping[str, str], listener: socket.socket, *, app_name: str, loading_s: float
    ) -> None:
        self._root = root
        self._environment = environment
        self._listener = listener
        self._app_name = app_name
        self._loading_s = loading_s
        self._events: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._status = ProgramStatus(state="starting")
        self._watchers: list[Callable[[ProgramStatus], None]] = []
        self._current: ProgramProcess | None = None
        self._spare: ProgramProcess | None = None
        self._refusals: SharedServer | None = None
        self._load_by = 0.0
        self._is_ending = False
        self._files = Watcher(root, lambda: self._events.put(_CHANGED))
        #: A process that stands by has loaded this package; where this package itself is changed, it would be outdated.
        self._stands_by = not self._files.watches(Path(__file__))
        self._thread = threading.Thread(target=self._run, name="twiml dev keeper", daemon=True)
        #: The paths of the program's webhooks, once it has run.
        self.paths: dict[str, str] = {}

    def start(self) -> None:
        """Start the program, and reload it after every change from now on."""
        self._begin()
        self._files.start()
        self._thread.start()

    def expect_end(self) -> None:
        """From now on, keep to itself what processes say, and that they have ended."""
        self._is_ending = True

    def stop(self) -> None:
        """End everything at once."""
        self._files.stop()
        self._events.put(_STOP)
        self._thread.join()
        for process in filter(None, (self._spare, self._current)):
            process.end()
        self._stop_refusing()
        self._listener.close()

    def status(self) -> ProgramStatus:
        """Return the current status."""
        return self._status

    def watch(self, on_change: Callable[[ProgramStatus], None]) -> None:
        """Call this function with every new status."""
        self._watchers.append(on_change)

    def _run(self) -> None:
        while (event := self._next_event()) is not _STOP:
            if event is _CHANGED:
                self._begin()
            elif event is None:
                self._refuse()
            else:
                self._note(*event)

    def _next_event(self) -> Any:
        """Return the next event; None if the program takes too long to load."""
        is_loading = self._status.state == "starting" and self._refusals is None
        try:
            return self._events.get(timeout=max(0.0, self._load_by - time.monotonic()) if is_loading else None)
        except queue.Empty:
            return None

    def _begin(self) -> None:
        """Load the current code in place of the one that runs."""
        if self._current:
            self._current.retire()
        self._current, self._spare = self._spare or self._spawn(), None
        self._change("starting")
        self._load_by = time.monotonic() + self._loading_s
        self._stop_refusing()
        self._current.begin()

    def _spawn(self) -> ProgramProcess:
        return ProgramProcess(
            self._root, self._environment, self._listener, self._app_name, lambda *event: self._events.put(event)
        )

    def _note(self, process: ProgramProcess, message: dict[str, Any] | None) -> None:
        """Note what a process says, or with None that it has ended."""
        if process is self._spare and message is None:
            self._spare = None
        if process is not self._current or self._is_ending:
            return
        state = message["state"] if message else "ended"
        if message and state == "running":
            self.paths = message["paths"]
            self._stop_refusing()
            self._change("running")
        elif message and state == "failed":
            self._fail(message["detail"])
        elif state == "ended" and self._status.state != "failed":
            self._fail(f"the process of the program has ended: {process.ending}\n")
        if state == "ended":
            self._current = None
        elif self._spare is None and self._stands_by:
            self._spare = self._spawn()

    def _fail(self, detail: str) -> None:
        self._refuse()
        self._change("failed", detail)

    def _change(self, state: str, detail: str = "") -> None:
        generation = self._status.generation + (state == "running")
        self._status = ProgramStatus(state=state, detail=detail, generation=generation)
        for on_change in [*self._watchers]:
            try:
                on_change(self._status)
            except Exception:
                logger.exception("a watcher of the program raised an exception")

    def _refuse(self) -> None:
        """Answer every request with 503 until the program runs."""
        if self._refusals is None:
            self._refusals = SharedServer(self._listener, _refuse)
            self._refusals.daemon_threads = True  # nobody waits for a slow client
            threading.Thread(target=self._refusals.serve_forever, name="twiml dev refusals", daemon=True).start()

    def _stop_refusing(self) -> None:
        if self._refusals:
            self._refusals.shutdown()
            self._refusals.server_close()
            self._refusals = None


def _refuse(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with one plain line, as a WSGI application."""
    start_response("503 Service Unavailable", _HEADERS)
    return [_LINE]
