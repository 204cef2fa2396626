"""The journal in PostgreSQL, shared by the processes of several machines."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import psycopg

from .deadlines import seconds_left
from .indexes import Index
from .migrations import OLDEST_READER, SCHEMA_VERSION, migrate
from .postgres_connection import LimitedConnection, connect
from .stores import Execute, Guards, Row, Trace

_TYPES = {"id": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "blob": "BYTEA", "real": "DOUBLE PRECISION"}
#: The advisory lock under which the tables are created: a number that other applications do not use.
_SCHEMA_LOCK = 0x7457694D
#: The class of the advisory locks of names.
_NAMES_LOCK = 0x7457694E
#: The server ends a statement or an idle transaction after this time, in seconds, as this process may be suspended.
_STATEMENT_TIMEOUT_S = 30
#: How long the index of a large table may take, in seconds.
_INDEX_TIMEOUT_S = 3600


class PostgresStore:
    """A connection to the database, and one that only reads.

    The connection holds an advisory lock that identifies this process; the server releases it when the process dies or
    the connection breaks. Events are claimed by rows.
    """

    errors: tuple[type[Exception], ...] = (psycopg.Error, OSError)
    skip_locked = " FOR UPDATE SKIP LOCKED"
    guards: Guards | None = None
    name = ""

    def __init__(self, url: str, *, durable: bool) -> None:
        self._url = url
        self._durable = durable
        self._connection: LimitedConnection | None = None
        self._reader: LimitedConnection | None = None
        self._reading = threading.Lock()
        self._is_prepared = False
        self.owner = 0
        self.own_owners: frozenset[int] = frozenset()

    def begin(self, *, durable: bool, limit_s: float) -> Execute:
        """Begin a transaction; a connection that the server has closed is replaced.

        Raises: psycopg.Error; JournalTooNew.
        """
        deadline = time.monotonic() + limit_s
        if self._connection is not None and not self._connection.closed:
            self._connection.deadline = deadline
            try:
                return self._begin_on(self._connection, durable)
            except psycopg.OperationalError:
                self.close()
        return self._begin_on(self._open(deadline), durable)

    def _begin_on(self, connection: LimitedConnection, durable: bool) -> Execute:
        execute = _PostgresExecute(connection)
        if not (durable and self._durable):
            execute("SET LOCAL synchronous_commit = off")
        return execute

    def commit(self) -> None:
        """Commit the transaction."""
        if self._connection:
            self._connection.commit()

    def roll_back(self) -> None:
        """Roll the transaction back."""
        if self._connection and not self._connection.closed:
            self._connection.rollback()

    def recover(self) -> None:
        """Roll back; keep the connection while it works, as it marks this process as alive."""
        try:
            self.roll_back()
        except self.errors:
            self.close()

    def close(self) -> None:
        """Close the connections."""
        for connection in (self._connection, self._reader):
            if connection:
                connection.close()
        self._connection = self._reader = None

    def close_inherited(self) -> None:
        """Close the sockets of the parent's connections, so that they end when the parent dies."""
        for connection in (self._connection, self._reader):
            if connection:
                connection.close_inherited()

    @contextmanager
    def read(self, limit_s: float) -> Iterator[Execute]:
        """Read on a second connection, one thread at a time.

        Raises: psycopg.Error; TimeoutError.
        """
        deadline = time.monotonic() + limit_s
        if not self._reading.acquire(timeout=limit_s):
            raise TimeoutError(f"another thread was still reading after {limit_s:.1f} s")
        try:
            yield _PostgresExecute(self._reader_until(deadline))
        finally:
            self._reading.release()

    def is_open(self) -> bool:
        """Return whether the store is ready; nothing has to be open, as events are claimed by rows."""
        return True

    def can_read(self, limit_s: float) -> bool:
        """Return whether the database has the tables of this release."""
        if not self._is_prepared:
            with self.read(limit_s) as execute:
                known = execute("SELECT to_regclass('meta') IS NOT NULL")[0][0]
                versions = execute("SELECT value FROM meta WHERE name = 'schema_version'") if known else []
            self._is_prepared = bool(versions) and int(versions[0][0]) == SCHEMA_VERSION
        return self._is_prepared

    def forget(self, limit_s: float) -> bool:  # noqa: ARG002
        """Do nothing: the server's vacuum removes deleted rows."""
        return True

    def index_names(self, execute: Execute) -> set[str]:
        """Return the names of the indexes that can be used; one whose building was interrupted cannot."""
        valid = (
            "SELECT relname FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid"
            " WHERE indisvalid AND relnamespace = to_regnamespace(current_schema())"
        )
        return {row[0] for row in execute(valid)}

    def build_index(self, index: Index) -> None:
        """Build an index while others write.

        Raises: psycopg.Error.
        """
        connection = connect(self._url, limit_s=5.0)
        try:
            connection.deadline = time.monotonic() + _INDEX_TIMEOUT_S
            connection.autocommit = True
            execute = _PostgresExecute(connection)
            execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}")
            execute(f"CREATE INDEX CONCURRENTLY {index.name} ON {index.on}")
        finally:
            connection.close()

    def is_alive(self, execute: Execute, owner: int) -> bool:
        """Return whether a process holds its lock; a lock taken by this check is released with the transaction."""
        return owner in self.own_owners or not execute("SELECT pg_try_advisory_xact_lock(?)", (owner,))[0][0]

    def try_lock(self, execute: Execute, name: str) -> bool:
        """Take an advisory lock until the transaction ends, and return whether it was free."""
        found = execute("SELECT pg_try_advisory_xact_lock(?, hashtext(?))", (_NAMES_LOCK, name))
        return bool(found[0][0])

    def traces(self) -> list[Trace]:
        """Return nothing: the claims of dead processes are rows."""
        return []

    def count_in_flight(self) -> int:
        """Return 0: every event that is being handled is a row."""
        return 0

    def remove_trace(self, trace: Trace) -> None:
        """Do nothing."""

    def _open(self, deadline: float) -> LimitedConnection:
        connection = connect(self._url, limit_s=seconds_left(deadline))
        connection.deadline = deadline
        try:
            self._prepare(_PostgresExecute(connection))
            connection.commit()
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._is_prepared = True
        return connection

    def _prepare(self, execute: Execute) -> None:
        """Take a new id, as the server may still hold the lock of a broken connection, and create the tables.

        Raises: psycopg.Error; JournalTooNew.
        """
        self.owner = secrets.randbits(62)
        self.own_owners |= {self.owner}
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            execute(f"SET {limit} = '{_STATEMENT_TIMEOUT_S}s'")
        execute("SELECT pg_advisory_lock(?)", (self.owner,))
        execute("SELECT pg_advisory_xact_lock(?)", (_SCHEMA_LOCK,))
        migrate(execute, _TYPES, oldest_reader=OLDEST_READER["postgresql"])

    def _reader_until(self, deadline: float) -> LimitedConnection:
        """Return the connection that reads; each of its statements is a transaction.

        Raises: psycopg.Error.
        """
        if self._reader is None or self._reader.closed:
            self._reader = connect(self._url, limit_s=seconds_left(deadline))
            self._reader.deadline = deadline
            self._reader.autocommit = True
            self._reader.execute("SET default_transaction_read_only = on")
        self._reader.deadline = deadline
        return self._reader


class _PostgresExecute:
    """Runs statements on a connection."""

    def __init__(self, connection: LimitedConnection) -> None:
        self._connection = connection

    def __call__(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run a statement and return its rows."""
        cursor = self._run(statement, parameters)
        return cursor.fetchall() if cursor.description else []

    def count(self, statement: str, parameters: Sequence[object] = ()) -> int:
        """Run a statement that writes and return the number of rows."""
        return self._run(statement, parameters).rowcount

    def _run(self, statement: str, parameters: Sequence[object]) -> psycopg.Cursor[Row]:
        # PostgreSQL's text cannot hold NUL.
        cleaned = [each.replace("\0", "\ufffd") if isinstance(each, str) else each for each in parameters]
        return self._connection.execute(cast(Any, statement.replace("?", "%s")), cleaned)
