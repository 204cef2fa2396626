"""Deleted texts are removed from the disk, at the latest when no reader needs them any more."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.journal.other_process import kill_while_handling
from tests.journal.program import Clock, Program, contents, query
from twiml_app.journal.forgetting import finish_forgetting, forget
from twiml_app.journal.upkeep import INTERVAL_S

SECRET = b"illness"


@contextmanager
def snapshot(path: Path) -> Iterator[None]:
    """Hold a snapshot, as a backup or an SQL prompt does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM exchanges").fetchall()
        yield


@pytest.mark.parametrize("rows", ["", "rows+"], ids=["locks", "rows"])
def test_text_that_a_reader_still_holds_is_removed_after_the_reader_ended(tmp_path: Path, rows: str) -> None:
    """The command has succeeded, so nobody will run it again."""
    clock = Clock()
    program = Program(f"{rows}sqlite:///{tmp_path}/twiml.db", clock)
    program.text("my secret illness")
    with snapshot(tmp_path / "twiml.db"):
        erased = program.archive.erase("+15005550001")
        during = (finish_forgetting(program.engine), SECRET in contents(tmp_path))
    clock.now += INTERVAL_S
    program.text(sid="SM2")

    assert (erased.rows, erased.is_finished, during) == (1, False, (False, True))
    assert SECRET not in contents(tmp_path)
    assert finish_forgetting(program.engine)


def test_text_of_a_killed_request_is_removed(tmp_path: Path) -> None:
    """It is in the file of its process until it is collected."""
    kill_while_handling(f"sqlite:///{tmp_path}/twiml.db", "SM1")
    assert b"Body=hello" in contents(tmp_path)

    erased = Program(f"sqlite:///{tmp_path}/twiml.db").archive.erase("+15005550001")

    assert (erased.rows, erased.is_finished) == (1, True)
    assert b"Body=hello" not in contents(tmp_path)


def test_another_process_finishes_what_one_could_not(tmp_path: Path) -> None:
    """The command that erased has ended by then."""
    program = Program(f"sqlite:///{tmp_path}/twiml.db")
    program.text("my secret illness")
    with snapshot(tmp_path / "twiml.db"):
        assert not program.archive.erase("+15005550001").is_finished
    program.engine.close()
    clock = Clock()
    other = Program(f"sqlite:///{tmp_path}/twiml.db", clock)
    clock.now += INTERVAL_S
    other.text(sid="SM2")

    assert SECRET not in contents(tmp_path)


def test_nothing_is_left_to_do_after_it_succeeded(program: Program) -> None:
    """Each upkeep would otherwise wait for the disk."""
    assert (forget(program.engine), finish_forgetting(program.engine)) == (True, True)
    assert query(program.engine, "SELECT name FROM meta WHERE name = 'forget'") == []
