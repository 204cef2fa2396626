"""The journal at the command line: what is typed at three in the morning, and what is seen."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.servers import ROOT
from twiml_app.app import create_app, state_of
from twiml_app.cli import main
from twiml_app.errors import CallError
from twiml_app.testing import Phone

HANDLERS = """
import os
from twiml_app import InboundMessage, Router, StatusCallback

router = Router()


@router.message("hello")
def hello(message: InboundMessage) -> str:
    return "Hello!"


@router.message("fail")
def fail(message: InboundMessage) -> str:
    raise ValueError("as asked")


@router.status("failed")
def noted(status: StatusCallback) -> None:
    with open("noted", "a") as file:
        file.write(f"{status.message_sid} ")


@router.error_code(30005)
def looked_up(status: StatusCallback) -> None:
    if not os.path.exists("works"):
        raise RuntimeError("the directory is down")


routers = [router]
"""
CREDENTIALS = "sms:quite-long-enough"
SENT = "SM" + "4" * 32


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    """A phone that texts a project in a folder of its own; commands are typed in that folder."""
    module = f"handlers_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(HANDLERS)
    os.chdir(tmp_path)
    os.environ.update({"TWIML_CREDENTIALS": CREDENTIALS, "TWIML_HANDLERS": module})
    yield Phone(create_app())
    os.chdir(ROOT)
    for name in ("TWIML_CREDENTIALS", "TWIML_HANDLERS"):
        del os.environ[name]


def run(*arguments: str) -> Result:
    """Type a command."""
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_list_shows_what_happened_newest_first_and_masked(phone: Phone) -> None:
    """The table is pasted into tickets: no number in it can be called."""
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
    assert "+15005550001" in run("journal", "list", "--all-numbers").output


@pytest.mark.parametrize(
    ("options", "count"),
    [
        pytest.param(["--failed"], 2, id="failed"),
        pytest.param(["--handler", "hello"], 1, id="handler"),
        pytest.param(["--outcome", "replied"], 1, id="outcome"),
        pytest.param(["--status", "failed"], 1, id="status"),
        pytest.param(["--number", "+15005550009"], 0, id="another number"),
        pytest.param(["--sid", SENT], 1, id="sid"),
        pytest.param(["--since", "1h"], 3, id="the last hour"),
        pytest.param(["--since", "2099-01-01T00:00"], 0, id="a date"),
        pytest.param(["--limit", "2"], 2, id="limit"),
    ],
)
def test_list_takes_filters(phone: Phone, options: list[str], count: int) -> None:
    """At night one looks for one thing."""
    phone.text("hello")
    with pytest.raises(CallError):
        phone.text("fail")
    phone.status(SENT, "failed", error_code=30005)

    assert len(json.loads(run("journal", "list", "--json", *options).output)) == count


def test_nothing_found_says_so(phone: Phone) -> None:
    """An empty screen looks like a broken command, and an empty journal in the wrong folder like a quiet night."""
    nowhere = run("journal", "list")
    phone.text("hello")

    assert (nowhere.exit_code, "or this is not the project's folder" in nowhere.stderr) == (1, True)
    assert run("journal", "list", "--outcome", "failed").output == "nothing fits\n"


def test_time_that_is_none_is_wrong_usage(phone: Phone) -> None:
    """The message shows how a time is written."""
    result = run("journal", "list", "--since", "yesterday")

    assert (result.exit_code, "give 2h, 3d" in result.stderr) == (2, True)


def test_show_prints_one_exchange_whole(phone: Phone) -> None:
    """What came, what was answered, by whom; people are fictitious unless asked for."""
    phone.text("hello")

    shown = run("journal", "show", "1")

    assert "<Body>Hello!</Body>" in shown.output
    assert "hello: replied" in shown.output
    assert "+15005550001" not in shown.output
    assert "+15005550001" in run("journal", "show", "1", "--all-numbers").output
    assert run("journal", "show", "99").stderr == "Error: there is no exchange 99\n"


def test_retry_runs_only_the_handlers_that_failed(phone: Phone) -> None:
    """What succeeded is not done twice; what failed gets its chance once the cause is mended."""
    phone.status(SENT, "failed", error_code=30005)

    again = run("journal", "retry")
    Path("works").touch()
    mended, nothing = run("journal", "retry"), run("journal", "retry")

    assert (again.exit_code, again.output.splitlines()[-1]) == (1, "1 run again, 1 failed again")
    assert (mended.exit_code, mended.output.splitlines()[-1]) == (0, "1 run again, 0 failed again")
    assert (nothing.exit_code, nothing.output) == (0, "0 run again, 0 failed again\n")
    assert Path("noted").read_text().split() == [SENT]


def test_erase_deletes_one_person_after_asking(phone: Phone) -> None:
    """A slip of the finger must not cost a customer's history."""
    phone.text("hello")

    refused = run("journal", "erase", "+15005550001")
    erased = run("journal", "erase", "+15005550001", "--yes")

    assert (refused.exit_code, erased.output) == (1, "1 rows deleted\n")
    assert run("journal", "list").output == "nothing has come in yet\n"
    assert run("journal", "erase", "+15005550001", "--yes").exit_code == 1


def test_ledger_tells_how_far_a_message_has_come(phone: Phone) -> None:
    """The error code comes with its meaning: nobody knows them by heart."""
    phone.status(SENT, "sent")
    phone.status(SENT, "failed", error_code=30005)

    shown, as_json = run("ledger", SENT), json.loads(run("ledger", SENT, "--json").output)

    assert shown.output.startswith(f"{SENT}  failed, error 30005 (unknown destination phone)\n")
    assert [(status, code) for _, status, code in as_json["history"]] == [("sent", None), ("failed", 30005)]
    assert run("ledger", "SM9").stderr == "Error: nothing was told of SM9\n"


def test_overview_and_explain_tell_of_the_last_refusal(phone: Phone) -> None:
    """A number that has stopped answering is most often one that is refused."""
    app = create_app()
    answer = app.test_client().post("/message", data={"Body": "x"}, auth=("sms", "wrong"))
    phone.status(SENT, "failed", error_code=30005)

    overview, explained = run("overview"), run("explain", "--last")

    assert answer.status_code == 401
    assert "last inbound message  never" in overview.output
    assert "401: the credentials are none of TWIML_CREDENTIALS" in overview.output
    assert "error 30005" in overview.output
    assert json.loads(run("overview", "--json").output)["error codes"] == {"30005": 1}
    assert (explained.exit_code, "none of TWIML_CREDENTIALS" in explained.output) == (1, True)


def test_explain_last_says_when_nothing_was_refused(phone: Phone) -> None:
    """Then the cause lies elsewhere."""
    phone.text("hello")
    assert (run("explain", "--last").output, run("explain").exit_code) == ("no request was refused\n", 2)


def test_commands_say_that_there_is_no_journal(phone: Phone) -> None:
    """One line says which setting."""
    result = CliRunner().invoke(main, ["overview"], env={"TWIML_DATABASE_URL": "off"})

    assert (result.exit_code, result.stderr) == (1, "Error: TWIML_DATABASE_URL: is off, so there is no journal\n")


def test_ledger_is_read_from_python(phone: Phone) -> None:
    """Programs look things up as well."""
    phone.status(SENT, "delivered")
    ledger = state_of(create_app()).ledger

    assert ledger is not None
    entry = ledger.get(SENT)
    assert entry is not None
    assert entry.status == "delivered"
