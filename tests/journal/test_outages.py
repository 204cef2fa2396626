"""Outages: no acknowledged event is lost, and service resumes without a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journal.program import Program, bodies
from tests.webhook_requests import SID
from twiml_app.errors import JournalUnavailable


def test_unreachable_store_refuses_and_service_resumes(tmp_path: Path) -> None:
    """503 makes Twilio retry, and service resumes without a restart."""
    folder = tmp_path / "folder"
    folder.touch()
    program = Program(f"sqlite:///{folder}/twiml.db")

    refused = program.text()
    folder.unlink()

    assert (refused.status, refused.body) == (503, b"the journal cannot be reached\n")
    assert (program.text().status, program.ran) == (200, [SID])


def test_unreachable_store_is_ignored_if_configured(tmp_path: Path) -> None:
    """For some applications, answering twice is better than not answering."""
    (tmp_path / "file").touch()
    program = Program(f"sqlite:///{tmp_path}/file/twiml.db", TWIML_STORE_FAILURE="answer")

    assert [bodies(program.text()) for _ in range(2)] == [["answer 1 to hello"], ["answer 2 to hello"]]
    with pytest.raises(JournalUnavailable):
        program.journal.check()


def test_answer_is_not_sent_if_the_store_breaks_during_the_handler(tmp_path: Path) -> None:
    """An answer that was not stored must not be sent; once the store is back, a retry runs the handler again."""
    path = tmp_path / "twiml.db"
    program = Program(f"sqlite:///{path}")
    program.during = lambda _: break_file(program, path) if len(program.ran) == 1 else None

    broken = program.text()
    path.rmdir()
    path.with_suffix(".kept").rename(path)

    assert broken.status == 503
    assert bodies(program.text()) == ["answer 2 to hello"]


def test_connection_that_was_closed_is_opened_again(tmp_path: Path) -> None:
    """A database server may restart while the application runs."""
    program = Program(f"sqlite:///{tmp_path}/twiml.db")
    program.text(sid="SM1")
    program.engine.close()

    assert bodies(program.text(sid="SM2")) == ["answer 2 to hello"]


def break_file(program: Program, path: Path) -> None:
    """Make a database file unreachable: drop the connection, and put a folder in its place."""
    program.engine.close()
    path.rename(path.with_suffix(".kept"))
    path.mkdir()
