"""The store of the emulator's resources: an SQLite database, in memory or in a file."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from ..errors import ConfigurationError
from .resources import Resource

ResourceT = TypeVar("ResourceT", bound=Resource)

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


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of a field with a value; for ``in``, with a list of values."""

    field: str
    operator: Literal["=", "<", "<=", ">", ">=", "like", "in"]
    value: object

    def sql(self) -> tuple[str, object]:
        """Return the condition as an SQL expression, and its parameter."""
        if self.operator == "in":
            return f"{_field(self.field)} IN (SELECT value FROM json_each(?))", json.dumps(self.value)
        return f"{_field(self.field)} {self.operator} ?", self.value


class ResourceStore:
    """Stores resources of every kind; thread-safe."""

    def __init__(self, path: str | Path = MEMORY) -> None:
        self._lock = threading.RLock()
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
            self._refuse_other_versions(path)
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
        """Close the database."""
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

    def clear(self) -> None:
        """Delete every resource and every open task."""
        with self.exclusively():
            for table in ("resources", "deleted", "contents", "owed"):
                self._connection.execute(f"DELETE FROM {table}")

    def save(self, resource: ResourceT) -> ResourceT:
        """Save a resource; one of the same kind and sid is replaced."""
        row = (type(resource).__name__, resource.sid, resource.account_sid, _dump(resource))
        self._execute(
            "INSERT INTO resources (kind, sid, account_sid, data) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (kind, sid) DO UPDATE SET account_sid = excluded.account_sid, data = excluded.data",
            row,
        )
        return resource

    def get(self, kind: type[ResourceT], sid: str) -> ResourceT | None:
        """Return the resource with this sid, if any."""
        rows = self._execute("SELECT data FROM resources WHERE kind = ? AND sid = ?", (kind.__name__, sid))
        return _load(kind, rows[0][0]) if rows else None

    def delete(self, kind: type[ResourceT], sid: str) -> bool:
        """Delete a resource and its bytes; returns whether it existed."""
        key = (kind.__name__, sid)
        with self._lock:
            self._connection.execute("DELETE FROM contents WHERE sid = ?", (sid,))
            # A client that deletes each page asks for the page after a message that is gone.
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
        """Return the resources that meet all conditions, newest first by default.

        ``beyond`` is the sid of the last resource on the previous page, which may have been deleted since.
        """
        where, values = _where(kind, account_sid, conditions)
        if beyond:
            where += f" AND n {'>' if oldest_first else '<'} ?"
            values.append(self.place(kind, beyond))
        order = "ASC" if oldest_first else "DESC"
        rows = self._execute(f"SELECT data FROM resources WHERE {where} ORDER BY n {order} LIMIT ?", (*values, limit))
        return [_load(kind, data) for (data,) in rows]

    def keep_newest(self, kind: type[Resource], limit: int) -> None:
        """Delete all resources of a kind except the newest ones."""
        self._execute(
            "DELETE FROM resources WHERE kind = ? AND n <="
            " (SELECT n FROM resources WHERE kind = ? ORDER BY n DESC LIMIT 1 OFFSET ?)",
            (kind.__name__, kind.__name__, limit),
        )

    def count(self, kind: type[ResourceT], *conditions: Condition, account_sid: str = "") -> int:
        """Return how many resources meet all conditions."""
        where, values = _where(kind, account_sid, conditions)
        return int(self._execute(f"SELECT count(*) FROM resources WHERE {where}", values)[0][0])

    def newest_of_each(
        self, kind: type[Resource], by: Sequence[str], shown: str, *conditions: Condition, most: str = ""
    ) -> list[tuple[Any, ...]]:
        """Return, for each group, the grouping values and one field of its newest resource.

        With ``most``, the field is that of the resource with the highest value of ``most`` instead.
        """
        where, values = _where(kind, "", conditions)
        groups = ", ".join(_field(each) for each in by)
        # SQLite takes the value of a bare column from the row with the maximum.
        found = f"{groups}, {_field(shown)}, max({_field(most) if most else 'n'})"
        rows = self._execute(f"SELECT {found} FROM resources WHERE {where} GROUP BY {groups}", values)
        return [row[:-1] for row in rows]

    def latest(self) -> float:
        """Return when a resource was last changed; 0 if there is none."""
        ((moment,),) = self._execute(f"SELECT max({_field('date_updated')}) FROM resources")
        return float(moment or 0.0)

    def place(self, kind: type[ResourceT], sid: str) -> int:
        """Return the position of a resource in the order of creation, even if deleted; -1 if it never existed."""
        both = (
            "SELECT n FROM resources WHERE kind = ? AND sid = ? UNION SELECT n FROM deleted WHERE kind = ? AND sid = ?"
        )
        rows = self._execute(both, (kind.__name__, sid) * 2)
        return int(rows[0][0]) if rows else -1

    def save_bytes(self, sid: str, content: bytes) -> None:
        """Save the bytes of a media file."""
        self._execute("INSERT OR REPLACE INTO contents (sid, bytes) VALUES (?, ?)", (sid, content))

    def read_bytes(self, sid: str) -> bytes | None:
        """Return the bytes of a media file."""
        rows = self._execute("SELECT bytes FROM contents WHERE sid = ?", (sid,))
        return rows[0][0] if rows else None

    def owe(self, what: str, resource: Resource) -> int:
        """Save a task that is still to be done with a resource as it is now; returns the number of the task."""
        with self._lock:
            cursor = self._connection.execute("INSERT INTO owed (what, data) VALUES (?, ?)", (what, _dump(resource)))
            return int(cursor.lastrowid or 0)

    def pay(self, number: int) -> None:
        """Delete a task that is done."""
        self._execute("DELETE FROM owed WHERE n = ?", (number,))

    def owed(self, kind: type[ResourceT]) -> list[tuple[int, str, ResourceT]]:
        """Return the open tasks, oldest first: number, kind of task, and the resource as it was then."""
        rows = self._execute("SELECT n, what, data FROM owed ORDER BY n")
        return [(number, what, _load(kind, data)) for number, what, data in rows]

    def write(self, name: str, value: float) -> None:
        """Save a number under a name."""
        self._execute("INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)", (name, value))

    def read(self, name: str) -> float:
        """Return the number saved under a name; 0 if there is none."""
        rows = self._execute("SELECT value FROM notes WHERE name = ?", (name,))
        return float(rows[0][0]) if rows else 0.0

    def _execute(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()


def _field(name: str) -> str:
    return f"json_extract(data, '$.{name}')"


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
