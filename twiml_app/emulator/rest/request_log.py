"""The log of the requests to the REST API."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ..debugger import notify

#: Requests that are kept; the oldest go first.
MAX_REQUESTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """One request to the REST API."""

    #: Seconds since the epoch.
    date: float
    method: str
    path: str
    status: int
    #: Twilio's number for the refusal; 0 where there was none.
    code: int = 0
    message: str = ""
    #: What the client did wrong, and what to do instead.
    hints: tuple[str, ...] = ()


class RequestLog:
    """Keeps the latest requests."""

    def __init__(self) -> None:
        #: Told of every request as it is answered.
        self.watcher: Callable[[LoggedRequest], None] | None = None
        self._requests: deque[LoggedRequest] = deque(maxlen=MAX_REQUESTS)
        self._lock = threading.Lock()

    def add(self, request: LoggedRequest) -> None:
        """Keep a request."""
        with self._lock:
            self._requests.append(request)
        notify(self.watcher, request)

    def all(self) -> list[LoggedRequest]:
        """Return the requests, the oldest first."""
        with self._lock:
            return [*self._requests]

    def clear(self) -> None:
        """Forget them."""
        with self._lock:
            self._requests.clear()
