"""Where the emulator keeps its resources: one SQLite database, in memory or in a file."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from ..errors import ConfigurationError
from .resources import Resource

ResourceT = TypeVar("ResourceT", bound=Resource)

MEMORY = ":memory:"
_VERSION = 1
_SCHEMA = f"""
PRAGMA user_version = {_VERSION};
CREATE TABLE IF NOT EXISTS resources (
    n INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, sid TEXT NOT NULL, account_sid TEXT NOT NULL,
    data TEXT NOT NULL, UNIQUE (kind, sid));
CREATE INDEX IF NOT EXISTS resources_by_account ON resources (kind, account_sid, n);
CREATE TABLE IF NOT EXISTS deleted (kind TEXT NOT NULL, sid TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (kind, sid));
CREATE TABLE IF NOT EXISTS contents (sid TEXT PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value REAL NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Condition:
    """A field compared with a value."""

    field: str
    operator: Literal["=", "<", "<=", ">", ">=", "like"]
    value: object

    def sql(self) -> tuple[str, object]:
        """Return the condition as SQL, and its parameter."""
        return f"json_extract(data, '$.{self.field}') {self.operator} ?", self.value


class Store:
    """Keeps resources of every kind; safe to use from several threads."""

    def __init__(self, path: str | Path = MEMORY) -> None:
        self._lock = threading.RLock()
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
            self._refuse_other_versions(path)
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # one emulator a state
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.executescript(_SCHEMA)
        except sqlite3.Error as error:
            problem = "another emulator has it" if "locked" in str(error) else str(error)
            raise ConfigurationError("state", f"{path} cannot be used: {problem}") from error

    def _refuse_other_versions(self, path: str | Path) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if version != _VERSION and tables:
            self._connection.close()
            raise ConfigurationError("state", f"{path} was not written by this release: name another file")

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()

    def clear(self) -> None:
        """Forget every resource."""
        with self._lock:
            for table in ("resources", "deleted", "contents"):
                self._connection.execute(f"DELETE FROM {table}")

    def save(self, resource: ResourceT) -> ResourceT:
        """Keep a resource, in place of an earlier one with its sid."""
        row = (type(resource).__name__, resource.sid, resource.account_sid, _dump(resource))
        self._execute(
            "INSERT INTO resources (kind, sid, account_sid, data) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (kind, sid) DO UPDATE SET account_sid = excluded.account_sid, data = excluded.data",
            row,
        )
        return resource

    def get(self, kind: type[ResourceT], sid: str) -> ResourceT | None:
        """Return a resource by its sid."""
        rows = self._execute("SELECT data FROM resources WHERE kind = ? AND sid = ?", (kind.__name__, sid))
        return _load(kind, rows[0][0]) if rows else None

    def delete(self, kind: type[ResourceT], sid: str) -> bool:
        """Forget a resource and its bytes; tells whether there was one."""
        key = (kind.__name__, sid)
        with self._lock:
            self._connection.execute("DELETE FROM contents WHERE sid = ?", (sid,))
            # Somebody who deletes page after page goes on from a message that is gone.
            self._connection.execute(
                "INSERT OR REPLACE INTO deleted SELECT kind, sid, n FROM resources WHERE kind = ? AND sid = ?", key
            )
            return self._connection.execute("DELETE FROM resources WHERE kind = ? AND sid = ?", key).rowcount > 0

    def find(
        self,
        kind: type[ResourceT],
        *conditions: Condition,
        account_sid: str = "",
        oldest_first: bool = False,
        beyond: str = "",
        limit: int = -1,
    ) -> list[ResourceT]:
        """Return resources, the newest first unless told otherwise.

        ``beyond`` names the last of the page before: what follows it is returned, even if it is gone by now.
        """
        where, values = _where(kind, account_sid, conditions)
        if beyond:
            where += f" AND n {'>' if oldest_first else '<'} ?"
            values.append(self.place(kind, beyond))
        order = "ASC" if oldest_first else "DESC"
        rows = self._execute(f"SELECT data FROM resources WHERE {where} ORDER BY n {order} LIMIT ?", (*values, limit))
        return [_load(kind, data) for (data,) in rows]

    def keep_newest(self, kind: type[Resource], limit: int) -> None:
        """Forget all of a kind but the newest."""
        self._execute(
            "DELETE FROM resources WHERE kind = ? AND n <="
            " (SELECT n FROM resources WHERE kind = ? ORDER BY n DESC LIMIT 1 OFFSET ?)",
            (kind.__name__, kind.__name__, limit),
        )

    def count(self, kind: type[ResourceT], *conditions: Condition, account_sid: str = "") -> int:
        """Return how many there are."""
        where, values = _where(kind, account_sid, conditions)
        return int(self._execute(f"SELECT count(*) FROM resources WHERE {where}", values)[0][0])

    def place(self, kind: type[ResourceT], sid: str) -> int:
        """Return the place of a resource in the order of their making, deleted or not; -1 if there never was one."""
        both = (
            "SELECT n FROM resources WHERE kind = ? AND sid = ? UNION SELECT n FROM deleted WHERE kind = ? AND sid = ?"
        )
        rows = self._execute(both, (kind.__name__, sid) * 2)
        return int(rows[0][0]) if rows else -1

    def save_bytes(self, sid: str, content: bytes) -> None:
        """Keep the bytes of a media."""
        self._execute("INSERT OR REPLACE INTO contents (sid, bytes) VALUES (?, ?)", (sid, content))

    def read_bytes(self, sid: str) -> bytes | None:
        """Return the bytes of a media."""
        rows = self._execute("SELECT bytes FROM contents WHERE sid = ?", (sid,))
        return rows[0][0] if rows else None

    def write(self, name: str, value: float) -> None:
        """Keep a number under a name."""
        self._execute("INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)", (name, value))

    def read(self, name: str) -> float:
        """Return the number kept under a name, 0 if there is none."""
        rows = self._execute("SELECT value FROM notes WHERE name = ?", (name,))
        return float(rows[0][0]) if rows else 0.0

    def _execute(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()


def _where(kind: type[Resource], account_sid: str, conditions: Sequence[Condition]) -> tuple[str, list[object]]:
    parts, values = ["kind = ?"], [kind.__name__]
    if account_sid:
        parts.append("account_sid = ?")
        values.append(account_sid)
    found: list[object] = list(values)
    for condition in conditions:
        sql, value = condition.sql()
        parts.append(sql)
        found.append(value)
    return " AND ".join(parts), found


def _dump(resource: Resource) -> str:
    return json.dumps({field.name: getattr(resource, field.name) for field in fields(resource)})


def _load(kind: type[ResourceT], data: str) -> ResourceT:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(data).items()
    }
    return kind(**values)
