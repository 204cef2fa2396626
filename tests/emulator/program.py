"""A program behind a number, for tests: a real web server with prepared answers that records its requests."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Self
from urllib.parse import parse_qs
from urllib.request import parse_http_list, parse_keqv_list

from twiml_app.credentials import Credentials, basic_header
from twiml_app.emulator import AUTH_TOKEN, Emulator, EmulatorOptions
from twiml_app.signature import HEADER, SETTINGS_HEADER, read_signature_settings, verify
from twiml_app.webhook import Form

NUMBER = "+15017122661"
CONTACT = "+15558675310"
SERVICE = "MG" + "1" * 32
#: 2026-11-23 00:00:00 UTC.
MONDAY = 1_795_392_000.0

USER, PASSWORD = "sms", "quite-long-enough"
REALM = "My Realm"
NONCE = "dcd98b7102dd2f0e8b11d0f600bfb0c0"
XML = '<?xml version="1.0" encoding="UTF-8"?>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as received, and the status of its answer."""

    method: str
    #: Path and query.
    target: str
    #: Names in lower case.
    headers: dict[str, str]
    form: Form
    #: The algorithm of a valid signature; empty if there is none, or it is invalid.
    signed: str
    status: int

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, list[str]]:
        """The parameters of the query."""
        return parse_qs(self.target.partition("?")[2], keep_blank_values=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """A prepared answer."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/xml"
    headers: tuple[tuple[str, str], ...] = ()
    #: Bytes to send instead of an HTTP response.
    raw: bytes | None = None


Prepared = Answer | Callable[[Received], Answer]


def twiml(content: str, **options: Any) -> Answer:
    """Return an answer with this content in a TwiML document."""
    return Answer(f"{XML}<Response>{content}</Response>".encode(), **options)


def say(*texts: str) -> Answer:
    """Return an answer with messages."""
    return twiml("".join(f"<Message>{text}</Message>" for text in texts))


NOTHING = Answer(status=204, content_type="")


@dataclass
class Program:
    """The server; a context manager. ``auth`` may be ``basic`` or ``digest``."""

    auth: str = ""
    #: The secrets that may sign: a token, or the secret of a shared key.
    secrets: tuple[str, ...] = (AUTH_TOKEN,)
    received: list[Received] = field(default_factory=list)
    _answers: dict[str, list[Prepared]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: _Handler(self, *args))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def host(self) -> str:
        """The host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    def url(self, path: str) -> str:
        """Return a URL as configured at Twilio: with credentials, if the program requires them."""
        return f"http://{USER}:{PASSWORD}@{self.host}{path}" if self.auth else self.bare(path)

    def bare(self, path: str) -> str:
        """Return a URL without credentials."""
        return f"http://{self.host}{path}"

    def answers(self, path: str, *answers: Prepared) -> str:
        """Set the answers of a path, of which the last one is repeated; returns its URL."""
        self._answers[path] = list(answers)
        return self.url(path)

    def at(self, path: str) -> list[Received]:
        """Return the authenticated requests of a path."""
        return [request for request in self.received if request.path == path and request.status != 401]

    @property
    def paths(self) -> list[str]:
        """The paths of all authenticated requests."""
        return [request.path for request in self.received if request.status != 401]

    def answer(self, request: Received) -> Answer:
        """Return the answer to a request."""
        if self.auth and not self._is_authenticated(request):
            return Answer(b"who are you?\n", 401, "text/plain", (("WWW-Authenticate", self._challenge()),))
        prepared = self._answers.get(request.path, [Answer(b"no such page\n", 404, "text/plain")])
        chosen = prepared.pop(0) if len(prepared) > 1 else prepared[0]
        return chosen(request) if callable(chosen) else chosen

    def _challenge(self) -> str:
        if self.auth == "basic":
            return f'Basic realm="{REALM}"'
        return f'Digest realm="{REALM}", qop="auth", algorithm=MD5, nonce="{NONCE}"'

    def _is_authenticated(self, request: Received) -> bool:
        given = request.headers.get("authorization", "")
        if self.auth == "basic":
            return given == basic_header(Credentials(USER, PASSWORD))
        return given.startswith("Digest ") and _is_answer(given.removeprefix("Digest "), request)


def _is_answer(header: str, request: Received) -> bool:
    """Return whether a Digest response is valid, by RFC 7616."""
    given = parse_keqv_list(parse_http_list(header))
    first = _md5(f"{USER}:{REALM}:{PASSWORD}")
    second = _md5(f"{request.method}:{request.target}")
    expected = _md5(":".join([first, NONCE, given["nc"], given["cnonce"], given["qop"], second]))
    return given["uri"] == request.target and given["response"] == expected


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, program: Program, *args: Any) -> None:
        self._program = program
        super().__init__(*args)

    def do_GET(self) -> None:
        """Answer."""
        self._answer()

    def do_POST(self) -> None:
        """Answer."""
        self._answer()

    def _answer(self) -> None:
        request = self._read()
        answer = self._program.answer(request)
        self._program.received.append(replace(request, status=answer.status))
        with suppress(ConnectionError):  # the client may have given up waiting
            self._write(answer)

    def _write(self, answer: Answer) -> None:
        if answer.raw is not None:
            self.wfile.write(answer.raw)
            return
        self.send_response(answer.status)
        if answer.content_type:
            self.send_header("Content-Type", answer.content_type)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _read(self) -> Received:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        form = Form.read(body, max_fields=100)
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Received(
            method=self.command,
            target=self.path,
            headers=headers,
            form=form,
            signed=self._algorithm(headers, form),
            status=0,
        )

    def _algorithm(self, headers: dict[str, str], form: Form) -> str:
        url = f"http://{headers['host']}{self.path}"
        _, algorithm = read_signature_settings(headers.get(SETTINGS_HEADER.lower(), ""))
        assert algorithm in ("HMAC_SHA1", "HMAC_SHA256")
        signature = headers.get(HEADER.lower(), "")
        is_right = verify(url, form.pairs, signature, self._program.secrets, algorithm=algorithm)  # type: ignore[arg-type]
        return algorithm if is_right else ""

    def log_message(self, *args: object) -> None:
        """Log nothing."""


def counted_sids() -> Callable[[str], str]:
    """Return a function that makes sids, counting from 1."""
    numbers: Iterator[int] = count(1)
    return lambda prefix: f"{prefix}{next(numbers):032x}"


def emulator(**options: Any) -> Emulator:
    """Make an emulator whose clock starts on Monday, and whose sids count from 1."""
    given = {"start": MONDAY, **options}
    outside = {name: given.pop(name) for name in ("transport", "new_sid") if name in given}
    return Emulator(EmulatorOptions(**given), **{"new_sid": counted_sids(), **outside})


def send(twilio: Emulator, body: str = "hello", **parameters: Any) -> Any:
    """Send a message with the official client."""
    return twilio.client().messages.create(to=CONTACT, from_=NUMBER, body=body, **parameters)


def codes(entries: Any) -> list[int]:
    """Return the error codes of debugger entries."""
    return [entry.code for entry in entries]
