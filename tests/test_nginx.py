"""The nginx configuration of docs/deploy.md, in front of a real gunicorn."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import trustme

from tests.fuzz.wire import SIGNATURE, Server, served, statuses
from tests.nginx_server import HOST, find_nginx, nginx
from twiml_app.caller.forms import inbound_form
from twiml_app.signature import sign
from twiml_app.webhook import FORM_TYPE

pytestmark = pytest.mark.slow

LIMIT_S = 60.0
TOKEN = SIGNATURE["TWILIO_AUTH_TOKEN"]
FORM = inbound_form("menu")


class Proxied:
    """An application behind nginx."""

    def __init__(self, app: Server, port: int, authority: trustme.CA) -> None:
        self.app = app
        self._port = port
        self._context = ssl.create_default_context()
        authority.configure_trust(self._context)

    def connect(self, stack: ExitStack) -> ssl.SSLSocket:
        """Return a new connection."""
        plain = stack.enter_context(socket.create_connection(("127.0.0.1", self._port), timeout=LIMIT_S))
        return stack.enter_context(self._context.wrap_socket(plain, server_hostname=HOST))

    def exchange(self, raw: bytes) -> bytes:
        """Return everything that comes back before the connection is closed."""
        received = b""
        with ExitStack() as stack:
            connection = self.connect(stack)
            connection.sendall(raw)
            while piece := connection.recv(65536):
                received += piece
        return received


def head(line: str, *headers: str) -> bytes:
    """Return the line and the headers of a request; the connection is closed after the answer."""
    return "\r\n".join([f"{line} HTTP/1.1", f"Host: {HOST}", "Connection: close", *headers, "", ""]).encode()


def message(*headers: str, host: str = HOST) -> bytes:
    """Return a message that Twilio signed for a host."""
    body = FORM.encode()
    signature = sign(f"https://{host}/message", FORM.pairs, TOKEN)
    own = [f"Content-Type: {FORM_TYPE}", f"Content-Length: {len(body)}", f"X-Twilio-Signature: {signature}"]
    return head("POST /message", *own, *headers) + body.encode()


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """The example application, which trusts one proxy."""
    find_nginx()
    settings = SIGNATURE | {"TWIML_PROXY_HOPS": "1"}
    with ExitStack() as stack:
        app = stack.enter_context(served(tmp_path_factory.mktemp("app"), settings=settings))
        port, authority = stack.enter_context(nginx(tmp_path_factory.mktemp("nginx"), app.port))
        yield Proxied(app, port, authority)


def test_signature_is_verified_over_the_address_that_twilio_called(proxied: Proxied) -> None:
    """Scheme and host are signed, and the application only knows them from nginx."""
    answer = proxied.exchange(message())

    assert statuses(answer) == [200]
    assert b"<Response>" in answer


@pytest.mark.parametrize(
    "header", ["X-Forwarded-Host: evil.example.com", "X-Forwarded-Proto: http", "SCRIPT_NAME: /other"]
)
def test_headers_of_the_sender_are_not_trusted(proxied: Proxied, header: str) -> None:
    """Otherwise a message that was signed for another address would be accepted here."""
    assert statuses(proxied.exchange(message(header))) == [200]
    assert statuses(proxied.exchange(message(header, host="evil.example.com"))) == [403]


def test_longest_text_by_get_passes(proxied: Proxied) -> None:
    """1600 non-Latin letters make a request line of nearly ten kilobytes."""
    target = f"/message?{inbound_form('ж' * 1600).encode()}"
    signature = sign(f"https://{HOST}{target}", (), TOKEN)

    assert statuses(proxied.exchange(head(f"GET {target}", f"X-Twilio-Signature: {signature}"))) == [200]


def test_body_that_is_too_large_is_refused_by_nginx(proxied: Proxied) -> None:
    """It costs the application nothing."""
    assert statuses(proxied.exchange(head("POST /message", "Content-Length: 262145"))) == [413]


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(head("POST /message", "Content-Length: 80") + b"M", id="body"),
        pytest.param(b"POST /message HTTP/1.1\r\nHost: x\r\n", id="headers"),
        pytest.param(b"POST /mess", id="request line"),
    ],
)
def test_slow_senders_hold_no_thread(proxied: Proxied, part: bytes) -> None:
    """nginx waits for the whole request, with as many connections as it takes."""
    with ExitStack() as stack:
        for _ in range(20):
            proxied.connect(stack).sendall(part)
        answers = [statuses(proxied.exchange(message())) for _ in range(3)]

    assert answers == [[200]] * 3


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_probes_are_answered(proxied: Proxied, method: str, path: str) -> None:
    """A load balancer on this machine asks without credentials."""
    assert statuses(proxied.exchange(head(f"{method} {path}"))) == [200]


def test_nothing_was_alarming_for_the_application(proxied: Proxied) -> None:
    """A proxy must not cause errors that a direct sender does not."""
    proxied.exchange(head("POST /message", "Content-Length: 5") + b"Body=")

    assert proxied.app.alarming_lines() == []
