"""Bodies that take too long, on real connections."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers import LIMIT_S
from twiml_app.body_deadlines import BodyDeadlines


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The server's and the sender's end of a connection."""
    server, sender = socket.socketpair()
    with server, sender:
        server.settimeout(LIMIT_S)
        yield server, sender


def environ(connection: socket.socket, protocol: str = "HTTP/1.1") -> dict[str, Any]:
    """Return what gunicorn shows of a connection."""
    return {"gunicorn.socket": connection, "SERVER_PROTOCOL": protocol}


def test_body_that_never_arrives_ends_after_the_limit(ends: tuple[socket.socket, socket.socket]) -> None:
    """The thread that reads it must be free again, whatever the sender does."""
    server, _ = ends
    with BodyDeadlines(0.01).watch(environ(server)):
        assert server.recv(1) == b""


def test_answer_can_still_be_sent_after_the_limit(ends: tuple[socket.socket, socket.socket]) -> None:
    """The sender should learn what was wrong."""
    server, sender = ends
    with BodyDeadlines(0.01).watch(environ(server)):
        server.recv(1)
    server.sendall(b"400")

    assert sender.recv(3) == b"400"


def test_connection_is_left_alone_after_its_body_was_read(ends: tuple[socket.socket, socket.socket]) -> None:
    """The next request on the connection has a time limit of its own."""
    server, sender = ends
    now = [0.0]
    deadlines = BodyDeadlines(LIMIT_S, clock=lambda: now[0])
    with deadlines.watch(environ(server)):
        deadlines.end_overdue()
    now[0] = LIMIT_S
    deadlines.end_overdue()
    sender.sendall(b"next")

    assert server.recv(4) == b"next"


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param({}, id="no connection"),
        pytest.param({"gunicorn.socket": object(), "SERVER_PROTOCOL": "HTTP/1.1"}, id="no socket"),
    ],
)
def test_servers_that_show_no_connection_read_without_a_limit(
    ends: tuple[socket.socket, socket.socket], shown: dict[str, Any]
) -> None:
    """WSGI itself has no time limits."""
    server, sender = ends
    deadlines = BodyDeadlines(0.0)
    with deadlines.watch(shown):
        deadlines.end_overdue()
        sender.sendall(b"late")

        assert server.recv(4) == b"late"


def test_connection_of_several_requests_is_left_alone(ends: tuple[socket.socket, socket.socket]) -> None:
    """With HTTP/2, one slow request must not end the others."""
    server, sender = ends
    deadlines = BodyDeadlines(0.0)
    with deadlines.watch(environ(server, "HTTP/2.0")):
        deadlines.end_overdue()
        sender.sendall(b"next")

        assert server.recv(4) == b"next"


def test_connection_that_is_gone_already_does_not_keep_others_open(ends: tuple[socket.socket, socket.socket]) -> None:
    """The sender may hang up at the same moment."""
    gone, _ = ends
    now = [0.0]
    deadlines = BodyDeadlines(LIMIT_S, clock=lambda: now[0])
    server, sender = socket.socketpair()
    with server, sender, deadlines.watch(environ(gone)), deadlines.watch(environ(server)):
        server.settimeout(LIMIT_S)
        gone.close()
        now[0] = LIMIT_S
        deadlines.end_overdue()

        assert server.recv(1) == b""
