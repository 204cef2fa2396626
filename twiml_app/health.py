"""Health checks: the answers, and a small server that gives them while all threads of a worker are busy."""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus

from .errors import ConfigurationError, JournalUnavailable
from .logs import log_event
from .receiver import Receiver
from .webhook import WebhookResponse

_REQUEST_LINE = re.compile(rb"([A-Z]+) (/[^ ?#]*)(?:\?[^ ]*)? HTTP/1\.[01]\r?\n")
_MOST_BYTES, _MOST_CONNECTIONS, _LIMIT_S = 8192, 8, 2.0

#: The answer for each path.
HealthAnswers = Mapping[str, Callable[[], WebhookResponse]]


def health_answers(receiver: Receiver) -> HealthAnswers:
    """Return the answers of ``/healthz`` and ``/readyz``."""
    return {"/healthz": lambda: WebhookResponse.line(200, "ok"), "/readyz": lambda: _readiness(receiver)}


def _readiness(receiver: Receiver) -> WebhookResponse:
    """Return whether messages can be answered; the reason why not is only logged."""
    try:
        if receiver.journal:
            receiver.journal.check()
    except JournalUnavailable as error:
        log_event(logging.ERROR, "not ready", {"problem": error})
        return WebhookResponse.line(503, "not ready")
    return WebhookResponse.line(200, "ready")


class HealthServer:
    """Answers health checks from threads of its own, which end with the process.

    Every process that listens on the address gets a part of the connections. Each connection is for one request, which
    has to arrive within two seconds; more than eight connections wait for each other.
    """

    def __init__(self, address: tuple[str, int], answers: HealthAnswers) -> None:
        self._answers = answers
        self._free = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        self._listener = _listen(address)

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Answer from now on."""
        threading.Thread(target=self._accept, name="twiml health", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        with suppress(OSError):  # wakes the thread that waits for a connection
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            self._free.acquire()
            try:
                connection, _ = self._listener.accept()
            except OSError:
                self._free.release()
                if self._listener.fileno() < 0:
                    return
                time.sleep(0.1)  # too many open files, perhaps
                continue
            threading.Thread(target=self._serve, args=(connection,), name="twiml health check", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, suppress(OSError):
                head = _read_head(connection, time.monotonic() + _LIMIT_S)
                connection.settimeout(_LIMIT_S)
                connection.sendall(_answer(head, self._answers))
                connection.shutdown(socket.SHUT_WR)
        finally:
            self._free.release()


def _listen(address: tuple[str, int]) -> socket.socket:
    """Listen on an address that other workers listen on too.

    Raises: ConfigurationError.
    """
    host, port = address
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        raise ConfigurationError("TWIML_HEALTH_BIND", f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


def _read_head(connection: socket.socket, deadline: float) -> bytes:
    """Return the line and headers of a request, or what has arrived of them before the deadline."""
    head = b""
    with suppress(TimeoutError):
        while b"\r\n\r\n" not in head and len(head) < _MOST_BYTES and (left_s := deadline - time.monotonic()) > 0:
            connection.settimeout(left_s)
            piece = connection.recv(_MOST_BYTES)
            if not piece:
                break
            head += piece
    return head


def _answer(head: bytes, answers: HealthAnswers) -> bytes:
    """Return the answer to a request as bytes."""
    found = _REQUEST_LINE.match(head) if b"\r\n\r\n" in head else None
    response = _response(found[1], found[2], answers) if found else WebhookResponse.line(400, "send a whole request")
    lines = (
        f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
        f"Content-Type: {response.content_type}",
        f"Content-Length: {len(response.body)}",
        *(f"{name}: {value}" for name, value in response.headers),
        "Connection: close",
    )
    body = b"" if found and found[1] == b"HEAD" else response.body
    return "\r\n".join([*lines, "", ""]).encode() + body


def _response(method: bytes, path: bytes, answers: HealthAnswers) -> WebhookResponse:
    answer = answers.get(path.decode("latin-1"))
    if answer is None:
        return WebhookResponse.line(404, f"the paths are {' and '.join(answers)}")
    if method not in (b"GET", b"HEAD"):
        return WebhookResponse.line(405, "the methods are GET and HEAD", ("Allow", "GET, HEAD"))
    return answer()
