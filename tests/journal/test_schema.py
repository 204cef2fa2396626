"""The tables: created once, and shared with earlier and later releases."""

from __future__ import annotations

import pytest

from tests.journal.program import Program, bodies
from twiml_app.errors import JournalTooNew
from twiml_app.journal.schema import OLDEST_READER, SCHEMA_VERSION


def test_journal_of_an_incompatible_later_release_is_refused(database_url: str) -> None:
    """A rollback works if the later release only added to the schema; otherwise the error says what to do."""
    program = Program(database_url)
    program.text()
    program.engine.run(lambda execute: execute("UPDATE meta SET value = '99' WHERE name = 'oldest_reader'"))

    with pytest.raises(JournalTooNew, match="install the later release again"):
        Program(database_url).journal.check()


def test_journal_of_a_later_release_that_only_added_is_used(database_url: str) -> None:
    """An older release must keep working after a rollback, and must not lower the schema version."""
    program = Program(database_url)
    program.text()
    program.engine.query("ALTER TABLE exchanges ADD COLUMN added_later TEXT NOT NULL DEFAULT ''")
    program.engine.query("UPDATE meta SET value = '99' WHERE name = 'schema_version'")

    older = Program(database_url)

    assert bodies(older.text(sid="SM2")) == ["answer 1 to hello"]
    assert versions(older) == {"schema_version": "99", "oldest_reader": str(OLDEST_READER)}


def test_journal_records_its_schema_version(program: Program) -> None:
    """The next release reads it to decide what to add."""
    program.journal.check()

    assert versions(program) == {"schema_version": str(SCHEMA_VERSION), "oldest_reader": str(OLDEST_READER)}


def test_tables_are_created_only_once(database_url: str) -> None:
    """Every worker runs the same statements at its start, also on a journal that is in use."""
    first = Program(database_url)
    first.text()
    second = Program(database_url)
    second.journal.check()

    assert first.text() == second.text()
    assert (len(first.ran), len(second.ran)) == (1, 0)


def versions(program: Program) -> dict[str, str]:
    """Return the schema versions that a journal records."""
    return dict(program.engine.query("SELECT name, value FROM meta"))
