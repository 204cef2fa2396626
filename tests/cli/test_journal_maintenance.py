"""``journal``: retry, erase and upgrade; what killed workers left behind."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.command_line import run
from tests.cli.projects import HANDLERS, SENT
from tests.journal.kept_journals import load_kept_journal
from tests.servers import LIMIT_S, clean_environment
from twiml_app.app import create_app
from twiml_app.caller.forms import alert_form
from twiml_app.cli.common import project_settings
from twiml_app.cli.journal import journal as group
from twiml_app.journal import open_engine
from twiml_app.journal.opt_out_rows import OptOut, add_opt_out
from twiml_app.testing import Phone

KILLED = """
import os
from twiml_app import Router
from twiml_app.app import create_app
from twiml_app.testing import Phone
import HANDLERS as project

project.router.message("crash")(lambda message: os.kill(os.getpid(), 9))
Phone(create_app()).text("crash")
"""


def test_retry_runs_only_the_handlers_that_failed(phone: Phone) -> None:
    """A handler that succeeded must not run twice; one that failed runs again when its cause is fixed."""
    phone.status(SENT, "failed", error_code=30005)

    again = run("journal", "retry")
    Path("works").touch()
    fixed, nothing = run("journal", "retry"), run("journal", "retry")

    assert (again.exit_code, again.output.splitlines()[-1]) == (1, "1 retried, 1 failed again")
    assert (fixed.exit_code, fixed.output.splitlines()[-1]) == (0, "1 retried, 0 failed again")
    assert (nothing.exit_code, nothing.output) == (0, "0 retried, 0 failed again\n")
    assert Path("noted").read_text().split() == [SENT]


def test_erase_deletes_one_person_after_asking(phone: Phone) -> None:
    """A typo must not cost a customer's history."""
    phone.text("hello")

    refused = run("journal", "erase", "+15005550001")
    erased = run("journal", "erase", "+15005550001", "--yes")

    assert (refused.exit_code, erased.output) == (1, "1 rows deleted\n")
    assert run("journal", "list").output == "nothing was received yet\n"
    assert run("journal", "erase", "+15005550001", "--yes").exit_code == 1


def test_message_that_killed_its_worker_is_listed_and_counted(phone: Phone, tmp_path: Path) -> None:
    """Somebody must see which text it was: otherwise a worker that dies again and again has no visible reason."""
    phone.text("hello")
    settings = {name: value for name, value in os.environ.items() if name.startswith("TWIML_")}
    script = KILLED.replace("HANDLERS", os.environ["TWIML_HANDLERS"])
    process = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=clean_environment() | settings | {"PYTHONPATH": str(tmp_path)},
        timeout=LIMIT_S,
    )

    listed, overview = run("journal", "list", "--failed"), run("overview")
    shown = run("journal", "show", "2", "--unmasked")

    assert process.returncode == -9
    assert "killed" in listed.output.splitlines()[1].split()
    assert "killed workers        1\n" in overview.output
    assert "Body" in shown.output
    assert "crash" in shown.output


def test_erase_says_when_a_reader_still_holds_deleted_texts(phone: Phone, tmp_path: Path) -> None:
    """Whoever was promised that everything is gone must know that it is not yet."""
    phone.text("hello")
    with closing(sqlite3.connect(tmp_path / "journal" / "twiml.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM exchanges").fetchall()
        held = run("journal", "erase", "+15005550001", "--yes")

    assert held.exit_code == 0
    assert held.output.splitlines()[0] == "1 rows deleted"
    assert "still holds deleted texts" in held.output


def test_upgrade_builds_the_missing_indexes_and_then_has_nothing_to_do(tmp_path: Path) -> None:
    """Building them while a request waits would stop the number."""
    path = tmp_path / "journal" / "twiml.db"
    path.parent.mkdir()
    load_kept_journal(f"sqlite:///{path}", 1)
    run("journal", "list")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP INDEX exchanges_attention")

    first, second = run("journal", "upgrade"), run("journal", "upgrade")

    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'exchanges_attention'").fetchall()
    assert found == [(1,)]
    assert first.output.splitlines()[-1] == "1 indexes built"
    assert second.output == "nothing to do: the journal is up to date\n"


@pytest.mark.parametrize("command", ["list", "show", "export", "import", "erase", "retry", "upgrade"])
def test_every_command_of_the_group_is_there(command: str) -> None:
    """The commands are in two modules, and a module that nobody imports would lose its commands."""
    assert command in group.commands


ALARM = """
@router.alert
def alarm(alert):
    looked_up(alert)
"""


def test_retry_runs_handlers_of_alerts_too(phone: Phone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twilio does not send an alert again."""
    project = tmp_path / "alarming.py"
    project.write_text(f"{HANDLERS}\n{ALARM}")
    monkeypatch.setenv("TWIML_HANDLERS", "alarming")
    form = dict(alert_form(11200, sid="NO1").items())
    create_app().test_client().post("/alert", data=form, auth=("sms", "quite-long-enough"))

    again = run("journal", "retry")
    Path("works").touch()
    fixed = run("journal", "retry")

    assert again.output.splitlines()[0].split() == ["1", "NO1", "error", "failed"]
    assert fixed.output.splitlines()[-1] == "1 retried, 0 failed again"


def test_erase_needs_a_key_only_for_somebody_who_opted_out(phone: Phone) -> None:
    """Without credentials in the environment there is none, and a hash with another one would never be found."""
    phone.text("hello")
    engine = open_engine(project_settings(), Path.cwd())
    assert engine is not None
    opted_out = OptOut("+15005550002", "*", "program", "asked", "", 1.0)
    engine.run(lambda execute: add_opt_out(execute, opted_out))
    without: dict[str, str | None] = {"TWIML_CREDENTIALS": None}

    erased = run("journal", "erase", "+15005550001", "--yes", environment=without)
    refused = run("journal", "erase", "+15005550002", "--yes", environment=without)
    hidden = run("journal", "erase", "+15005550002", "--yes")

    assert (erased.exit_code, refused.exit_code, hidden.exit_code) == (0, 1, 0)
    assert refused.stderr.startswith("Error: SECRET_KEY: is needed to keep a hash of the opt-outs")
    assert "opted-out contacts    1\n" in run("overview").output
