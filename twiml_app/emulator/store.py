"""Where the emulator keeps its resources: one SQLite database, in memory or in a file."""

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
#: Tells a state from the databases of other programs: "twml".
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
    """A field compared with a value; with ``in``, a list of them."""

    field: str
    operator: Literal["=", "<", "<=", ">", ">=", "like", "in"]
    value: object

    def sql(self) -> tuple[str, object]:
        """Return the condition as SQL, and its parameter."""
        if self.operator == "in":
            return f"{_field(self.field)} IN (SELECT value FROM json_each(?))", json.dumps(self.value)
        return f"{_field(self.field)} {self.operator} ?", self.value


class ResourceStore:
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
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and (application, version) != (_APPLICATION, _VERSION):
            self._connection.close()
            raise ConfigurationError("state", f"{path} was not written by this release: name another file")

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Keep all others waiting, and keep all that is done meanwhile, or nothing of it."""
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
        """Forget every resource, and what is owed."""
        with self.exclusively():
            for table in ("resources", "deleted", "contents", "owed"):
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

    def newest_of_each(
        self, kind: type[Resource], by: Sequence[str], shown: str, *conditions: Condition, most: str = ""
    ) -> list[tuple[Any, ...]]:
        """Return, for each group, what makes it, and a field of its newest resource; or of that with the most."""
        where, values = _where(kind, "", conditions)
        groups = ", ".join(_field(each) for each in by)
        # SQLite takes a bare column from the row that has the maximum.
        found = f"{groups}, {_field(shown)}, max({_field(most) if most else 'n'})"
        rows = self._execute(f"SELECT {found} FROM resources WHERE {where} GROUP BY {groups}", values)
        return [row[:-1] for row in rows]

    def latest(self) -> float:
        """Return when a resource was changed last, 0 if there is none."""
        ((moment,),) = self._execute(f"SELECT max({_field('date_updated')}) FROM resources")
        return float(moment or 0.0)

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

    def owe(self, what: str, resource: Resource) -> int:
        """Keep what is still to be done with a resource as it is now; returns the number under which it is paid."""
        with self._lock:
            cursor = self._connection.execute("INSERT INTO owed (what, data) VALUES (?, ?)", (what, _dump(resource)))
            return int(cursor.lastrowid or 0)

    def pay(self, number: int) -> None:
        """Forget what was owed: it is done."""
        self._execute("DELETE FROM owed WHERE n = ?", (number,))

    def owed(self, kind: type[ResourceT]) -> list[tuple[int, str, ResourceT]]:
        """Return what is owed: number, what it is, and the resource as it was then; the oldest first."""
        rows = self._execute("SELECT n, what, data FROM owed ORDER BY n")
        return [(number, what, _load(kind, data)) for number, what, data in rows]

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
