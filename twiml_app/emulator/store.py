"""The store of the emulator's resources."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .database import MEMORY, Database
from .resources import Resource, ResourceT, dump, load


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
        #: The database, which also keeps the pending tasks.
        self.database = Database(path)
        #: Called with the kind and the sid of every resource that was saved or deleted; it must be quick.
        self.on_change: Callable[[type[Resource], str], None] | None = None

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def exclusively(self) -> AbstractContextManager[None]:
        """Block other threads, and commit all changes together at the end, or none of them."""
        return self.database.exclusively()

    def clear(self) -> None:
        """Delete every resource and every pending task."""
        with self.exclusively():
            for table in ("resources", "deleted", "contents", "owed"):
                self.database.execute(f"DELETE FROM {table}")

    def save(self, resource: ResourceT) -> ResourceT:
        """Save a resource; one of the same kind and sid is replaced."""
        row = (type(resource).__name__, resource.sid, resource.account_sid, dump(resource))
        self.database.execute(
            "INSERT INTO resources (kind, sid, account_sid, data) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (kind, sid) DO UPDATE SET account_sid = excluded.account_sid, data = excluded.data",
            row,
        )
        self._note(type(resource), resource.sid)
        return resource

    def get(self, kind: type[ResourceT], sid: str) -> ResourceT | None:
        """Return the resource with this sid, if any."""
        rows = self.database.query("SELECT data FROM resources WHERE kind = ? AND sid = ?", (kind.__name__, sid))
        return load(kind, rows[0][0]) if rows else None

    def delete(self, kind: type[ResourceT], sid: str) -> bool:
        """Delete a resource and its bytes; returns whether it existed."""
        key = (kind.__name__, sid)
        with self.exclusively():
            self.database.execute("DELETE FROM contents WHERE sid = ?", (sid,))
            # A client that deletes each page asks for the page after a message that is gone.
            self.database.execute(
                "INSERT OR REPLACE INTO deleted SELECT kind, sid, n FROM resources WHERE kind = ? AND sid = ?", key
            )
            is_deleted = self.database.execute("DELETE FROM resources WHERE kind = ? AND sid = ?", key).rowcount > 0
        self._note(kind, sid)
        return is_deleted

    def _note(self, kind: type[Resource], sid: str) -> None:
        if self.on_change:
            self.on_change(kind, sid)

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
        rows = self.database.query(
            f"SELECT data FROM resources WHERE {where} ORDER BY n {order} LIMIT ?", (*values, limit)
        )
        return [load(kind, data) for (data,) in rows]

    def keep_newest(self, kind: type[Resource], limit: int) -> None:
        """Delete all resources of a kind except the newest ones."""
        self.database.execute(
            "DELETE FROM resources WHERE kind = ? AND n <="
            " (SELECT n FROM resources WHERE kind = ? ORDER BY n DESC LIMIT 1 OFFSET ?)",
            (kind.__name__, kind.__name__, limit),
        )

    def count(self, kind: type[ResourceT], *conditions: Condition, account_sid: str = "") -> int:
        """Return how many resources meet all conditions."""
        where, values = _where(kind, account_sid, conditions)
        return int(self.database.query(f"SELECT count(*) FROM resources WHERE {where}", values)[0][0])

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
        rows = self.database.query(f"SELECT {found} FROM resources WHERE {where} GROUP BY {groups}", values)
        return [row[:-1] for row in rows]

    def latest(self) -> float:
        """Return when a resource was last changed; 0 if there is none."""
        ((moment,),) = self.database.query(f"SELECT max({_field('date_updated')}) FROM resources")
        return float(moment or 0.0)

    def place(self, kind: type[ResourceT], sid: str) -> int:
        """Return the position of a resource in the order of creation, even if deleted; -1 if it never existed."""
        both = (
            "SELECT n FROM resources WHERE kind = ? AND sid = ? UNION SELECT n FROM deleted WHERE kind = ? AND sid = ?"
        )
        rows = self.database.query(both, (kind.__name__, sid) * 2)
        return int(rows[0][0]) if rows else -1

    def save_bytes(self, sid: str, content: bytes) -> None:
        """Save the bytes of a media file."""
        self.database.execute("INSERT OR REPLACE INTO contents (sid, bytes) VALUES (?, ?)", (sid, content))

    def read_bytes(self, sid: str) -> bytes | None:
        """Return the bytes of a media file."""
        rows = self.database.query("SELECT bytes FROM contents WHERE sid = ?", (sid,))
        return rows[0][0] if rows else None

    def write(self, name: str, value: float) -> None:
        """Save a number under a name."""
        self.database.execute("INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)", (name, value))

    def read(self, name: str) -> float:
        """Return the number saved under a name; 0 if there is none."""
        rows = self.database.query("SELECT value FROM notes WHERE name = ?", (name,))
        return float(rows[0][0]) if rows else 0.0


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
