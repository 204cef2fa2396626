"""``journal``: list and show exchanges."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.cli.command_line import SETTINGS, run
from tests.cli.projects import SENT, Project
from twiml_app.app import create_app
from twiml_app.cli import main
from twiml_app.cli.journal import Since
from twiml_app.errors import CallError
from twiml_app.testing import Phone


def test_list_shows_the_newest_exchange_first_and_masks_addresses(phone: Phone) -> None:
    """The table is pasted into tickets, so it must not contain full phone numbers."""
    phone.text("hello")
    with pytest.raises(CallError):
        phone.text("fail")
    phone.status(SENT, "failed", error_code=30005)

    rows = json.loads(run("journal", "list", "--json").output)

    assert [(row["event"], row["status"], row["outcome"]) for row in rows] == [
        ("status", "failed 30005", "failed"),
        ("message", "", "failed"),
        ("message", "", "replied"),
    ]
    assert {row["contact"] for row in rows} == {"+*******0001"}
    assert "+15005550001" in run("journal", "list", "--unmasked").output


@pytest.mark.parametrize(
    ("options", "count"),
    [
        pytest.param(["--failed"], 2, id="failed"),
        pytest.param(["--handler", "hello"], 1, id="handler"),
        pytest.param(["--outcome", "replied"], 1, id="outcome"),
        pytest.param(["--status", "failed"], 1, id="status"),
        pytest.param(["--contact", "+15005550009"], 0, id="another number"),
        pytest.param(["--sid", SENT], 1, id="sid"),
        pytest.param(["--since", "1h"], 3, id="the last hour"),
        pytest.param(["--since", "2099-01-01T00:00"], 0, id="a date"),
        pytest.param(["--limit", "2"], 2, id="limit"),
    ],
)
def test_list_takes_filters(phone: Phone, options: list[str], count: int) -> None:
    """Filters find one exchange among thousands."""
    phone.text("hello")
    with pytest.raises(CallError):
        phone.text("fail")
    phone.status(SENT, "failed", error_code=30005)

    assert len(json.loads(run("journal", "list", "--json", *options).output)) == count


def test_empty_result_is_explained(phone: Phone) -> None:
    """Without an explanation, no output looks like a broken command, and a wrong folder like an empty journal."""
    nowhere = run("journal", "list")
    phone.text("hello")

    assert (nowhere.exit_code, "or this is not the project's folder" in nowhere.stderr) == (1, True)
    assert run("journal", "list", "--outcome", "failed").output == "nothing matches\n"


def test_unreadable_time_is_wrong_usage(phone: Phone) -> None:
    """The error must show how a time is written."""
    result = run("journal", "list", "--since", "yesterday")

    assert (result.exit_code, "give 2h, 3d" in result.stderr) == (2, True)


def test_show_prints_the_answer_and_the_handler(phone: Phone) -> None:
    """Support needs the answer and the handler; the contact is fictitious by default."""
    phone.text("hello")

    shown = run("journal", "show", "1")

    assert "<Body>Hello!</Body>" in shown.output
    assert "hello: replied" in shown.output
    assert "+15005550001" not in shown.output
    assert "+15005550001" in run("journal", "show", "1", "--unmasked").output
    assert run("journal", "show", "99").stderr == "Error: there is no exchange 99\n"


def test_show_points_to_the_log_for_the_exception_of_a_message(phone: Phone) -> None:
    """The journal knows that the handler failed, only the log knows why."""
    with pytest.raises(CallError):
        phone.text("fail")

    (row,) = json.loads(run("journal", "list", "--json").output)

    assert f"its exception is in the log, at about {row['time'][:19]}" in run("journal", "show", "1").output


def test_commands_report_that_there_is_no_journal(phone: Phone) -> None:
    """One line must say which setting is the reason."""
    result = CliRunner().invoke(main, ["overview"], env={"TWIML_DATABASE_URL": "off"})

    assert (result.exit_code, result.stderr) == (1, "Error: TWIML_DATABASE_URL: is off, so there is no journal\n")


@pytest.mark.parametrize("command", ["journal list", "overview", "explain --last"])
def test_journal_of_dev_is_named_where_there_is_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Who tries the program with ``dev`` looks for the exchanges next; the command in the line shows them."""
    monkeypatch.chdir(tmp_path)
    dev = {"TWIML_DATABASE_URL": "sqlite:///instance/dev.db"}
    phone = Phone(create_app(SETTINGS | dev | {"TWIML_HANDLERS": "tests.cli.few_handlers"}, root=tmp_path))
    phone.text("hello")

    result = run(*command.split(), environment={"TWIML_DATABASE_URL": None})
    configured = run(*command.split(), environment={"TWIML_DATABASE_URL": "sqlite:///other.db"})

    assert result.stderr == (
        f"Error: TWIML_DATABASE_URL: there is no journal at {tmp_path}/instance/twiml.db: that of `twiml-app dev` is"
        " instance/dev.db, which `TWIML_DATABASE_URL=sqlite:///instance/dev.db twiml-app journal list` shows\n"
    )
    assert configured.stderr.endswith("nothing was received yet, or this is not the project's folder\n")
    assert "replied" in run("journal", "list", environment=dev).stdout


def test_overview_of_an_empty_journal_names_that_of_dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has served the project once looks at its empty journal, and misses what was texted to ``dev``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "dev.db").touch()
    served = {"TWIML_HANDLERS": "tests.cli.few_handlers", "TWIML_DATABASE_URL": "sqlite:///instance/twiml.db"}
    app = create_app(SETTINGS | served, root=tmp_path)
    assert app.test_client().get("/readyz").status_code == 200
    empty = run("overview", environment={"TWIML_DATABASE_URL": None}).stdout
    Phone(app).text("hello")

    assert "received: TWIML_DATABASE_URL=sqlite:///instance/dev.db twiml-app overview\n" in empty
    assert "dev.db" not in run("overview", environment={"TWIML_DATABASE_URL": None}).stdout


def test_show_prints_the_request_and_every_result(project: Project) -> None:
    """Support may share the screen, so people are fictitious by default."""
    shared = project.type("journal", "show", "2").stdout
    whole = project.type("journal", "show", "2", "--unmasked").stdout
    status = project.type("journal", "show", "4").stdout

    assert "POST https://sms.example.com/message" in shared
    assert f"{project.module}.echo: replied, " in shared
    assert "200 text/xml; charset=utf-8" in shared
    assert ("Ada" in shared, "Ada &amp; Bob (whatsapp:+15005550001) said" in whole) == (False, True)
    assert f"{project.module}.failed: ValueError: whatsapp:+1555" in status
    assert json.loads(project.type("journal", "show", "2", "--json").stdout)["schema"] == 2


@pytest.mark.parametrize(
    ("exchange_id", "complaint"),
    [
        pytest.param("99", "there is no exchange 99", id="no such id"),
        pytest.param("1", "exchange 1 is stored without its request", id="its request was not kept"),
    ],
)
def test_exchange_that_cannot_be_shown_is_explained(project: Project, exchange_id: str, complaint: str) -> None:
    """The list includes exchanges whose request was not kept."""
    with closing(sqlite3.connect(project.folder / "twiml.db")) as database, database:
        database.execute("UPDATE exchanges SET body = NULL WHERE id = 1")

    result = project.type("journal", "show", exchange_id)

    assert (result.exit_code, complaint in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("1970-01-02", 86400.0, id="a date"),
        pytest.param("1970-01-01T01:00", 3600.0, id="a time is UTC"),
        pytest.param("1970-01-01T01:00+01:00", 0.0, id="a time with an offset"),
        pytest.param("1970-01-01T00:00:01Z", 1.0, id="a time with Z"),
    ],
)
def test_since_takes_an_iso_time(text: str, seconds: float) -> None:
    """The time zone of the server must not matter."""
    assert Since()(text) == seconds


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("5m", 300), ("2h", 7200), ("3d", 259_200)])
def test_since_takes_an_age(text: str, seconds: int) -> None:
    """An age is easier to type than a date."""
    before = time.time()

    assert before - seconds <= Since()(text) <= time.time() - seconds
