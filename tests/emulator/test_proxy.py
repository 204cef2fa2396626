"""The proxy that plays Twilio's hosts, and lets nothing else through."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from queue import Queue

import pytest

from tests.servers import LIMIT_S, refusing_port
from twiml_app.credentials import Credentials, basic_header
from twiml_app.emulator import Emulator, EmulatorOptions
from twiml_app.emulator.proxy import MAX_CONNECTIONS, Proxy
from twiml_app.emulator.server import Certificates

OPENED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """A local Twilio."""
    with Emulator() as running:
        yield running


@pytest.fixture(scope="module")
def certificates() -> Iterator[Certificates]:
    """The authority of the proxy."""
    made = Certificates()
    yield made
    made.remove()


@pytest.fixture
def problems() -> list[str]:
    """What the proxy said."""
    return []


@pytest.fixture
def proxy(emulator: Emulator, certificates: Certificates, problems: list[str]) -> Iterator[Proxy]:
    """A proxy to the emulator."""
    with Proxy(emulator.url, certificates, problems.append) as running:
        yield running


def connect(proxy: Proxy) -> socket.socket:
    """Return a connection to the proxy."""
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=LIMIT_S)


def ask(proxy: Proxy, request: bytes) -> str:
    """Send a request and return the whole response."""
    with connect(proxy) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(1000), b"")).decode()


def fetch(connection: socket.socket, certificates: Certificates, host: str, emulator: Emulator) -> str:
    """Fetch the account over TLS, as a client that believes in this host, and return the response."""
    context = ssl.create_default_context(cafile=str(certificates.ca_file))
    login = basic_header(Credentials(emulator.account_sid, emulator.auth_token))
    path = f"/2010-04-01/Accounts/{emulator.account_sid}.json"
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {login}\r\nConnection: close\r\n\r\n"
    with context.wrap_socket(connection, server_hostname=host) as secured:
        secured.sendall(head.encode())
        return b"".join(iter(lambda: secured.recv(1000), b"")).decode()


@pytest.mark.parametrize(
    "host", ["api.twilio.com", "messaging.twilio.com", "api.dublin.ie1.twilio.com", "API.Twilio.com"]
)
def test_host_of_twilio_is_played_with_its_own_certificate(
    emulator: Emulator, certificates: Certificates, proxy: Proxy, host: str
) -> None:
    """Clients check the name in the certificate, whatever edge and region they were given."""
    with connect(proxy) as connection:
        connection.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
        assert connection.recv(1000) == OPENED
        response = fetch(connection, certificates, host.lower(), emulator)

    assert response.startswith("HTTP/1.1 200 OK\r\n")
    assert emulator.account_sid in response


def test_client_that_was_told_the_address_needs_no_tunnel(
    emulator: Emulator, certificates: Certificates, proxy: Proxy
) -> None:
    """Clients that ignore proxies look the host up, and begin with TLS."""
    with connect(proxy) as connection:
        assert fetch(connection, certificates, "api.twilio.com", emulator).startswith("HTTP/1.1 200 OK\r\n")


def test_emulator_with_tls_is_reached_over_tls(
    certificates: Certificates, problems: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command trusts a running emulator as the other commands do: by SSL_CERT_FILE."""
    with Emulator(EmulatorOptions(tls=True)) as emulator:
        monkeypatch.setenv("SSL_CERT_FILE", str(emulator.ca_file))
        with Proxy(emulator.url, certificates, problems.append) as proxy, connect(proxy) as connection:
            response = fetch(connection, certificates, "api.twilio.com", emulator)

    assert response.startswith("HTTP/1.1 200 OK\r\n")


REFUSED = {
    "CONNECT example.com:443": "example.com:443",
    "CONNECT twilio.com.example.com:443": "twilio.com.example.com:443",
    "CONNECT evil-twilio.com:443": "evil-twilio.com:443",
    "CONNECT api.twilio.com:22": "api.twilio.com:22",
    "CONNECT [::1]:443": "[::1]:443",
    "GET http://example.com/path?q=1": "example.com",
    "POST http://user:secret@example.com:8080/": "example.com:8080",
    "GET http://api.twilio.com/2010-04-01": "api.twilio.com",
    "GET /": "/",
}


@pytest.mark.parametrize("line", REFUSED)
def test_everything_else_is_refused_in_one_line(proxy: Proxy, problems: list[str], line: str) -> None:
    """Nothing leaves the machine, and the program's author learns why; passwords are not shown."""
    response = ask(proxy, f"{line} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    said = f"{REFUSED[line]} is refused: this proxy leads only to https://*.twilio.com, which the emulator plays"

    assert response.startswith("HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\n")
    assert response.partition("\r\n\r\n")[2] == f"{said}\n"
    assert problems == [said]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"hello\r\n\r\n",
        b"CONNECT api.twilio.com:443\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"GET http://example.com/ HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"\xff\xfe\r\n\r\n",
    ],
    ids=["no request", "no version", "no target", "too many headers", "not text"],
)
def test_request_that_makes_no_sense_gets_400(proxy: Proxy, request_bytes: bytes) -> None:
    """The proxy survives whatever is sent to its port."""
    response = ask(proxy, request_bytes)

    assert response.startswith("HTTP/1.1 400 Bad Request\r\n")
    assert response.endswith(
        "\n\r\nthis is a proxy for Twilio's API: the request cannot be read\n".replace("\n\r", "\r")
    )


def test_refusal_arrives_although_the_body_is_not_read(proxy: Proxy) -> None:
    """A connection that is closed with unread bytes would be reset, and the client would not see the reason."""
    body = b"x" * 300_000
    head = f"POST http://example.com/ HTTP/1.1\r\nHost: example.com\r\nContent-Length: {len(body)}\r\n\r\n"

    assert " is refused: " in ask(proxy, head.encode() + body)


def test_client_that_does_not_trust_the_authority_is_named(emulator: Emulator, certificates: Certificates) -> None:
    """Its own message is often vague, and the cure is a variable that it reads."""
    said: Queue[str] = Queue()
    with Proxy(emulator.url, certificates, said.put) as proxy, connect(proxy) as connection:
        connection.sendall(b"CONNECT api.twilio.com:443 HTTP/1.1\r\n\r\n")
        assert connection.recv(1000) == OPENED
        with pytest.raises(ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(connection, server_hostname="api.twilio.com")
        problem = said.get(timeout=LIMIT_S)

    assert problem.startswith("api.twilio.com: no TLS connection: the client may not trust the emulator's authority (")


def test_emulator_that_is_gone_is_named(certificates: Certificates, problems: list[str], emulator: Emulator) -> None:
    """The user learns that it is not the program's fault."""
    with refusing_port() as port:
        gone = Proxy(f"http://127.0.0.1:{port}", certificates, problems.append)
        with gone as proxy, connect(proxy) as connection, suppress(OSError):
            assert fetch(connection, certificates, "api.twilio.com", emulator) == ""

    assert [each.partition(": [")[0] for each in problems] == [f"cannot reach the emulator at http://127.0.0.1:{port}"]


def test_connections_are_bounded(proxy: Proxy) -> None:
    """A program that opens connections without end does not exhaust the machine."""
    held = [connect(proxy) for _ in range(MAX_CONNECTIONS)]
    try:
        with connect(proxy) as further:
            assert further.recv(1000) == b""
    finally:
        for each in held:
            each.close()


def test_end_hangs_up(emulator: Emulator, certificates: Certificates) -> None:
    """A program that survives does not keep a thread."""
    with Proxy(emulator.url, certificates, print) as proxy:
        connection = connect(proxy)
        connection.sendall(b"CONNECT api.twilio.com:443 HTTP/1.1\r\n\r\n")
        assert connection.recv(1000) == OPENED
    with connection:
        assert connection.recv(1000) == b""
