"""Indexes of the journal's tables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Index:
    """An index: ``on`` is the table, its columns and perhaps a condition."""

    name: str
    on: str

    def statement(self, how: str = "") -> str:
        """Return the statement that creates the index; ``how`` is a keyword of the database."""
        return f"CREATE INDEX {how} IF NOT EXISTS {self.name} ON {self.on}"
