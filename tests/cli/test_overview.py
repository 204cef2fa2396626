"""``overview`` and ``ledger``: a summary of the journal, and the delivery of one message."""

from __future__ import annotations

import json

import pytest

from tests.cli.command_line import run
from tests.cli.projects import SENT
from tests.servers import refusing_port
from twiml_app.app import create_app
from twiml_app.caller.forms import alert_form
from twiml_app.errors import CallError
from twiml_app.testing import Phone

CREDENTIALS = {"TWIML_CREDENTIALS": "sms:quite-long-enough"}


def test_overview_shows_the_last_refusal_and_the_error_codes(phone: Phone) -> None:
    """When a number stops answering, the most frequent cause is refused requests."""
    answer = create_app().test_client().post("/message", data={"Body": "x"}, auth=("sms", "wrong"))
    phone.status(SENT, "failed", error_code=30005)

    overview = run("overview")

    assert answer.status_code == 401
    assert "last inbound message  never" in overview.output
    assert "401: the credentials do not match any in TWIML_CREDENTIALS" in overview.output
    assert "\nerror 30005           once, unknown destination phone\n" in overview.output
    assert json.loads(run("overview", "--json").output)["error codes"] == {"30005": 1}


def test_database_that_cannot_be_reached_is_reported_in_one_line(phone: Phone) -> None:
    """PostgreSQL says it in two lines, with a tab, which breaks tables and log lines."""
    with refusing_port() as port:
        database = {"TWIML_DATABASE_URL": f"postgresql://app:secret@127.0.0.1:{port}/shop"}
        result, checked = run("overview", environment=database), run("check", "--json", environment=database)

    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("Error: the journal cannot be written to: connection failed")
    assert "\t" not in result.stderr + "".join(each["says"] for each in json.loads(checked.stdout)["findings"])


def commands_named_by(overview: str) -> list[str]:
    """Return the commands under the summary."""
    return [line.partition("  ")[0] for line in overview.splitlines() if line.startswith("twiml-app ")]


def test_overview_names_the_commands_that_say_why(phone: Phone) -> None:
    """At night nobody reads the documentation: what is wrong must be two commands away."""
    create_app().test_client().post("/message", data={"Body": "x"}, auth=("sms", "wrong"))
    probing = "twiml-app check --url URL"
    assert commands_named_by(run("overview").output) == ["twiml-app explain --last", probing]

    with pytest.raises(CallError):
        phone.text("fail")
    assert commands_named_by(run("overview").output) == [
        "twiml-app journal list --failed",
        "twiml-app explain --last",
        "twiml-app conversation PHONE",
        probing,
    ]


def test_ledger_shows_the_status_of_a_message_and_its_history(phone: Phone) -> None:
    """Nobody knows the error codes by heart, so each is shown with its meaning."""
    phone.status(SENT, "sent")
    phone.status(SENT, "failed", error_code=30005)

    shown, as_json = run("ledger", SENT), json.loads(run("ledger", SENT, "--json").output)

    assert shown.output.startswith(f"{SENT}  failed, error 30005 (unknown destination phone)\n")
    assert [(status, code) for _, status, code in as_json["history"]] == [("sent", None), ("failed", 30005)]
    assert run("ledger", "SM9").stderr == "Error: no status callback received for SM9\n"


def test_overview_shows_when_the_last_message_was_received(phone: Phone) -> None:
    """Without it, a quiet night and a broken number look the same."""
    phone.text("hello")
    with pytest.raises(CallError):
        phone.text("fail")

    shown = json.loads(run("overview", "--json").output)
    (latest,) = json.loads(run("journal", "list", "--limit", "1", "--json").output)

    assert shown.pop("last inbound message")[:19] == latest["time"][:19]
    assert shown == {
        "exchanges": "2",
        "failed handlers": "1",
        "overdue answers": "0",
        "killed workers": "0",
        "unfinished": "0",
        "alerts of Twilio": "0",
        "last alert": "none",
        "refused": "0",
        "opted-out contacts": "0",
        "last refusal": "none",
        "work waiting": "0",
        "work overdue since": "never",
        "work running": "0",
        "work failed": "0",
        "work processes": "0",
        "last sign of life": "never",
        "error codes": {},
    }


def test_ledger_shows_an_error_code_that_has_no_entry_in_the_table(phone: Phone) -> None:
    """Twilio adds error codes, and a new one must be shown without advice."""
    phone.status(SENT, "failed", error_code=39999)
    phone.status("SM1", "delivered")

    unknown, delivered = run("ledger", SENT), run("ledger", "SM1")

    assert unknown.output.startswith(f"{SENT}  failed, error 39999\n\n  time")
    assert unknown.output.splitlines()[-1].split()[1:] == ["failed", "39999"]
    assert delivered.output.startswith("SM1  delivered\n\n  time")


def test_overview_shows_the_last_alert() -> None:
    """Twilio's debugger is the first place to look when texts get lost."""
    client = create_app(CREDENTIALS).test_client()
    for code, level in ((30007, "error"), (11200, "warning")):
        form = dict(alert_form(code, level=level).items())
        assert client.post("/alert", data=form, auth=("sms", "quite-long-enough")).status_code == 204

    shown = json.loads(run("overview", "--json").output)
    listed = json.loads(run("journal", "list", "--json").output)

    assert (shown["alerts of Twilio"], shown["last alert"].split(" ", 1)[1]) == ("2", "warning 11200")
    assert [(row["event"], row["status"], row["outcome"]) for row in listed] == [
        ("alert", "warning 11200", "unhandled"),
        ("alert", "error 30007", "unhandled"),
    ]
