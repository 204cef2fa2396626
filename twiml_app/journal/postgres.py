"""The journal in PostgreSQL, shared by the processes of several machines."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, cast

import psycopg

from .engine import Execute, Row
from .schema import create

_TYPES = {"id": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "blob": "BYTEA", "real": "DOUBLE PRECISION"}
#: The advisory lock under which the tables are created: a number that other applications do not use.
_SCHEMA_LOCK = 0x7457694D
_CONNECT_TIMEOUT_S = 5
#: Twilio waits 15 seconds, so a server that takes longer than this counts as down.
_STATEMENT_TIMEOUT_S = 8


class PostgresStore:
    """A connection to the database.

    The connection holds an advisory lock that identifies this process; the server releases it when the process dies or
    the connection breaks.
    """

    errors: tuple[type[Exception], ...] = (psycopg.Error, OSError)

    def __init__(self, url: str, *, durable: bool) -> None:
        self._url = url
        self._durable = durable
        self._connection: psycopg.Connection[Row] | None = None
        self.owner = 0
        self.own_owners: frozenset[int] = frozenset()

    def begin(self, *, durable: bool) -> Execute:
        """Begin a transaction; a connection that the server has closed is replaced.

        Raises: psycopg.Error.
        """
        if self._connection is not None and not self._connection.closed:
            try:
                return self._begin_on(self._connection, durable)
            except psycopg.OperationalError:
                self.close()
        return self._begin_on(self._open(), durable)

    def _begin_on(self, connection: psycopg.Connection[Row], durable: bool) -> Execute:
        execute = _postgres_executor(connection)
        if not (durable and self._durable):
            execute("SET LOCAL synchronous_commit = off")
        return execute

    def commit(self) -> None:
        """Commit the transaction."""
        if self._connection:
            self._connection.commit()

    def roll_back(self) -> None:
        """Roll the transaction back."""
        if self._connection:
            self._connection.rollback()

    def recover(self) -> None:
        """Roll back; keep the connection while it works, as it marks this process as alive."""
        try:
            self.roll_back()
        except self.errors:
            self.close()

    def forget(self) -> None:
        """Do nothing: the server's vacuum removes deleted rows."""

    def close(self) -> None:
        """Close the connection."""
        if self._connection:
            self._connection.close()
        self._connection = None

    def is_alive(self, owner: int) -> bool:
        """Return whether a process holds its lock; a lock taken by this check is released with the transaction."""
        if self._connection is None:
            return True
        return not _postgres_executor(self._connection)("SELECT pg_try_advisory_xact_lock(?)", (owner,))[0][0]

    def _open(self) -> psycopg.Connection[Row]:
        connection = psycopg.connect(
            self._url,
            connect_timeout=_CONNECT_TIMEOUT_S,
            tcp_user_timeout=_STATEMENT_TIMEOUT_S * 1000,
            application_name="twiml_app",
        )
        try:
            self._prepare(_postgres_executor(connection))
            connection.commit()
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _prepare(self, execute: Execute) -> None:
        """Take a new id, as the server may still hold the lock of a broken connection, and create the tables."""
        self.owner = secrets.randbits(62)
        self.own_owners |= {self.owner}
        execute(f"SET statement_timeout = '{_STATEMENT_TIMEOUT_S}s'")
        execute("SELECT pg_advisory_lock(?)", (self.owner,))
        execute("SELECT pg_advisory_xact_lock(?)", (_SCHEMA_LOCK,))
        create(execute, _TYPES)


def _postgres_executor(connection: psycopg.Connection[Row]) -> Execute:
    def execute(statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        # PostgreSQL's text cannot hold NUL.
        cleaned = [each.replace("\0", "\ufffd") if isinstance(each, str) else each for each in parameters]
        cursor = connection.execute(cast(Any, statement.replace("?", "%s")), cleaned)
        return cursor.fetchall() if cursor.description else []

    return execute
