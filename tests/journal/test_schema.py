"""The tables: created once, and shared with the releases before and after."""

from __future__ import annotations

import pytest

from tests.journal.program import Program, bodies
from twiml_app.errors import JournalTooNew
from twiml_app.journal.schema import OLDEST_READER, SCHEMA_VERSION


def test_journal_of_a_later_release_is_refused_with_what_to_do(database_url: str) -> None:
    """A rollback works as long as changes only add; where they did not, the error says what to do."""
    program = Program(database_url)
    program.text()
    program.engine.run(lambda execute: execute("UPDATE meta SET value = '99' WHERE name = 'oldest_reader'"))

    with pytest.raises(JournalTooNew, match="install the later release again"):
        Program(database_url).journal.check()


def test_journal_of_a_later_release_that_only_added_is_used(database_url: str) -> None:
    """A release that is rolled back must keep working, and must not claim that the journal is older than it is."""
    program = Program(database_url)
    program.text()
    program.engine.query("ALTER TABLE exchanges ADD COLUMN added_later TEXT NOT NULL DEFAULT ''")
    program.engine.query("UPDATE meta SET value = '99' WHERE name = 'schema_version'")

    older = Program(database_url)

    assert bodies(older.text(sid="SM2")) == ["answer 1 to hello"]
    assert versions(older) == {"schema_version": "99", "oldest_reader": str(OLDEST_READER)}


def test_journal_says_which_schema_it_has(program: Program) -> None:
    """The next release reads from it what has to be added."""
    program.journal.check()

    assert versions(program) == {"schema_version": str(SCHEMA_VERSION), "oldest_reader": str(OLDEST_READER)}


def test_tables_are_created_only_once(database_url: str) -> None:
    """Every worker of every deployment runs the same statements, also on a journal that is in use."""
    first = Program(database_url)
    first.text()
    second = Program(database_url)
    second.journal.check()

    assert first.text() == second.text()
    assert (len(first.ran), len(second.ran)) == (1, 0)


def versions(program: Program) -> dict[str, str]:
    """Return what a journal says about its schema."""
    return dict(program.engine.query("SELECT name, value FROM meta"))
