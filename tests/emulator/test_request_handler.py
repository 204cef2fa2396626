"""Connections that stay open for more requests, and those that must not."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

from tests.servers import LIMIT_S
from twiml_app.emulator.server import Server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

GET = b"GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n"


def echo(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with the method, the path and the body of the request, in two parts and without a length."""
    length = environ.get("CONTENT_LENGTH", "")
    body = environ["wsgi.input"].read(int(length)) if length.isdigit() else b""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} ".encode(), body]


def deaf(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer without reading the body."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode()]


def empty(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer without a body."""
    start_response("204 No Content", [])
    return [b""]


def broken(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Raise at one path, and answer at the others."""
    if environ["PATH_INFO"] == "/broken":
        raise LookupError("a mistake")
    return echo(environ, start_response)


@contextmanager
def connected(application: WSGIApplication = echo, *, idle_s: float = LIMIT_S) -> Iterator[HTTPConnection]:
    """Serve an application, and connect to it; a second connection would fail."""
    server = Server("127.0.0.1", 0, None, idle_s=idle_s)
    server.start(application)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=LIMIT_S)
    connection.connect()
    connection.auto_open = 0
    try:
        yield connection
    finally:
        connection.close()
        server.stop()


def ask(connection: HTTPConnection, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Send a request, and return the status and the body of the answer."""
    connection.request(method, path, body)
    answer = connection.getresponse()
    return answer.status, answer.read()


def exchange(application: WSGIApplication, said: bytes) -> bytes:
    """Send bytes and close the sending side; return everything that is answered."""
    with connected(application) as connection:
        connection.sock.sendall(said)
        connection.sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.sock.recv(65536), b""))


def test_requests_share_a_connection() -> None:
    """A new connection and its thread cost more than the answer."""
    with connected() as connection:
        answers = [ask(connection, "POST", f"/{n}", b"x" * n) for n in range(3)]

    assert answers == [(200, b"POST /0 "), (200, b"POST /1 x"), (200, b"POST /2 xx")]


def test_requests_that_arrive_together_are_answered_in_order() -> None:
    """A client may send the next request before it has the answer."""
    post = b"POST /first HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
    first, second = exchange(echo, post + GET).split(b"HTTP/1.1 200 OK\r\n")[1:]

    assert first.endswith(b"\r\n\r\nPOST /first hello")
    assert second.endswith(b"\r\n\r\nGET /next ")


def test_body_that_the_application_does_not_read_is_not_taken_for_a_request() -> None:
    """Whoever chooses the body could otherwise choose the next request too."""
    with connected(deaf) as connection:
        assert ask(connection, "POST", "/first", GET) == (200, b"/first")
        assert ask(connection, "GET", "/second") == (200, b"/second")


def test_answer_to_head_has_no_body() -> None:
    """The client would take it for the next answer."""
    with connected() as connection:
        assert ask(connection, "HEAD", "/") == (200, b"")
        assert ask(connection, "GET", "/") == (200, b"GET / ")


def test_answer_without_content_has_neither_body_nor_length() -> None:
    """A length is forbidden with 204."""
    with connected(empty) as connection:
        connection.request("DELETE", "/")
        answer = connection.getresponse()

        assert (answer.status, answer.read(), answer.headers["Content-Length"]) == (204, b"", None)
        assert ask(connection, "GET", "/") == (204, b"")


def test_exception_is_answered_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The client must not wait for an answer that never comes."""
    with connected(broken) as connection:
        status, _ = ask(connection, "GET", "/broken")
        again = ask(connection, "GET", "/")

    assert (status, again) == (500, (200, b"GET / "))
    assert "the emulator raised an exception at GET /broken" in caplog.text
    assert "LookupError: a mistake" in caplog.text


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", id="HTTP 1.0"),
        pytest.param(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", id="HTTP 1.0 that asks for more"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", id="asked to close"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: TE, Close\r\n\r\n", id="asked to close, in a list"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="chunks"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
            id="chunks and a length",
        ),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc", id="length with a sign"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\nabc", id="length is not a number"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", id="two lengths"
        ),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"a" * 100_000, id="long body"),
    ],
)
def test_connection_is_closed_where_the_next_request_may_not_be_found(said: bytes) -> None:
    """Two readings of one request would let its body pass for another request."""
    answer = exchange(deaf, said + GET)

    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 1
    assert b"\r\nConnection: close\r\n" in answer


def test_body_that_is_cut_off_is_the_end_of_the_connection() -> None:
    """The application sees a body that is shorter than its length."""
    answer = exchange(echo, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")

    assert answer.endswith(b"\r\n\r\nPOST / hello")


def test_stop_closes_a_connection_that_waits_for_a_request() -> None:
    """A client would otherwise send its next request to an emulator that is gone."""
    server = Server("127.0.0.1", 0, None)
    server.start(echo)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=LIMIT_S)
    assert ask(connection, "GET", "/") == (200, b"GET / ")
    server.stop()

    assert connection.sock.recv(1000) == b""
    connection.close()


@pytest.mark.parametrize("sent", [b"", GET[:20], b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"])
def test_connection_of_a_silent_client_is_closed(sent: bytes) -> None:
    """Each open connection has a thread."""
    with connected(idle_s=0.1) as connection:
        connection.sock.sendall(sent)

        assert connection.sock.recv(1) == b""
