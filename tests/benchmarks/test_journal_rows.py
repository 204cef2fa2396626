"""The journal that benchmarks fill: its rows have every column of this release."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.journal_rows import fill
from tests.journal.program import Program
from tests.postgres_server import new_schema
from twiml_app.journal.archive import Filter


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_filled_journal_can_be_read(request: pytest.FixtureRequest, tmp_path: Path, database: str) -> None:
    """A benchmark that fails after seven minutes is noticed late."""
    is_sqlite = database == "sqlite"
    url = f"sqlite:///{tmp_path}/twiml.db" if is_sqlite else new_schema(request.getfixturevalue("postgres_url"))
    program = Program(url)
    try:
        fill(program.engine, url, 300, now=1_800_000_000.0)

        assert len(program.archive.all(Filter())) == 300
    finally:
        Program.made.remove(program)
        program.engine.close()
