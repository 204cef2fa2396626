"""Transports: over a real socket, and into an application in this process."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from tests.servers import LIMIT_S, refusing_port
from twiml_app.caller.transports import HttpTransport, WsgiTransport
from twiml_app.caller.types import ConnectFailed, OutgoingRequest, ProtocolViolation

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def request(
    url: str,
    *,
    method: str = "POST",
    body: bytes = b"a=b",
    headers: tuple[tuple[str, str], ...] = (),
    connect_s: float = LIMIT_S,
    read_s: float = LIMIT_S,
) -> OutgoingRequest:
    """Make a request as the caller does."""
    return OutgoingRequest(
        method=method, url=url, headers=headers, body=body, connect_timeout_s=connect_s, read_timeout_s=read_s
    )


class Echo(BaseHTTPRequestHandler):
    """Answers with the request line, the headers and the body of the request."""

    def answer(self) -> None:
        """Answer any method."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = f"{self.requestline}\n{self.headers.as_string()}".encode() + body
        self.send_response(201)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = answer  # noqa: N815 - names given by the library

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    """The base URL of a real server on the loopback interface."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@contextmanager
def answering(*parts: bytes) -> Iterator[str]:
    """Serve one connection: read a request without a body, send some bytes, and hang up; return the base URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):  # the other side may have closed it already
                connection.recv(65536)
                for each in parts:
                    connection.sendall(each)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_request_is_sent_unchanged(echo: str) -> None:
    """The signature covers the bytes, so target and form must not change."""
    answer = HttpTransport()(request(f"{echo}/m%2F/x?a=%2c&b", headers=(("X-Twilio-Signature", "s="),)))
    head, _, body = answer.body.decode().partition("\n\n")

    assert answer.status == 201
    assert answer.content_type == "text/plain; charset=utf-8"
    assert [value for name, value in answer.headers if name == "Set-Cookie"] == ["a=1", "b=2"]
    assert body == "a=b"
    assert head.splitlines() == [
        "POST /m%2F/x?a=%2c&b HTTP/1.1",
        "Accept-Encoding: identity",
        "Content-Length: 3",
        f"Host: {echo.removeprefix('http://')}",
        "X-Twilio-Signature: s=",
    ]


def test_get_has_no_body(echo: str) -> None:
    """With a Content-Length on a GET some servers wait for a body that never arrives."""
    answer = HttpTransport()(request(f"{echo}/m", method="GET", body=b""))

    assert answer.body.startswith(b"GET /m HTTP/1.1\n")
    assert b"Content-Length" not in answer.body


def test_host_header_is_the_host_of_the_url(echo: str) -> None:
    """The receiver verifies the signature with the Host header: case and port must be the signed ones."""
    url = echo.replace("127.0.0.1", "LOCALHOST")

    assert f"\nHost: {url.removeprefix('http://')}\n".encode() in HttpTransport()(request(f"{url}/m")).body


def test_closed_port_is_a_failed_connection() -> None:
    """Twilio retries it by default, because nothing was sent."""
    with refusing_port() as port:
        for scheme in ("http", "https"):
            with pytest.raises(ConnectFailed, match=r"^no connection to 127\.0\.0\.1: Connection refused$") as failed:
                HttpTransport()(request(f"{scheme}://127.0.0.1:{port}/"))
            assert failed.value.code == 11205


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("x" * 64 + ".example", id="label too long"),
        pytest.param("a..example", id="empty label"),
        pytest.param("a." * 130 + "example", id="name too long"),
    ],
)
def test_impossible_host_name_is_a_failed_connection(host: str) -> None:
    """A misspelled host is a likely mistake on the command line."""
    with pytest.raises(ConnectFailed, match=f"^no connection to {host}: ") as failed:
        HttpTransport()(request(f"http://{host}/"))
    assert failed.value.code == 11210


@pytest.mark.parametrize(
    "parts", [pytest.param([b"no TLS at all\r\n"], id="another protocol"), pytest.param([], id="hangs up")]
)
def test_port_without_tls_is_a_failed_handshake(parts: list[bytes]) -> None:
    """An https URL for an http server is another mistake than a server that is down."""
    with (
        answering(*parts) as url,
        pytest.raises(ConnectFailed, match=r"^no connection to 127\.0\.0\.1: ") as failed,
    ):
        HttpTransport()(request(url.replace("http:", "https:")))
    assert failed.value.code == 11220


def test_handshake_that_times_out_has_failed() -> None:
    """The port is open, so the connection itself was made."""
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ConnectFailed) as failed:
        HttpTransport()(request(f"https://127.0.0.1:{silent.getsockname()[1]}/", connect_s=0.05))
    assert failed.value.code == 11220


AUTHORITY = trustme.CA()


def trusting() -> ssl.SSLContext:
    """Make a context that also trusts the authority of these tests."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


@contextmanager
def answering_tls(certificate: trustme.LeafCert) -> Iterator[str]:
    """Serve one connection over TLS; return the base URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            plain, _ = listener.accept()
            with plain, suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n<Response/>")
                connection.unwrap()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_server_with_a_trusted_certificate_is_called_over_tls() -> None:
    """The authority may be private, as in companies and in the emulator."""
    with answering_tls(AUTHORITY.issue_cert("127.0.0.1")) as url:
        answer = HttpTransport(context=trusting())(request(f"{url}/", method="GET", body=b""))

    assert (answer.status, answer.body) == (200, b"<Response/>")


LONG_AGO = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("certificate", "context", "code"),
    [
        pytest.param(AUTHORITY.issue_cert("127.0.0.1"), None, 11237, id="unknown authority"),
        pytest.param(AUTHORITY.issue_cert("localhost"), trusting(), 11235, id="for a name, called by address"),
        pytest.param(
            AUTHORITY.issue_cert("127.0.0.1", not_before=LONG_AGO, not_after=LONG_AGO + datetime.timedelta(days=1)),
            trusting(),
            11236,
            id="expired",
        ),
    ],
)
def test_certificate_is_checked(certificate: trustme.LeafCert, context: ssl.SSLContext | None, code: int) -> None:
    """A server that cannot prove its identity must not get the password."""
    with (
        answering_tls(certificate) as url,
        pytest.raises(ConnectFailed, match=r"^no connection to 127\.0\.0\.1: .*certificate verify failed") as failed,
    ):
        HttpTransport(context=context)(request(url))
    assert failed.value.code == code


def test_certificate_of_another_host_is_refused() -> None:
    """Twilio has an error code of its own for a certificate of another host."""
    with answering_tls(AUTHORITY.issue_cert("sms.example.com")) as url, pytest.raises(ConnectFailed) as failed:
        HttpTransport(context=trusting())(request(url.replace("127.0.0.1", "localhost")))
    assert failed.value.code == 11235


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        pytest.param([], "not an HTTP answer: RemoteDisconnected", id="nothing"),
        pytest.param([b"hello\r\n\r\n"], "not an HTTP answer: BadStatusLine", id="not HTTP"),
        pytest.param(
            [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"<Response>"],
            "the answer breaks off after 10 bytes",
            id="less than announced",
        ),
        pytest.param(
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"a\r\n<Resp"],
            "not an HTTP answer: IncompleteRead",
            id="chunk that breaks off",
        ),
    ],
)
def test_incomplete_answer_is_a_protocol_violation(parts: list[bytes], problem: str) -> None:
    """Half a document must not be used as the reply."""
    with answering(*parts) as url, pytest.raises(ProtocolViolation, match=f"^{problem}"):
        HttpTransport()(request(f"{url}/", method="GET", body=b""))


def test_answer_without_a_length_ends_with_the_connection() -> None:
    """Old servers answer like this."""
    with answering(b"HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n<Response/>") as url:
        answer = HttpTransport()(request(f"{url}/", method="GET", body=b""))

    assert (answer.status, answer.content_type, answer.body) == (200, "text/xml", b"<Response/>")


def test_answer_far_beyond_what_twilio_reads_is_cut() -> None:
    """A URL that streams forever must not fill the memory."""
    with answering(b"HTTP/1.0 200 OK\r\n\r\n", *[b"x" * 1024 * 1024] * 11) as url:
        answer = HttpTransport()(request(f"{url}/", method="GET", body=b""))

    assert len(answer.body) == 10 * 1024 * 1024


def test_missing_answer_is_a_timeout() -> None:
    """The read timeout starts when the connection is made."""
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TimeoutError):
        HttpTransport()(request(f"http://127.0.0.1:{silent.getsockname()[1]}/", read_s=0.05))


@contextmanager
def dripping(beginning: bytes, drop: bytes, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve one connection slowly until the block ends, after an immediate beginning; return host and port."""
    is_over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip(connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(beginning)
            while not is_over.wait(0.01):
                connection.sendall(drop)

        def serve() -> None:
            plain, _ = listener.accept()
            connection = context.wrap_socket(plain, server_side=True) if context else plain
            with connection, suppress(OSError):  # the other side has given up
                drip(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            is_over.set()
            thread.join()


HEAD = b"HTTP/1.1 200 OK\r\n"
DRIPS = [
    pytest.param(b"", b"H", id="status line"),
    pytest.param(HEAD, b"X", id="header"),
    pytest.param(HEAD, b"X: y\r\n", id="headers"),
    pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n", id="endless interim responses"),
    pytest.param(HEAD + b"Content-Length: 1000000\r\n\r\n", b"x", id="body"),
    pytest.param(HEAD + b"\r\n", b"x", id="body without a length"),
    pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", id="chunks"),
]


@pytest.mark.parametrize(("beginning", "drop"), DRIPS)
def test_slow_answer_is_a_timeout(beginning: bytes, drop: bytes) -> None:
    """The timeout covers the whole answer: a program that sends single bytes must not block the caller."""
    with dripping(beginning, drop) as host, pytest.raises(TimeoutError, match=r"^timed out$"):
        HttpTransport()(request(f"http://{host}/", method="GET", body=b"", read_s=0.1))


def test_slow_answer_over_tls_is_a_timeout() -> None:
    """A TLS record may arrive slowly, too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    with dripping(HEAD, b"X: y\r\n", context) as host, pytest.raises(TimeoutError, match="timed out"):
        HttpTransport(context=trusting())(request(f"https://{host}/", method="GET", body=b"", read_s=0.1))


def test_nothing_is_read_after_the_deadline() -> None:
    """A late answer counts as late even if it has already arrived."""
    with answering(HEAD + b"\r\n") as url, pytest.raises(TimeoutError, match=r"^timed out$"):
        HttpTransport()(request(f"{url}/", method="GET", body=b"", read_s=1e-9))


class Recorder:
    """A WSGI application that keeps its request, and whether its answer was closed."""

    def __init__(self) -> None:
        self.environ: dict[str, Any] = {}
        self.body = b""
        self.closed = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.environ = environ
        self.body = environ["wsgi.input"].read()
        start_response("418 I'm a teapot", [("Content-Type", "text/x"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        return _Closing([b"<Resp", b"onse/>"], self._close)

    def _close(self) -> None:
        self.closed = True


class _Closing:
    def __init__(self, chunks: list[bytes], on_close: Callable[[], None]) -> None:
        self._chunks = chunks
        self.close = on_close

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)


def test_application_in_process_gets_the_environment_of_a_server() -> None:
    """A test in process must send the same request as a server."""
    application = Recorder()
    headers = (("Content-Type", "a/b"), ("X-Twilio-Signature", "s="), ("Cookie", "c"))
    answer = WsgiTransport(application)(request("https://Sms.example.com:8443/m%2Fx%20y?a=%2c", headers=headers))
    kept = application.environ

    assert (answer.status, answer.content_type, answer.body) == (418, "text/x", b"<Response/>")
    assert [value for name, value in answer.headers if name == "Set-Cookie"] == ["a=1", "b=2"]
    assert application.closed
    assert (kept["REQUEST_METHOD"], kept["wsgi.url_scheme"]) == ("POST", "https")
    assert (kept["HTTP_HOST"], kept["SERVER_NAME"], kept["SERVER_PORT"]) == (
        "Sms.example.com:8443",
        "sms.example.com",
        "8443",
    )
    assert (kept["PATH_INFO"], kept["QUERY_STRING"], kept["RAW_URI"]) == ("/m/x y", "a=%2c", "/m%2Fx%20y?a=%2c")
    assert (kept["CONTENT_TYPE"], kept["CONTENT_LENGTH"], application.body) == ("a/b", "3", b"a=b")
    assert (kept["HTTP_X_TWILIO_SIGNATURE"], kept["HTTP_COOKIE"]) == ("s=", "c")
    assert "HTTP_CONTENT_TYPE" not in kept


@pytest.mark.parametrize(
    ("url", "port"), [pytest.param("http://h/", "80", id="http"), pytest.param("https://h/", "443", id="https")]
)
def test_default_port_is_that_of_the_scheme(url: str, port: str) -> None:
    """The application builds absolute URLs from it."""
    application = Recorder()
    WsgiTransport(application)(request(url))

    assert application.environ["SERVER_PORT"] == port


@pytest.mark.parametrize(
    ("mount", "prefix", "path", "inside"),
    [
        pytest.param("", "", "/message", "/message", id="neither"),
        pytest.param("/sms", "", "/sms/message", "/message", id="prefix removed by a proxy"),
        pytest.param("/public", "/sms", "/public/message", "/sms/message", id="prefix replaced by a proxy"),
        pytest.param("/sms", "/sms", "/sms/message", "/sms/message", id="prefix of the application"),
    ],
)
def test_path_is_rewritten_as_by_a_proxy(mount: str, prefix: str, path: str, inside: str) -> None:
    """With a public URL the application is tested under the URL that Twilio calls."""
    application = Recorder()
    WsgiTransport(application, mount=mount, prefix=prefix)(request(f"https://h{path}?a=1"))

    assert application.environ["PATH_INFO"] == inside
    assert application.environ["RAW_URI"] == f"{inside}?a=1"


printable = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#?"), max_size=30)


@given(path=printable, query=printable)
def test_target_reaches_the_application_byte_for_byte(path: str, query: str) -> None:
    """The signature was made over exactly these bytes."""
    application = Recorder()
    target = f"/{path}" + (f"?{query}" if query else "")
    WsgiTransport(application)(request(f"https://h{target}"))

    assert application.environ["RAW_URI"] == target
