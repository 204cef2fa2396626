"""The log of requests to the REST API."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ..debugger import notify

#: The maximum number of requests kept; the oldest are dropped.
MAX_REQUESTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """One request to the REST API."""

    #: Seconds since the epoch.
    date: float
    method: str
    path: str
    #: The HTTP status; 0 if the connection was cut.
    status: int
    #: Twilio's error code; 0 if there was no error.
    code: int = 0
    message: str = ""
    #: What the client did wrong, and how to fix it.
    hints: tuple[str, ...] = ()


class RequestLog:
    """Keeps the latest requests."""

    def __init__(self) -> None:
        #: Called with every request once it is answered.
        self.watcher: Callable[[LoggedRequest], None] | None = None
        self._requests: deque[LoggedRequest] = deque(maxlen=MAX_REQUESTS)
        self._lock = threading.Lock()

    def add(self, request: LoggedRequest) -> None:
        """Add a request, and call the watcher with it."""
        with self._lock:
            self._requests.append(request)
        notify(self.watcher, request)

    def all(self) -> list[LoggedRequest]:
        """Return the requests, oldest first."""
        with self._lock:
            return [*self._requests]

    def clear(self) -> None:
        """Remove all requests."""
        with self._lock:
            self._requests.clear()
