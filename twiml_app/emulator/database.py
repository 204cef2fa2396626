"""The SQLite database of an emulator's state, in memory or in a file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..private_files import create_private, make_private

MEMORY = ":memory:"
_VERSION = 1
#: Distinguishes a state file from the databases of other programs: "twml".
_APPLICATION = 0x74776D6C
_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
CREATE TABLE IF NOT EXISTS resources (
    n INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, sid TEXT NOT NULL, account_sid TEXT NOT NULL,
    data TEXT NOT NULL, UNIQUE (kind, sid));
CREATE INDEX IF NOT EXISTS resources_by_account ON resources (kind, account_sid, n);
CREATE TABLE IF NOT EXISTS deleted (kind TEXT NOT NULL, sid TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (kind, sid));
CREATE TABLE IF NOT EXISTS contents (sid TEXT PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS owed (n INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value REAL NOT NULL);
"""


def _create(path: str | Path) -> None:
    """Create the file if the state is kept in one; SQLite reports a path that cannot be used."""
    if str(path) != MEMORY:
        with suppress(OSError):
            create_private(Path(path))


def _make_private(path: str | Path) -> None:
    """Make the file private, and those of SQLite next to it that a killed emulator left."""
    if str(path) != MEMORY:
        for suffix in ("", "-wal", "-shm", "-journal"):
            make_private(Path(f"{path}{suffix}"))


class Database:
    """One connection that all threads share.

    Raises: ConfigurationError, if the file cannot be used.
    """

    def __init__(self, path: str | Path = MEMORY) -> None:
        self._lock = threading.RLock()
        _create(path)
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
            self._refuse_other_versions(path)
            _make_private(path)
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # one emulator per state file
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.executescript(_SCHEMA)
        except sqlite3.Error as error:
            problem = "another emulator is using it" if "locked" in str(error) else str(error)
            raise ConfigurationError("state", f"{path} cannot be used: {problem}") from error

    def _refuse_other_versions(self, path: str | Path) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and (application, version) != (_APPLICATION, _VERSION):
            self._connection.close()
            raise ConfigurationError("state", f"{path} was not written by this release: use another file")

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Block other threads, and commit all changes together at the end, or none of them."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise

    def query(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        """Execute a statement and return its rows."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Execute a statement and return its cursor, which has the row count and the last row id."""
        with self._lock:
            return self._connection.execute(statement, values)
