"""A time limit for reading the body of a request, where the server shows its connection."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any


def connection_of(environ: Mapping[str, Any]) -> socket.socket | None:
    """Return the connection of a request if no other request shares it; only gunicorn shows it."""
    connection = environ.get("gunicorn.socket")
    is_own = isinstance(connection, socket.socket) and environ["SERVER_PROTOCOL"].startswith("HTTP/1")
    return connection if is_own else None


class BodyDeadlines:
    """Ends the reading of bodies that take too long, so that slow senders do not hold every thread.

    One thread looks at all connections, four times per limit: a timeout of the socket would start again with each byte.
    """

    def __init__(self, limit_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit_s = limit_s
        self._clock = clock
        self._lock = threading.Lock()
        self._until: dict[socket.socket, float] = {}
        self._thread: threading.Thread | None = None

    def watch(self, environ: Mapping[str, Any]) -> AbstractContextManager[None]:
        """End the reading of a request's body when its time is over: it then seems to be cut off."""
        connection = connection_of(environ)
        return _UNLIMITED if connection is None else _Watch(self, connection)

    def begin(self, connection: socket.socket) -> None:
        """Start the time of a connection."""
        with self._lock:
            self._until[connection] = self._clock() + self._limit_s
            self._ensure_thread()

    def end(self, connection: socket.socket) -> None:
        """Leave a connection alone from now on."""
        with self._lock:
            self._until.pop(connection, None)

    def end_overdue(self) -> None:
        """End the reading of every body whose time is over."""
        now = self._clock()
        with self._lock:
            for connection in [each for each, until in self._until.items() if until <= now]:
                del self._until[connection]
                with suppress(OSError):  # by the base class: a TLS connection would go on unencrypted
                    socket.socket.shutdown(connection, socket.SHUT_RD)

    def _ensure_thread(self) -> None:
        """Start the thread in this process; a fork does not copy it."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="twiml body deadlines", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(self._limit_s / 4)
            self.end_overdue()


class _Watch(AbstractContextManager[None]):
    """The time during which a connection is watched."""

    __slots__ = ("_connection", "_deadlines")

    def __init__(self, deadlines: BodyDeadlines, connection: socket.socket) -> None:
        self._deadlines = deadlines
        self._connection = connection

    def __enter__(self) -> None:
        self._deadlines.begin(self._connection)

    def __exit__(self, *_raised: object) -> None:
        self._deadlines.end(self._connection)


_UNLIMITED = nullcontext()
