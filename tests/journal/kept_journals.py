"""Journals as earlier releases wrote them, loaded from the dumps in the folder ``schemas``."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg

from tests.journal.program import ROWS

FOLDER = Path(__file__).parent / "schemas"
#: The schema versions of which there are dumps.
SCHEMAS = (1,)


def load_kept_journal(database_url: str, schema: int) -> None:
    """Fill an empty database with the journal of a release that had this schema version."""
    path = database_url.removeprefix(ROWS).removeprefix("sqlite:///")
    if path != database_url:
        _load_sqlite(Path(path), _dump(schema, "sqlite"))
    else:
        _load_postgres(database_url, _dump(schema, "postgres"))


def _dump(schema: int, store: str) -> str:
    return (FOLDER / f"{schema}.{store}.sql").read_text(encoding="utf-8")


def _load_sqlite(path: Path, dump: str) -> None:
    """Load a dump into a file as a release leaves it, which a dump does not tell: in WAL mode, and private."""
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(dump)


def _load_postgres(url: str, dump: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(dump.encode())
