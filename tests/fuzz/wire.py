"""Raw bytes sent to a real gunicorn, and the statuses that come back."""

from __future__ import annotations

import re
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.fuzz.raw_requests import CREDENTIALS, RIGHT, raw_request
from tests.servers import LIMIT_S, ROOT, clean_environment
from twiml_app.signature import sign
from twiml_app.webhook import Form

#: Every answer that bytes on the wire may cause; 0 is a connection that was closed without one.
ALLOWED: Mapping[int, str] = {
    0: "closed without an answer: the request never became complete, or it was no HTTP",
    100: "gunicorn: the sender waits for this before it sends the body",
    200: "the application: TwiML, an empty success, or a health check",
    204: "the application: a status callback",
    400: "gunicorn: malformed line, headers or framing; the application: malformed body, form or Host",
    401: "the application: missing or wrong credentials",
    403: "the application: the account is not served, or the signature is wrong",
    404: "the application: unknown path",
    405: "the application: wrong method",
    413: "the application: too many bytes or fields",
    414: "gunicorn: the request line is too long",
    417: "gunicorn: an expectation other than 100-continue",
    431: "gunicorn: headers too large or too many",
    501: "gunicorn: a transfer coding other than chunked",
    505: "gunicorn: an unknown version of HTTP",
}
#: Lines of the log that must not be there: an exception nobody expected, and a worker that was replaced.
ALARMING = re.compile(r"Traceback|Exception in|Worker \(pid|was sent SIG|WORKER TIMEOUT|Error handling|Socket error")
_STATUS = re.compile(rb"HTTP/\d[.\d]{0,9} (\d{3}) ")
TOKEN = "0123456789abcdef0123456789abcdef"
#: The ways to authenticate.
BASIC = {"TWIML_DATABASE_URL": "off", "TWIML_CREDENTIALS": CREDENTIALS}
SIGNATURE = {"TWIML_DATABASE_URL": "off", "TWILIO_AUTH_TOKEN": TOKEN}


@dataclass(frozen=True, slots=True)
class Server:
    """A gunicorn with the configuration of the scaffold."""

    port: int
    #: The process id of gunicorn's master.
    pid: int
    log: Path

    def alarming_lines(self) -> list[str]:
        """Return the lines of the log that no bytes on the wire may cause."""
        return [line for line in self.log.read_text(errors="replace").splitlines() if ALARMING.search(line)]


@contextmanager
def served(
    folder: Path, *, workers: int = 1, settings: Mapping[str, str] = BASIC, project: Path = ROOT
) -> Iterator[Server]:
    """Serve a project, with its log in a folder: the log of a fuzz would fill a pipe."""
    log = folder / "gunicorn.log"
    config = str(ROOT / "twiml_app" / "scaffold" / "gunicorn.conf.py")
    environment = clean_environment(**settings, WEB_CONCURRENCY=str(workers))
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("wb") as output:
        command = [sys.executable, "-m", "gunicorn", "-c", config, "wsgi:app", "--bind", f"fd://{listener.fileno()}"]
        process = subprocess.Popen(
            command, cwd=project, env=environment, pass_fds=[listener.fileno()], stdout=output, stderr=output
        )
        port = listener.getsockname()[1]
    try:
        _wait_for(log, "Booting worker", workers)
        yield Server(port, process.pid, log)
    finally:
        process.terminate()
        process.wait(LIMIT_S)


def _wait_for(log: Path, text: str, count: int) -> None:
    deadline = time.monotonic() + LIMIT_S
    while log.read_text(errors="replace").count(text) < count:
        assert time.monotonic() < deadline, log.read_text(errors="replace")
        time.sleep(0.02)


def exchange(port: int, raw: bytes, *, resets: bool = False) -> bytes:
    """Send bytes on a connection of their own, end it, and return everything that comes back."""
    received = b""
    with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection:
        if resets:  # closing sends a reset instead of the end of the stream
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(raw)
            return b""
        with suppress(ConnectionError):
            connection.sendall(raw)
            with suppress(OSError):  # ENOTCONN, which is not a ConnectionError: the server has reset the connection
                connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65536):
            received += piece
    return received


def authorized_message(framing: bytes, body: bytes) -> bytes:
    """Return a message with the right credentials, and a valid signature of its URL and body."""
    url = "http://sms.example.com/message"
    signature = sign(url, Form.read(body.decode(), max_fields=99, strict=False).pairs, TOKEN).encode()
    headers = (b"Host: sms.example.com", b"Authorization: " + RIGHT, b"X-Twilio-Signature: " + signature, framing)
    return b"POST /message HTTP/1.1\r\n" + b"".join(each + b"\r\n" for each in headers) + b"\r\n" + body


def statuses(received: bytes) -> list[int]:
    """Return the status of every answer; 0 if there is none."""
    return [int(each) for each in _STATUS.findall(received)] or [0]


@dataclass(slots=True)
class Tally:
    """How often each status came, and the first requests that caused each forbidden one."""

    counts: Counter[int] = field(default_factory=Counter)
    forbidden: dict[int, bytes] = field(default_factory=dict)

    def add(self, raw: bytes, received: bytes) -> None:
        """Count the answers to a request."""
        for status in statuses(received):
            self.counts[status] += 1
            if status not in ALLOWED:
                self.forbidden.setdefault(status, raw[:2000])

    def table(self) -> str:
        """Return one line per status."""
        return "\n".join(
            f"{status:>3} {count:>8}  {ALLOWED.get(status, 'FORBIDDEN')}" for status, count in self._rows()
        )

    def _rows(self) -> Iterable[tuple[int, int]]:
        return sorted(self.counts.items())


def fuzz(port: int, seed: int, requests: int) -> Tally:
    """Send random requests, one connection each; one in fifty is reset."""
    random, tally = Random(seed), Tally()
    for _ in range(requests):
        raw = raw_request(random)
        resets = random.random() < 0.02
        received = exchange(port, raw, resets=resets)
        if not resets:
            tally.add(raw, received)
    return tally
