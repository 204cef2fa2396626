"""How a release with schema 1 claims and answers a message in PostgreSQL, where the tables exist: a frozen copy."""

from __future__ import annotations

import secrets
from typing import Any, cast

import psycopg

from tests.journal.older_schema import FINISH, INSERT, claimed_row, finished_row


class OlderPostgresRelease:
    """A connection that holds the lock of its process, as long as it is open."""

    def __init__(self, url: str) -> None:
        self.owner = secrets.randbits(62)
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("SELECT pg_advisory_lock(%s)", (self.owner,))

    def claim(self, key: str) -> bool:
        """Claim a new event; return whether this process has it."""
        return self._writes(INSERT, claimed_row(key, self.owner))

    def finish(self, key: str, answer: str) -> bool:
        """Store the answer of a claimed event; return whether the claim was still held."""
        return self._writes(FINISH, finished_row(key, self.owner, answer))

    def close(self) -> None:
        """Close the connection, which releases the lock."""
        self._connection.close()

    def _writes(self, statement: str, parameters: tuple[object, ...]) -> bool:
        return bool(self._connection.execute(cast(Any, statement.replace("?", "%s")), parameters).fetchall())
