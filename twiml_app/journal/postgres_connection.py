"""Connections to PostgreSQL that never wait for the server beyond a deadline."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import wait as wait_for
from contextlib import suppress
from time import monotonic
from typing import Any

import psycopg
from psycopg import waiting
from psycopg.abc import RV, PQGen

from .stores import Row

#: How often a wait looks at the deadline, so a wait may end this much later.
_INTERVAL_S = 0.1
#: How long sent data may stay unacknowledged: the system then breaks the connection, also while nobody waits.
_TCP_USER_TIMEOUT_S = 8
#: libpq and psycopg take whole seconds, at least this many.
_SHORTEST_CONNECT_TIMEOUT_S = 2


class LimitedConnection(psycopg.Connection[Row]):
    """A connection that closes when its deadline passes before the server has answered.

    The server may be suspended, so its own timeouts and requests to cancel a statement do not help: the connection is
    closed without them.
    """

    _deadline = math.inf
    _limit_s = math.inf

    @property
    def deadline(self) -> float:
        """When statements, commits and rollbacks must have ended, in seconds of ``time.monotonic``."""
        return self._deadline

    @deadline.setter
    def deadline(self, value: float) -> None:
        self._deadline = value
        self._limit_s = max(value - monotonic(), 0)

    def wait(self, gen: PQGen[RV], interval: float = _INTERVAL_S, *others: Any, **options: Any) -> RV:
        """Wait for the server until the deadline.

        An interrupted wait closes the connection: psycopg would cancel the statement, and wait for the server to do so.

        Raises: psycopg.OperationalError, and whatever the statement raises.
        """
        limited = self._until_deadline(gen)
        try:
            return waiting.wait(limited, self.pgconn.socket, interval, *others, **options)
        except Exception:
            raise
        except BaseException:
            self.pgconn.finish()
            raise

    def close_inherited(self) -> None:
        """Close the socket in a forked child without a word to the server, which serves the parent on it.

        Otherwise the server would take the parent for alive for as long as the child lives.
        """
        if not self.closed:
            os.close(self.pgconn.socket)

    def _until_deadline(self, gen: PQGen[RV]) -> PQGen[RV]:
        """Check the deadline before the statement is sent, and before each wait for the server.

        An answer that has arrived is taken, even if it came late.
        """
        self._check_deadline()
        try:
            awaited = next(gen)
            while True:
                self._check_deadline()
                awaited = gen.send((yield awaited))
        except StopIteration as end:
            value: RV = end.value
            return value

    def _check_deadline(self) -> None:
        if monotonic() >= self._deadline:
            self.pgconn.finish()
            raise _no_answer(self._limit_s)


Opener = Callable[[str, float], LimitedConnection]


def open_connection(url: str, limit_s: float) -> LimitedConnection:
    """Connect; name resolution, several addresses and rounded limits may make it take longer than the limit.

    Raises: psycopg.Error.
    """
    try:
        return LimitedConnection.connect(
            url,
            connect_timeout=max(math.ceil(limit_s), _SHORTEST_CONNECT_TIMEOUT_S),
            tcp_user_timeout=_TCP_USER_TIMEOUT_S * 1000,
            application_name="twiml_app",
        )
    except UnicodeError as error:  # from the name resolution; psycopg lets it pass
        raise psycopg.OperationalError(f"the host name is malformed: {error}") from error


def connect(url: str, limit_s: float, *, opener: Opener = open_connection) -> LimitedConnection:
    """Connect within a number of seconds, name resolution included.

    Raises: psycopg.OperationalError, if the server cannot be reached; psycopg.ProgrammingError, for a malformed URL.
    """
    attempt: Future[LimitedConnection] = Future()
    # A daemon, as nothing can end a name resolution that hangs.
    threading.Thread(target=_run, args=(attempt, opener, url, limit_s), daemon=True).start()
    try:
        wait_for([attempt], limit_s)
    finally:
        abandoned = attempt.cancel()
    if abandoned:
        raise _no_answer(limit_s)
    return attempt.result()


def _run(attempt: Future[LimitedConnection], opener: Opener, url: str, limit_s: float) -> None:
    """Connect, and close the connection if the attempt was abandoned meanwhile."""
    try:
        connection = opener(url, limit_s)
    except Exception as error:
        with suppress(InvalidStateError):
            attempt.set_exception(error)
        return
    try:
        attempt.set_result(connection)
    except InvalidStateError:
        connection.close()


def _no_answer(limit_s: float) -> psycopg.OperationalError:
    return psycopg.OperationalError(f"the server did not answer within {round(limit_s, 1):g} s")
