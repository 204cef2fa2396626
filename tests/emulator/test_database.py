"""The database of a state: which files are refused, and changes that are committed together."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.file_modes import mode_of, run_with_umask
from twiml_app.emulator.database import Database
from twiml_app.errors import ConfigurationError


def write_note(database: Database, name: str) -> None:
    """Write a row."""
    database.execute("INSERT INTO notes (name, value) VALUES (?, 1.0)", (name,))


def notes(database: Database) -> list[str]:
    """Return the names in the rows."""
    return [name for (name,) in database.query("SELECT name FROM notes ORDER BY name")]


@pytest.mark.parametrize(
    ("application", "version"),
    [
        pytest.param(0, 0, id="another program"),
        pytest.param(0, 1, id="another program with the same version"),
        pytest.param(0x74776D6C, 2, id="another release"),
    ],
)
def test_file_of_another_program_is_refused_and_not_changed(tmp_path: Path, application: int, version: int) -> None:
    """A mistyped path must not destroy a database."""
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other:
        other.executescript(
            f"CREATE TABLE theirs (a); PRAGMA user_version = {version}; PRAGMA application_id = {application};"
        )
    path.chmod(0o644)
    before = path.read_bytes()

    with pytest.raises(ConfigurationError, match=r"^state: .*other\.db was not written by this release"):
        Database(path)
    assert (path.read_bytes(), mode_of(path)) == (before, 0o644)


def test_file_that_is_not_a_database_is_refused_and_not_changed(tmp_path: Path) -> None:
    """The error gives the reason in one line."""
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, not a database.\n" * 100)

    with pytest.raises(
        ConfigurationError, match=r"^state: .*notes\.txt cannot be used: file is not a database: use another file$"
    ):
        Database(path)
    assert path.read_text() == "These are notes, not a database.\n" * 100


def test_path_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    """The most common reason is a folder that does not exist."""
    with pytest.raises(ConfigurationError, match=r"^state: .*nowhere/state\.db cannot be used: unable to open"):
        Database(tmp_path / "nowhere" / "state.db")


KILLED = """
import os
from twiml_app.emulator.database import Database
Database(sys.argv[1]).execute("INSERT INTO notes (name, value) VALUES ('a', 1.0)")
os._exit(0)
"""


def test_files_are_readable_only_by_their_owner(tmp_path: Path) -> None:
    """They contain texts and the token of the account, and a killed emulator leaves the write-ahead log too."""
    run_with_umask(0, KILLED, str(tmp_path / "state.db"))

    assert {path.name: mode_of(path) for path in tmp_path.iterdir()} == {"state.db": 0o600, "state.db-wal": 0o600}


def test_files_that_others_can_read_are_made_private(tmp_path: Path) -> None:
    """A copy of a state gets the mode that the umask allows."""
    path = tmp_path / "state.db"
    run_with_umask(0, KILLED, str(path))
    for file in tmp_path.iterdir():
        file.chmod(0o644)

    with closing(Database(path)) as database:
        write_note(database, "b")
        modes = {file.name: mode_of(file) for file in tmp_path.iterdir()}

    assert {"state.db", "state.db-wal"} <= set(modes)
    assert set(modes.values()) == {0o600}


def test_file_of_another_emulator_is_refused(tmp_path: Path) -> None:
    """Two emulators would both deliver the queued messages."""
    path = tmp_path / "state.db"
    with (
        closing(Database(path)),
        pytest.raises(ConfigurationError, match=r"^state: .*state\.db cannot be used: another emulator is using it$"),
    ):
        Database(path)


def test_file_is_read_again_after_a_restart(tmp_path: Path) -> None:
    """The version that the file records is that of this release."""
    path = tmp_path / "state.db"
    for name in ("first", "second"):
        with closing(Database(path)) as database:
            write_note(database, name)
    with closing(Database(path)) as database:
        assert notes(database) == ["first", "second"]


def _fail_in_a_nested_block(database: Database) -> None:
    with database.exclusively():
        write_note(database, "b")
        with database.exclusively():
            write_note(database, "c")
            raise LookupError("power failure")


def test_failure_undoes_all_exclusive_changes() -> None:
    """A nested block belongs to the outer one."""
    with closing(Database()) as database:
        write_note(database, "a")
        with pytest.raises(LookupError):
            _fail_in_a_nested_block(database)

        assert notes(database) == ["a"]
        with database.exclusively(), database.exclusively():
            write_note(database, "d")
        assert notes(database) == ["a", "d"]


def test_cursor_has_the_row_count_and_the_last_row_id() -> None:
    """The store needs to know whether a row existed, and under which number it was saved."""
    with closing(Database()) as database:
        first, second = (
            database.execute("INSERT INTO owed (what, data) VALUES (?, ?)", (name, "{}")).lastrowid for name in "ab"
        )

        assert (first, second) == (1, 2)
        assert [database.execute("DELETE FROM owed WHERE n = ?", (2,)).rowcount for _ in range(2)] == [1, 0]
