"""Work in the commands: ``journal list``, ``show`` and ``retry``, ``overview``, ``routes`` and ``check``."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.command_line import run
from tests.cli.working_projects import working_phone
from tests.webhook_requests import SID
from twiml_app.testing import Phone


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Phone:
    """Return a phone that texts a project whose handlers ask for work."""
    return working_phone(tmp_path, monkeypatch)


def listed(*options: str) -> list[tuple[str, str, str]]:
    """Return event, status and outcome of each row."""
    rows = json.loads(run("journal", "list", "--json", *options).output)
    return [(row["event"], row["status"], row["outcome"]) for row in rows]


def fail_for_good(phone: Phone) -> None:
    """Have work given up."""
    phone.text("fail", MessageSid=SID)
    with pytest.raises(ValueError, match="no route to"):
        phone.run_work(within_s=100_000)


def test_work_is_listed_among_the_exchanges(phone: Phone) -> None:
    """What happened after an answer belongs to its story."""
    phone.text("note")
    assert phone.run_work() == 1

    assert sorted(listed()) == [("message", "", "replied"), ("work", "attempt 1", "done")]
    assert Path("noted").read_text() == "now "


@pytest.mark.parametrize(
    ("options", "count"),
    [
        pytest.param(["--failed"], 1, id="failed"),
        pytest.param(["--failed", "--outcome", "done"], 0, id="failed and done"),
        pytest.param(["--outcome", "waiting"], 1, id="waiting"),
        pytest.param(["--outcome", "replied"], 2, id="outcome of an exchange"),
        pytest.param(["--status", "delivered"], 0, id="status"),
        pytest.param(["--sid", SID], 2, id="sid"),
        pytest.param(["--handler", "note"], 1, id="function"),
        pytest.param(["--contact", "+15005550009"], 0, id="another contact"),
        pytest.param(["--since", "1h"], 4, id="the last hour"),
        pytest.param(["--limit", "3"], 3, id="limit"),
    ],
)
def test_filters_of_exchanges_select_work_too(phone: Phone, options: list[str], count: int) -> None:
    """Failed work is found as failed handlers are."""
    fail_for_good(phone)
    phone.text("later")

    assert len(listed(*options)) == count


def test_one_piece_of_work_is_shown_with_its_attempts(phone: Phone) -> None:
    """The errors say what was wrong, and the table has no phone numbers."""
    fail_for_good(phone)
    (row,) = json.loads(run("journal", "list", "--failed", "--json").output)
    shown = run("journal", "show", row["id"]).output
    as_json = json.loads(run("journal", "show", row["id"], "--json", "--unmasked").output)

    assert row["id"] == "w1"
    assert "8        " in shown
    assert "ValueError: no route to +*******0001" in shown
    assert "+15005550001" not in shown
    assert (as_json["state"], as_json["origin"], len(as_json["attempts"])) == ("failed", SID, 8)
    assert as_json["attempts"][0]["error"] == f"ValueError: no route to {phone.contact}"
    assert "Body" in as_json["arguments"]


def test_unknown_ids_are_one_line(phone: Phone) -> None:
    """A typing mistake gets no traceback."""
    phone.text("note")

    assert run("journal", "show", "w99").stderr == "Error: there is no work w99\n"
    assert "'x1' is not an id: give a number, or w and a number for work" in run("journal", "show", "x1").stderr


def test_work_that_was_given_up_can_be_run_again(phone: Phone) -> None:
    """After the bug is fixed."""
    fail_for_good(phone)

    assert run("journal", "retry").output == "1 pieces of work will be run again\n0 retried, 0 failed again\n"
    assert run("journal", "retry", "--status", "failed").output == "0 retried, 0 failed again\n"
    assert listed("--outcome", "waiting") == [("work", "", "waiting")]


def test_overview_counts_work(phone: Phone) -> None:
    """A queue that grows is seen before customers call."""
    fail_for_good(phone)
    phone.text("note")
    phone.text("later")
    shown = json.loads(run("overview", "--json").output)

    assert (shown["work waiting"], shown["work failed"], shown["work processes"]) == ("2", "1", "0")
    assert shown["work overdue since"] != "never"


def test_routes_show_schedules_and_slow_functions(phone: Phone) -> None:
    """They run without any text."""
    rows = [(row["event"], row["for"]) for row in json.loads(run("routes", "--json").output)]

    assert ("schedule", "daily 03:00 Europe/Berlin") in rows
    assert any(wanted.startswith('"report", then=working_') for _, wanted in rows)


def test_retried_status_handler_may_ask_for_work(phone: Phone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stored with the new result."""
    module = tmp_path / "asking_status.py"
    module.write_text(
        "from pathlib import Path\n"
        "from twiml_app import Router, enqueue\n"
        "router = Router()\n"
        "def note(): pass\n"
        "@router.status('failed')\n"
        "def failed(status):\n"
        "    enqueue(note)\n"
        "    if not Path('works').exists(): raise ValueError\n"
        "routers = [router]\n"
    )
    monkeypatch.setenv("TWIML_HANDLERS", "asking_status")
    from twiml_app.app import create_app

    Phone(create_app()).status(SID, "failed")
    assert listed("--outcome", "waiting") == []
    Path("works").touch()

    assert run("journal", "retry").exit_code == 0
    assert listed("--outcome", "waiting") == [("work", "", "waiting")]


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        pytest.param({"TWIML_DATABASE_URL": "off"}, "then= and schedules need a journal", id="no journal"),
        pytest.param({"TWIML_WORK_THREADS": "0"}, "nothing runs it: TWIML_WORK_THREADS is 0", id="no threads"),
        pytest.param({}, "1 pieces were given up: see twiml-app journal list --failed", id="failed"),
    ],
)
def test_check_says_what_is_wrong_with_work(phone: Phone, environment: dict[str, str], says: str) -> None:
    """Otherwise nobody notices that reminders are not sent."""
    fail_for_good(phone)

    assert says in run("check", environment=environment).output


def test_check_warns_about_work_that_nobody_runs(phone: Phone, tmp_path: Path) -> None:
    """The application may be down, or too slow."""
    phone.text("note")
    assert "and not run" not in run("check").output
    with closing(sqlite3.connect(tmp_path / "journal" / "twiml.db")) as database, database:
        database.execute("UPDATE work SET due_at = due_at - 301")

    assert "and not run: is the application or a worker running?" in run("check").output


def test_erasing_a_contact_ends_its_work(phone: Phone) -> None:
    """Nobody gets a reminder after asking to be forgotten."""
    phone.text("later")

    assert run("journal", "erase", phone.contact, "--yes").output == "2 rows deleted\n"
    assert phone.run_work(within_s=10_000) == 0
