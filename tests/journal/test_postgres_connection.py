"""Connections to PostgreSQL that never wait for the server beyond a deadline."""

from __future__ import annotations

import math
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from time import monotonic

import psycopg
import pytest
from psycopg.abc import PQGen
from psycopg.waiting import Wait

from tests.postgres_server import new_schema
from tests.servers import refusing_port
from twiml_app.journal.postgres_connection import LimitedConnection, connect, open_connection

#: A wait that ignores its deadline fails the test after this many seconds.
LIMIT_S = 60
#: A deadline that is sure to pass.
SHORT_S = 0.3
#: More than the buffers of a socket hold.
LARGE = "x" * 20_000_000

Action = Callable[[LimitedConnection], object]


@pytest.fixture
def connection(postgres_url: str) -> Iterator[LimitedConnection]:
    """A connection that the test may leave in any state."""
    connection = connect(postgres_url, LIMIT_S)
    yield connection
    connection.close()


@pytest.fixture
def refusing_url() -> Iterator[str]:
    """A server that is down."""
    with refusing_port() as port:
        yield f"postgresql://127.0.0.1:{port}/journal"


@pytest.mark.parametrize(
    "action",
    [
        pytest.param(lambda connection: connection.execute("SELECT 1"), id="SELECT"),
        pytest.param(lambda connection: connection.execute("SELECT %s", (LARGE,)), id="sending"),
        pytest.param(lambda connection: connection.commit(), id="COMMIT"),
        pytest.param(lambda connection: connection.rollback(), id="ROLLBACK"),
        pytest.param(lambda connection: connection.__exit__(None, None, None), id="with"),
    ],
)
def test_suspended_server_is_given_up_at_the_deadline(
    postgres_url: str, connection: LimitedConnection, action: Action
) -> None:
    """The server's own timeouts do not work while its process is suspended, and Twilio waits 15 seconds."""
    connection.execute("SELECT 1")

    with suspended(connection):
        connection.deadline = monotonic() + SHORT_S
        with pytest.raises(psycopg.OperationalError, match=r"did not answer within 0\.3 s"):
            in_time(lambda: action(connection))

    assert connection.closed
    with connect(postgres_url, LIMIT_S) as another:
        assert answers(another)


def test_begin_is_given_up_at_the_deadline(connection: LimitedConnection) -> None:
    """The first statement of a transaction waits twice, first for BEGIN."""
    with suspended(connection):
        connection.deadline = monotonic() + SHORT_S
        with pytest.raises(psycopg.OperationalError, match="did not answer"):
            in_time(lambda: connection.execute("SELECT 1"))


@pytest.mark.parametrize(
    "action",
    [
        pytest.param(lambda connection: connection.close(), id="close"),
        pytest.param(lambda connection: connection.pgconn.finish(), id="finish"),
    ],
)
def test_closing_does_not_wait_for_a_suspended_server(connection: LimitedConnection, action: Action) -> None:
    """A deadline that has not come does not matter: nothing of value would be waited for."""
    connection.execute("SELECT 1")

    with suspended(connection):
        in_time(lambda: action(connection))

    assert connection.closed


def test_failed_block_keeps_its_error_at_a_suspended_server(connection: LimitedConnection) -> None:
    """The error that ended the block says more than the rollback that could not be sent."""

    def fail() -> None:
        with connection:
            raise ValueError("from the block")

    connection.execute("SELECT 1")
    with suspended(connection):
        connection.deadline = monotonic() + SHORT_S
        with pytest.raises(ValueError, match="from the block"):
            in_time(fail)

    assert connection.closed


def test_deadline_can_be_moved(connection: LimitedConnection) -> None:
    """One connection serves many transactions, each with its own deadline."""
    assert (connection.deadline, answers(connection)) == (math.inf, True)
    for _ in range(3):
        connection.deadline = monotonic() + LIMIT_S
        assert answers(connection)
        connection.commit()


def test_nothing_is_sent_after_the_deadline(postgres_url: str, connection: LimitedConnection) -> None:
    """A transaction that is reported as failed must not be committed after all."""
    url = new_schema(postgres_url)
    with connect(url, LIMIT_S) as late:
        late.execute("CREATE TABLE written (value INTEGER)")
        late.deadline = monotonic()
        with pytest.raises(psycopg.OperationalError, match="did not answer within 0 s"):
            late.commit()

    with connect(url, LIMIT_S) as reader:
        assert reader.execute("SELECT to_regclass('written')").fetchall() == [(None,)]


def test_error_of_a_statement_keeps_the_connection(connection: LimitedConnection) -> None:
    """The connection marks this process as alive, so only one that is unusable is closed."""
    with pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT 1 FROM no_such_table")
    connection.rollback()

    assert answers(connection)


def test_interrupted_wait_closes_the_connection(connection: LimitedConnection) -> None:
    """The statement still runs, and a process that has to stop must not wait for it."""

    def interrupted() -> PQGen[None]:
        yield Wait.W
        raise SystemExit(1)

    with pytest.raises(SystemExit):
        connection.wait(interrupted())

    assert connection.closed


def test_connection_has_the_options_of_the_url_and_the_name_of_the_application(postgres_url: str) -> None:
    """The options choose the schema, and the name shows the operator whose connection it is."""
    url = new_schema(postgres_url)
    with connect(url, LIMIT_S) as connection:
        path = connection.execute("SHOW search_path").fetchall()
        name = connection.execute("SHOW application_name").fetchall()

    assert path[0][0] in url
    assert name == [("twiml_app",)]
    assert not connection.autocommit


@pytest.mark.parametrize("limit_s", [0, SHORT_S], ids=["none", "short"])
def test_connecting_to_a_silent_server_is_given_up(limit_s: float) -> None:
    """A suspended server still accepts connections, and psycopg's own limit is at least two seconds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"postgresql://127.0.0.1:{listener.getsockname()[1]}/journal"
        with pytest.raises(psycopg.OperationalError, match=f"did not answer within {limit_s} s"):
            in_time(lambda: connect(url, limit_s))


def test_connection_that_arrives_too_late_is_closed(postgres_url: str) -> None:
    """A name resolution that hangs cannot be stopped, and its connection would otherwise stay open."""
    resolver = HangingResolver()
    with pytest.raises(psycopg.OperationalError, match="did not answer"):
        in_time(lambda: connect(postgres_url, SHORT_S, opener=resolver.open))

    resolver.release()

    assert [connection.closed for connection in resolver.opened] == [True]


def test_error_that_arrives_too_late_is_dropped(refusing_url: str) -> None:
    """Nobody waits for it any more, and an error in a thread would be printed."""
    resolver = HangingResolver()
    with pytest.raises(psycopg.OperationalError, match="did not answer"):
        in_time(lambda: connect(refusing_url, SHORT_S, opener=resolver.open))

    resolver.release()

    assert resolver.opened == []


def test_refused_connection_is_reported_with_its_cause(refusing_url: str) -> None:
    """The operator must see why, rather than that a limit passed."""
    with pytest.raises(psycopg.OperationalError, match="refused"):
        in_time(lambda: connect(refusing_url, LIMIT_S))


def test_malformed_host_name_is_an_error_of_the_database() -> None:
    """The journal knows only these errors as its own; any other one would end the request with a traceback."""
    with pytest.raises(psycopg.OperationalError, match="the host name is malformed"):
        in_time(lambda: connect("postgresql://two..dots/journal", LIMIT_S))


class HangingResolver:
    """Opens connections, but only once it is released."""

    def __init__(self) -> None:
        self.opened: list[LimitedConnection] = []
        self._released = threading.Event()
        self._threads: list[threading.Thread] = []

    def open(self, url: str, limit_s: float) -> LimitedConnection:
        """Wait for the release, and connect."""
        self._threads.append(threading.current_thread())
        self._released.wait(LIMIT_S)
        self.opened.append(open_connection(url, limit_s))
        return self.opened[-1]

    def release(self) -> None:
        """Let the attempts go on to their end."""
        self._released.set()
        assert self._threads
        for thread in self._threads:
            thread.join(LIMIT_S)


@contextmanager
def suspended(connection: LimitedConnection) -> Iterator[None]:
    """Suspend the server's process of a connection, which must run on this machine."""
    if os.environ.get("TWIML_TEST_PG_URL"):
        pytest.skip("the processes of the server at TWIML_TEST_PG_URL are not ours to suspend")
    backend = connection.info.backend_pid
    os.kill(backend, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(backend, signal.SIGCONT)


def in_time(action: Callable[[], object]) -> None:
    """Run an action in a thread, which may hang without the test."""
    ended: Future[object] = Future()

    def run() -> None:
        try:
            ended.set_result(action())
        except BaseException as error:
            ended.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    ended.result(LIMIT_S)


def answers(connection: LimitedConnection) -> bool:
    """Return whether a statement works."""
    return connection.execute("SELECT 1").fetchall() == [(1,)]
