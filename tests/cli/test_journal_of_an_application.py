"""The commands that read a journal: with --app they use the journal and the settings of an application."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command_line import run
from tests.cli.projects import SENT
from tests.journal.program import query
from twiml_app.app import state_of
from twiml_app.testing import Phone

HOST = """
import os
from pathlib import Path
from flask import Flask
from twiml_app import Router
from twiml_app.app import Twiml

router = Router()

@router.default
def answer(message):
    return "Hello!"

@router.error_code(30005)
def look_up(status):
    if not Path(__file__).with_name("works").exists():
        raise RuntimeError("the directory is down")

def make_app():
    app = Flask("host")
    app.config.update(
        TWIML_CREDENTIALS="sms:quite-long-enough",
        TWIML_DATABASE_URL=os.environ.get("JOURNAL", "sqlite:///data/host.db"),
        TWIML_RETENTION_DAYS=2,
    )
    Twiml(app, router=Router(router), root=Path(__file__).parent)
    return app
"""
APP = ("--app", "host_with_journal:make_app")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield the folder of an application with a little traffic in its journal; commands run in another folder."""
    folder, elsewhere = tmp_path / "host", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "host_with_journal.py").write_text(HOST)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.chdir(elsewhere)
    monkeypatch.delenv("TWIML_DATABASE_URL", raising=False)
    app = importlib.import_module("host_with_journal").make_app()
    phone = Phone(app)
    phone.text("hi")
    phone.status(SENT, "failed", error_code=30005)
    app.test_client().post("/message", data={"Body": "x"}, auth=("sms", "wrong"))
    yield folder
    del sys.modules["host_with_journal"]


@pytest.mark.usefixtures("host")
def test_commands_read_the_journal_that_the_application_is_configured_with() -> None:
    """A URL in the configuration of the application is in no environment, and would have to be copied by hand."""
    listed = json.loads(run("journal", "list", *APP, "--json").stdout)

    assert [row["event"] for row in listed] == ["status", "message"]
    assert json.loads(run("overview", *APP, "--json").stdout)["exchanges"] == "2"
    assert run("ledger", SENT, *APP).stdout.startswith(f"{SENT}  failed, error 30005")
    assert "TWIML_CREDENTIALS" in run("explain", "--last", *APP).stdout
    assert "hello" in run("journal", "show", "1", *APP).stdout.lower()


def test_journal_of_an_application_is_relative_to_its_root(host: Path) -> None:
    """The command may run in any folder, and must neither miss the journal nor create an empty one."""
    run("journal", "list", *APP)

    assert (host / "data" / "host.db").is_file()
    assert [*Path.cwd().iterdir()] == []


@pytest.mark.usefixtures("host")
def test_export_and_import_use_the_settings_of_the_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key that scrubs and the retention of imported exchanges are those of the application."""
    exported = run("journal", "export", str(tmp_path / "traffic.jsonl"), *APP)
    monkeypatch.setenv("JOURNAL", "sqlite:///data/other.db")
    imported = run("journal", "import", str(tmp_path / "traffic.jsonl"), *APP)
    state = state_of(importlib.import_module("host_with_journal").make_app())
    assert state.engine
    kept_days = query(state.engine, "SELECT min(keep_until) - max(received_at) FROM exchanges")[0][0] / 86400

    assert exported.output.startswith("2 exchanges in ")
    assert imported.output == "2 of 2 exchanges were new\n"
    assert 2 <= kept_days < 3


def test_erase_and_retry_change_the_journal_of_the_application(host: Path) -> None:
    """The handlers that run again are those of the application, too."""
    again = run("journal", "retry", *APP)
    (host / "works").touch()
    fixed = run("journal", "retry", *APP)
    erased = run("journal", "erase", "+15005550001", "--yes", *APP)

    assert (again.exit_code, fixed.exit_code, erased.output) == (1, 0, "4 rows deleted\n")
    assert run("journal", "list", *APP).output == "nothing was received yet\n"


@pytest.mark.usefixtures("host")
def test_application_without_a_journal_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error must name the setting."""
    monkeypatch.setenv("JOURNAL", "off")

    result = run("journal", "list", *APP)

    assert (result.exit_code, result.stderr) == (1, "Error: TWIML_DATABASE_URL: is off, so there is no journal\n")
