"""The SQLite database of an emulator's state, in memory or in a file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..private_files import create_private, make_private

MEMORY = ":memory:"
_VERSION = 1
#: Distinguishes a state file from the databases of other programs: "twml".
_APPLICATION = 0x74776D6C
_NUMBERS = f"PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {_VERSION};"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    n INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, sid TEXT NOT NULL, account_sid TEXT NOT NULL,
    data TEXT NOT NULL, UNIQUE (kind, sid));
CREATE INDEX IF NOT EXISTS resources_by_account ON resources (kind, account_sid, n);
CREATE TABLE IF NOT EXISTS deleted (kind TEXT NOT NULL, sid TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (kind, sid));
CREATE TABLE IF NOT EXISTS contents (sid TEXT PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS owed (n INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value REAL NOT NULL);
"""
#: Finds the messages of a conversation. It is not part of the check, because states of earlier releases have none.
_INDEX = """
CREATE INDEX IF NOT EXISTS messages_by_address ON resources (
    json_extract(data, '$.from_'), json_extract(data, '$.to'), json_extract(data, '$.direction') = 'inbound')
WHERE kind = 'MessageRecord';
"""
#: What SQLite raises for a file; an error with a damaged name in its text cannot even be decoded.
UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
#: What to do about an error of SQLite; any other one means that the content is damaged.
_REMEDIES = {
    "file is not a database": "use another file",
    "unable to open database file": "it must be a file in an existing folder, and you must be allowed to write to both",
    "attempt to write a readonly database": "you must be allowed to write to it and to its folder",
    "disk is full": "free some space",
    "disk I/O error": "check the disk",
}
_COLUMNS = """
SELECT t.name, c.name, c.pk, 0 FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.name NOT LIKE 'sqlite_%'
UNION ALL
SELECT t.name, i.name, i."unique", 1 FROM sqlite_master t, pragma_index_list(t.name) i
WHERE i.name <> 'messages_by_address' ORDER BY 4, 1, 2
"""


def _refuse_special_file(path: str | Path) -> None:
    """Refuse a device or a pipe: its mode must not change, as every program of the machine may use it.

    Raises: ConfigurationError.
    """
    if str(path) != MEMORY and Path(path).exists() and not (Path(path).is_file() or Path(path).is_dir()):
        raise ConfigurationError("state", f"{path} cannot be used: it is not a regular file: use another path")


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


def damaged_state(path: str | Path) -> ConfigurationError:
    """Return the error for a state whose content is damaged."""
    return ConfigurationError(
        "state", f"{path} is damaged: use a copy of it, or delete it to start with an empty state"
    )


def state_error(path: str | Path, error: Exception) -> ConfigurationError:
    """Return the error for a state that SQLite cannot use; its text says what to do."""
    text = str(error)
    if "locked" in text:
        return ConfigurationError("state", f"{path} cannot be used: another emulator is using it")
    for found, remedy in _REMEDIES.items():
        if found in text:
            return ConfigurationError("state", f"{path} cannot be used: {found}: {remedy}")
    return damaged_state(path)


class Database:
    """One connection that all threads share.

    Raises: ConfigurationError, if the file cannot be used.
    """

    def __init__(self, path: str | Path = MEMORY) -> None:
        self._lock = threading.RLock()
        _refuse_special_file(path)
        _create(path)
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
        except sqlite3.Error as error:
            raise state_error(path, error) from error
        try:
            self._open(path)
        except UNREADABLE as error:
            self._connection.close()
            raise state_error(path, error) from error
        except ConfigurationError:
            self._connection.close()
            raise

    def _open(self, path: str | Path) -> None:
        """Check the file, and prepare it for this emulator.

        Raises: ConfigurationError; sqlite3.Error.
        """
        self._refuse_other_versions(path)
        _make_private(path)
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # one emulator per state file
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.executescript(_NUMBERS + _SCHEMA + _INDEX)

    def _refuse_other_versions(self, path: str | Path) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and (application, version) != (_APPLICATION, _VERSION):
            raise ConfigurationError("state", f"{path} was not written by this release: use another file")
        if tables and not self._is_whole():
            raise damaged_state(path)

    def _is_whole(self) -> bool:
        """Return whether SQLite finds no damage, and the tables are those of this release."""
        with closing(sqlite3.connect(MEMORY)) as empty:
            empty.executescript(_SCHEMA)
            columns = empty.execute(_COLUMNS).fetchall()
        is_sound = self._connection.execute("PRAGMA integrity_check(1)").fetchall() == [("ok",)]
        return is_sound and self._connection.execute(_COLUMNS).fetchall() == columns

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

    def query(self, statement: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[Any]:
        """Execute a statement and return its rows."""
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Execute a statement and return its cursor, which has the row count and the last row id."""
        with self._lock:
            return self._connection.execute(statement, values)
