"""The log of webhook requests to the program, and a hook to watch them."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ..caller import OutgoingRequest, Transport
from ..webhook import WebhookResponse
from .clocks import Clock
from .debugger import notify

#: How many requests are kept; the oldest are deleted first.
MAX_REQUESTS = 1000

#: The signed token of a status URL opens it to anybody who has it.
_TOKEN = re.compile(r"(?<=[?&]token=)[^&]+")
_SID = re.compile(r"(?:Message|Sms)Sid=(\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedWebhook:
    """One HTTP request to the program; retries, answers to challenges and redirects are separate requests."""

    #: Seconds since the epoch, by the emulator's clock.
    date: float
    method: str
    #: Without credentials, and without the token of a status URL.
    url: str
    #: The HTTP status; 0 if there was no answer.
    status: int
    #: Why there was no answer.
    problem: str
    #: How long the request took, in real milliseconds.
    milliseconds: int
    message_sid: str


class WebhookLog:
    """A transport that logs the requests to the program."""

    def __init__(self, transport: Transport, clock: Clock, *, seconds: Callable[[], float] = time.perf_counter) -> None:
        #: Called with every request once it is answered.
        self.watcher: Callable[[LoggedWebhook], None] | None = None
        self._transport = transport
        self._clock = clock
        self._seconds = seconds
        self._kept: deque[LoggedWebhook] = deque(maxlen=MAX_REQUESTS)
        self._lock = threading.Lock()

    def __call__(self, request: OutgoingRequest) -> WebhookResponse:
        """Send a request.

        Raises: ConnectFailed; OSError.
        """
        started = self._seconds()
        try:
            response = self._transport(request)
        except OSError as error:
            self._note(request, started, 0, str(error) or type(error).__name__)
            raise
        self._note(request, started, response.status, "")
        return response

    def all(self) -> list[LoggedWebhook]:
        """Return the requests, oldest first."""
        with self._lock:
            return [*self._kept]

    def clear(self) -> None:
        """Empty the log."""
        with self._lock:
            self._kept.clear()

    def _note(self, request: OutgoingRequest, started: float, status: int, problem: str) -> None:
        sid = _SID.search(request.body.decode("latin-1")) or _SID.search(request.url)
        logged = LoggedWebhook(
            date=self._clock.now(),
            method=request.method,
            url=_TOKEN.sub("***", request.url),
            status=status,
            problem=problem,
            milliseconds=round((self._seconds() - started) * 1000),
            message_sid=sid[1] if sid else "",
        )
        with self._lock:
            self._kept.append(logged)
        notify(self.watcher, logged)
