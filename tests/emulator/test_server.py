"""Serving over HTTP or TLS, and clients that misbehave."""

from __future__ import annotations

import os
import re
import socket
import ssl
import sys
import threading
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

import pytest
from requests.exceptions import SSLError
from twilio.rest import Client

from tests.servers import LIMIT_S
from twiml_app.emulator import Emulator, EmulatorOptions
from twiml_app.emulator.server import Certificates, Server
from twiml_app.errors import ConfigurationError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def hello(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with the scheme, and whether TCP_NODELAY is set."""
    connection = environ["werkzeug.socket"]
    no_delay = bool(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    body = f"{environ['wsgi.url_scheme']} {no_delay}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


@contextmanager
def serving(host: str = "127.0.0.1", certificates: Certificates | None = None) -> Iterator[Server]:
    """Serve ``hello`` on a free port."""
    server = Server(host, 0, certificates)
    server.start(hello)
    try:
        yield server
    finally:
        server.stop()


def read(url: str, context: ssl.SSLContext | None = None) -> str:
    """Return what is served at a URL."""
    with urllib.request.urlopen(url, timeout=LIMIT_S, context=context) as response:
        return str(response.read().decode())


def _read_to_end(connection: socket.socket) -> bytes:
    """Return all bytes until the connection is closed or reset."""
    with suppress(ConnectionError):
        return b"".join(iter(lambda: connection.recv(1000), b""))
    return b""


def _require_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("this machine has no ::1")


def test_responses_are_sent_without_delay() -> None:
    """Without TCP_NODELAY, a response in two packets waits 40 ms for the client's acknowledgement."""
    with serving() as server:
        assert read(server.url) == "http True"


def test_tls_responses_are_sent_without_delay() -> None:
    """The application also gets the right scheme."""
    certificates = Certificates()
    context = ssl.create_default_context(cafile=str(certificates.ca_file))
    with serving(certificates=certificates) as server:
        assert read(server.url, context) == "https True"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", r"http://127\.0\.0\.1:\d+"),
        ("0.0.0.0", r"http://127\.0\.0\.1:\d+"),
        ("", r"http://127\.0\.0\.1:\d+"),
    ],
)
def test_url_is_reachable(host: str, url: str) -> None:
    """URLs in responses begin with it, so it cannot contain the wildcard address."""
    with serving(host) as server:
        assert re.fullmatch(url, server.url)
        assert read(server.url) == "http True"


@pytest.mark.parametrize("host", ["::1", "::"])
def test_ipv6_address_is_served(host: str) -> None:
    """It is written in brackets in a URL."""
    _require_ipv6()
    with serving(host) as server:
        assert re.fullmatch(r"http://\[::1\]:\d+", server.url)
        assert read(server.url) == "http True"


@pytest.mark.parametrize("port", [-1, 70000])
def test_invalid_port_is_refused(port: int) -> None:
    """The error names the setting."""
    with pytest.raises(ConfigurationError, match=f"port: {port} is not a port"):
        Server("127.0.0.1", port, None)


def test_port_in_use_is_refused() -> None:
    """If two programs shared it, each would get half of the requests."""
    with Emulator() as emulator, pytest.raises(ConfigurationError) as refused:
        Emulator(EmulatorOptions(port=emulator.port))

    assert refused.value.setting == "port"
    assert refused.value.problem == (
        f"127.0.0.1:{emulator.port} is in use: another emulator may be running there; --port 0 picks a free port"
    )


def test_address_of_another_machine_is_refused() -> None:
    """The error says that the server cannot listen on it."""
    with pytest.raises(ConfigurationError, match=r"cannot listen on 192\.0\.2\.1:0: "):
        Server("192.0.2.1", 0, None)


def test_stopped_server_frees_its_port() -> None:
    """The next test may use it."""
    with serving() as server:
        read(server.url)
    with pytest.raises(URLError):
        read(server.url)

    again = Server("127.0.0.1", server.port, None)
    again.stop()


def test_server_that_was_never_started_frees_its_port() -> None:
    """An invalid option may be found after the port was opened."""
    server = Server("127.0.0.1", 0, None)
    server.stop()

    with socket.create_server(("127.0.0.1", server.port)) as again:
        assert again.getsockname() == ("127.0.0.1", server.port)


def test_official_client_trusts_the_certificates() -> None:
    """The client verifies them; verification is not turned off."""
    with Emulator(EmulatorOptions(tls=True)) as emulator:
        client = emulator.client()
        client.messages.create(to="+15558675310", from_="+15017122661", body="hello")

        assert emulator.url == f"https://localhost:{emulator.port}"
        assert [message.body for message in client.messages.list()] == ["hello"]


def test_client_that_does_not_trust_the_certificates_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator then still serves other clients."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with Emulator(EmulatorOptions(tls=True)) as emulator:
        stranger = Client(emulator.account_sid, emulator.auth_token)
        stranger.api.base_url = emulator.url
        with pytest.raises(SSLError):
            stranger.messages.list()

        assert emulator.client().messages.list() == []


@pytest.mark.parametrize(
    "name",
    [
        *("localhost", "127.0.0.1", "api.twilio.com", "API.Twilio.com", "messaging.twilio.com", "monitor.twilio.com"),
        *("api.us1.twilio.com", "api.dublin.ie1.twilio.com", "messaging.sydney.au1.twilio.com"),
    ],
)
def test_certificate_is_valid_for_twilio_hosts(name: str) -> None:
    """Clients that reach the emulator through a proxy ask for the original host."""
    certificates = Certificates()
    context = ssl.create_default_context(cafile=str(certificates.ca_file))
    with (
        serving(certificates=certificates) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as plain,
        context.wrap_socket(plain, server_hostname=name) as secured,
    ):
        assert secured.version()


@pytest.mark.parametrize("name", ["api.example.com", "twilio.com.example.com", "twilio.com"])
def test_certificate_is_not_made_for_other_hosts(name: str) -> None:
    """The authority must not be able to play somebody else's site."""
    certificates = Certificates()
    context = ssl.create_default_context(cafile=str(certificates.ca_file))
    with (
        serving(certificates=certificates) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as plain,
        pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"),
    ):
        context.wrap_socket(plain, server_hostname=name)


def test_certificates_of_the_latest_hosts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that asks for ever more hosts must not fill the memory."""
    monkeypatch.setattr("twiml_app.emulator.server.MAX_CERTIFICATES", 2)
    certificates = Certificates()
    context = ssl.create_default_context(cafile=str(certificates.ca_file))
    with serving(certificates=certificates) as server:
        for name in ("api", "messaging", "monitor", "api"):
            with (
                socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as plain,
                context.wrap_socket(plain, server_hostname=f"{name}.twilio.com") as secured,
            ):
                assert secured.version()
    assert [*certificates.hosts] == ["monitor.twilio.com", "api.twilio.com"]


def test_idle_connection_does_not_block_others() -> None:
    """Browsers open connections in advance, and with TLS, a pending handshake could block all others."""
    certificates = Certificates()
    context = ssl.create_default_context(cafile=str(certificates.ca_file))
    with (
        serving(certificates=certificates) as server,
        socket.create_connection(("127.0.0.1", server.port)),
        socket.create_connection(("127.0.0.1", server.port)),
    ):
        assert read(server.url, context) == "https True"


def test_connection_of_a_client_without_tls_is_closed(capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed in the developer's terminal."""
    certificates = Certificates()
    context = ssl.create_default_context(cafile=str(certificates.ca_file))
    with serving(certificates=certificates) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert _read_to_end(plain) == b""
        assert read(server.url, context) == "https True"

    assert capfd.readouterr() == ("", "")


def test_nothing_is_printed_about_clients_that_disconnect(capfd: pytest.CaptureFixture[str]) -> None:
    """The emulator has its own log."""
    with serving() as server:
        for said in (b"", b"GET / HT", b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc"):
            with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as connection:
                connection.sendall(said)
                connection.shutdown(socket.SHUT_WR)
                _read_to_end(connection)
        assert read(server.url) == "http True"

    assert capfd.readouterr() == ("", "")


def test_requests_are_answered_side_by_side() -> None:
    """A program that is called by a request may make one itself."""
    barrier = threading.Barrier(3, timeout=LIMIT_S)

    def together(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        barrier.wait()
        return hello(environ, start_response)

    server, answers = Server("127.0.0.1", 0, None), []
    server.start(together)
    threads = [threading.Thread(target=lambda: answers.append(read(server.url))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.stop()

    assert answers == ["http True"] * 3


def test_certificates_are_removed_with_the_server() -> None:
    """They must not accumulate on a developer's machine."""
    certificates = Certificates()
    with serving(certificates=certificates):
        assert certificates.ca_file.exists()

    assert not certificates.ca_file.exists()


def test_missing_library_for_tls_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is an optional dependency."""
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(ConfigurationError, match=r"tls: .*pip install 'twiml-app\[dev\]'"):
        Certificates()


def test_two_emulators_serve_at_once() -> None:
    """Each has its own port and certificates."""
    with Emulator(EmulatorOptions(tls=True)) as one, Emulator(EmulatorOptions(tls=True)) as two:
        clients: list[Any] = [one.client(), two.client()]
        clients[0].messages.create(to="+15558675310", from_="+15017122661", body="hello")

        assert one.ca_file != two.ca_file
        assert [len(client.messages.list()) for client in clients] == [1, 0]


def _threads() -> set[threading.Thread]:
    return set(threading.enumerate())


@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "TLS"])
def test_open_connections_are_closed_by_a_stop(is_secure: bool) -> None:
    """An idle connection would keep its thread, and later send requests to a stopped emulator."""
    before = _threads()
    with serving(certificates=Certificates() if is_secure else None) as server:
        silent = [socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) for _ in range(3)]
        silent[0].sendall(b"\x16\x03" if is_secure else b"GET / HT")
        while len(_threads() - before) < 4:  # that of the server, and one per connection
            threading.Event().wait(0.001)

    assert _threads() - before == set()
    assert [_read_to_end(connection) for connection in silent] == [b""] * 3
    for connection in silent:
        connection.close()


@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "TLS"])
def test_pending_requests_are_closed_by_a_stop(is_secure: bool, capfd: pytest.CaptureFixture[str]) -> None:
    """The client sees that the emulator is gone, and nothing is printed."""
    begun, may_go = threading.Event(), threading.Event()

    def slow(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        begun.set()
        may_go.wait(LIMIT_S)
        return hello(environ, start_response)

    certificates = Certificates() if is_secure else None
    context = ssl.create_default_context(cafile=str(certificates.ca_file)) if certificates else None
    server, before = Server("127.0.0.1", 0, certificates), _threads()
    server.start(slow)
    with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as plain:
        connection = context.wrap_socket(plain, server_hostname="localhost") if context else plain
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert begun.wait(LIMIT_S)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        assert _read_to_end(connection) == b""
        may_go.set()
        stopping.join()
        connection.close()

    assert (_threads() - before, capfd.readouterr()) == (set(), ("", ""))


def test_server_stopped_during_a_request_does_not_wait_for_that_request() -> None:
    """A program under test may stop the emulator."""

    def stop(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        server.stop()
        stopped.set()
        return hello(environ, start_response)

    server, stopped = Server("127.0.0.1", 0, None), threading.Event()
    server.start(stop)
    with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert _read_to_end(connection) == b""

    assert stopped.wait(LIMIT_S)


def test_server_name_is_the_configured_host() -> None:
    """Clients may use it as the host name."""

    def name(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["SERVER_NAME"].encode()]

    for host, expected in (("localhost", "localhost"), ("127.0.0.1", "127.0.0.1"), ("", "localhost")):
        server = Server(host, 0, None)
        server.start(name)
        assert read(server.url) == expected
        server.stop()
