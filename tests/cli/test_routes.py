"""``routes`` and ``match``: the handlers, and the handler that a text would reach."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

from tests.cli.command_line import run


def test_routes_lists_handlers_with_their_places() -> None:
    """A new developer begins to read a project with this table."""
    rows = json.loads(run("routes", "--json").output)

    assert {name: row[name] for row in rows if row["handler"] == "handlers.orders.order" for name in list(row)[:3]} == {
        "event": "message",
        "for": '"order <int:count> <item>"',
        "handler": "handlers.orders.order",
    }
    assert "handlers/orders.py:10" in run("routes").output


def test_match_shows_which_handler_runs_and_why_the_others_do_not() -> None:
    """It should not be necessary to send a text to find out."""
    result = run("match", "Order 2 Coffee", "--json")

    found = json.loads(result.output)
    assert (result.exit_code, found["handler"], found["arguments"]) == (
        0,
        "handlers.orders.order",
        {"count": 2, "item": "Coffee"},
    )
    assert 'the text does not match "menu"' in str(found["routes"])
    assert "handlers.orders.order(count=2, item='Coffee')" in run("match", "Order 2 Coffee").output


def test_match_reports_that_twilio_handles_stop() -> None:
    """Without this, nobody would understand why the handler never runs."""
    result = run("match", "stop")
    answering = run("match", "stop", environment={"TWIML_OPT_OUT_NUMBERS": "+15005550006"})

    assert (result.exit_code, "This is a STOP word: Twilio answers it itself" in result.output) == (1, True)
    assert answering.output.startswith("handlers.keywords.help_text()")


def test_match_without_a_matching_handler_exits_1(tmp_path: Path) -> None:
    """A script checks only the exit status."""
    (tmp_path / "wordless.py").write_text(
        "from twiml_app import Router\nrouter = Router()\n"
        "@router.message('hi')\ndef hi(message): ...\nrouters = [router]\n"
    )
    os.chdir(tmp_path)

    result = run("match", "bye", environment={"TWIML_HANDLERS": "wordless"})

    assert (result.exit_code, "nothing would be sent" in result.output) == (1, True)


def test_match_takes_the_sender_the_media_and_the_query(tmp_path: Path) -> None:
    """A handler may depend on all of them, so all of them can be tried."""
    (tmp_path / "choosy.py").write_text(
        "from twiml_app import Router\nrouter = Router()\n"
        "@router.message(media='image/*', from_='+15005550009')\ndef picture(message): ...\n"
        "@router.message(query={'step': '2'})\ndef second(message): ...\nrouters = [router]\n"
    )
    os.chdir(tmp_path)
    environment = {"TWIML_HANDLERS": "choosy"}
    options = [("--media", "image/png", "--contact", "+15005550009"), ("--query", "step=2"), ("--media", "image/png")]

    found = [json.loads(run("match", "", *each, "--json", environment=environment).stdout) for each in options]

    assert [each["handler"] for each in found] == ["choosy.picture", "choosy.second", None]
    assert all(route["verdict"].startswith("no: ") for route in found[2]["routes"])


def test_routes_of_every_kind_are_listed() -> None:
    """Opt-outs and status callbacks have handlers too, which the order of message handlers does not show."""
    rows = json.loads(run("routes", "--json").output)

    assert [event for event, _ in itertools.groupby(row["event"] for row in rows)] == ["opt-out", "message", "status"]
    assert "handlers.deliveries.arrived" in {row["handler"] for row in rows if row["event"] == "status"}
