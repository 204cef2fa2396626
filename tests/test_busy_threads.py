"""Slow senders under a real gunicorn: they must not hold the threads that answer others."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fuzz.wire import BASIC, SIGNATURE, Server, authorized_message, exchange, served, statuses

pytestmark = pytest.mark.slow

#: gunicorn's threads, and more senders than that.
THREADS, SENDERS = 8, 12
#: Far longer than any limit of the application, and far shorter than a sender may wait.
LIMIT_S = 60.0
FORM = b"MessageSid=SM1&AccountSid=AC1&From=%2B15550001111&To=%2B15550002222&Body=menu"
HELD = b"Host: x\r\nContent-Length: 80\r\n\r\nM"


def begin(server: Server, line: bytes, stack: ExitStack) -> socket.socket:
    """Send the beginning of a request, on a connection that stays open."""
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_S))
    connection.sendall(line + b" HTTP/1.1\r\n" + HELD)
    return connection


def answer_of(connection: socket.socket) -> bytes:
    """Return everything that the server sends until it closes."""
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received


def menu(server: Server) -> bytes:
    """Return the answer to a valid message."""
    return exchange(server.port, authorized_message(b"Content-Length: %d" % len(FORM), FORM))


@pytest.mark.parametrize(
    ("line", "status"),
    [
        pytest.param(b"POST /message", 401, id="no credentials"),
        pytest.param(b"POST /nothing", 404, id="unknown path"),
        pytest.param(b"PUT /message", 405, id="wrong method"),
        pytest.param(b"GET /healthz", 200, id="health check"),
    ],
)
def test_bodies_that_are_not_needed_hold_no_thread(tmp_path: Path, line: bytes, status: int) -> None:
    """One byte of a body cost a thread, and nobody needed a password for it."""
    with served(tmp_path, settings=BASIC) as server, ExitStack() as stack:
        slow = [begin(server, line, stack) for _ in range(SENDERS)]
        message = menu(server)
        answers = [answer_of(each) for each in slow]

    assert statuses(message) == [200]
    assert [statuses(each) for each in answers] == [[status]] * SENDERS
    assert all(b"\r\nConnection: close\r\n" in each for each in answers)


def test_bodies_that_have_to_be_read_have_a_time_limit(tmp_path: Path) -> None:
    """A signature covers the body, so everybody's body is read where only signatures are configured."""
    with served(tmp_path, settings=SIGNATURE) as server, ExitStack() as stack:
        slow = [begin(server, b"POST /message", stack) for _ in range(THREADS)]
        message = menu(server)
        answers = [answer_of(each) for each in slow]

    assert statuses(message) == [200]
    assert [statuses(each) for each in answers] == [[400]] * THREADS


def test_sender_that_is_refused_early_can_read_why(tmp_path: Path) -> None:
    """Closing at once would reset the connection while the rest of the body arrives, and the answer would be lost."""
    with served(tmp_path, settings=BASIC) as server, ExitStack() as stack:
        connection = begin(server, b"POST /message", stack)
        assert connection.recv(12) == b"HTTP/1.1 401"
        connection.sendall(b"x" * 79)

        assert answer_of(connection).endswith(b"send the credentials of the Message URL\n")
