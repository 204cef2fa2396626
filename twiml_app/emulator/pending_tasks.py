"""Tasks that are still to be done with a resource, kept in the state so that they are continued after a restart."""

from __future__ import annotations

from .database import Database
from .resources import Resource, ResourceT, dump, load


class PendingTasks:
    """Stores pending tasks; thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, kind: str, resource: Resource) -> int:
        """Save a task with the resource as it is now; return the number of the task."""
        cursor = self._database.execute("INSERT INTO owed (what, data) VALUES (?, ?)", (kind, dump(resource)))
        return int(cursor.lastrowid or 0)

    def remove(self, number: int) -> None:
        """Delete a task that is done."""
        self._database.execute("DELETE FROM owed WHERE n = ?", (number,))

    def all(self, resource_kind: type[ResourceT]) -> list[tuple[int, str, ResourceT]]:
        """Return the tasks, oldest first: number, kind, and the resource as it was then."""
        rows = self._database.query("SELECT n, what, data FROM owed ORDER BY n")
        return [(number, kind, load(resource_kind, data)) for number, kind, data in rows]
