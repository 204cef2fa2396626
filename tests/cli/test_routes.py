"""``routes`` and ``match``: the handlers, and the handler that a text would reach."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command_line import SETTINGS, run
from twiml_app.app import create_app
from twiml_app.logs import EventLine
from twiml_app.testing import Phone


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

    assert (result.exit_code, "opted out: Twilio answers STOP words itself" in result.output) == (1, True)
    assert answering.output.startswith("handlers.keywords.help_text()")


def test_match_without_a_matching_handler_exits_1(tmp_path: Path) -> None:
    """A script checks only the exit status."""
    (tmp_path / "wordless.py").write_text(
        "from twiml_app import Router\nrouter = Router()\n"
        "@router.message('hi')\ndef hi(message): ...\nrouters = [router]\n"
    )
    os.chdir(tmp_path)

    result = run("match", "bye", environment={"TWIML_HANDLERS": "wordless"})

    assert (result.exit_code, "unhandled: no handler matches" in result.output) == (1, True)


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        pytest.param("hours", {}, id="handler"),
        pytest.param("stop", {}, id="opt-out"),
        pytest.param("start", {}, id="opt-in"),
        pytest.param("stop", {"TWIML_OPT_OUT_NUMBERS": "+15005550006"}, id="number that answers STOP"),
        pytest.param("hours", {"TWIML_BLOCKED": "+15005550001"}, id="blocked"),
        pytest.param("stop", {"TWIML_BLOCKED": "+15005550001"}, id="blocked opt-out"),
        pytest.param("nothing", {"TWIML_HANDLERS": "tests.cli.few_handlers"}, id="unhandled"),
    ],
)
def test_match_reports_the_outcome_of_the_receiver(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, text: str, settings: dict[str, str]
) -> None:
    """Somebody who asks why nothing was sent compares it with the log, so both use the same names."""
    caplog.set_level("INFO", logger="twiml_app")
    for name, value in (SETTINGS | settings).items():
        monkeypatch.setenv(name, value)
    found = json.loads(run("match", text, "--json").stdout)
    caplog.clear()
    Phone(create_app({"TWIML_DATABASE_URL": "off"})).text(text)
    (logged,) = [record.msg.fields for record in caplog.records if isinstance(record.msg, EventLine)]

    assert found["outcome"] == logged["outcome"]
    assert (found["handler"] or ",".join(found["opt_out_handlers"])) == logged.get("handler", "")


def test_match_uses_the_settings_of_an_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that answers STOP words itself may be named in the configuration of the application only."""
    (tmp_path / "configured.py").write_text(
        "from twiml_app.app import create_app\n"
        "app = create_app({'TWIML_OPT_OUT_NUMBERS': '+15005550006', 'TWIML_DATABASE_URL': 'off'})\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    result = run("match", "stop", "--app", "configured", "--json", environment=SETTINGS)
    del sys.modules["configured"]

    assert json.loads(result.stdout)["outcome"] == "replied"


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


CONDITIONAL = """
from flask import current_app
from twiml_app import Router

router = Router()

def is_open(message):
    return current_app.config["OPEN"]

def is_known(message):
    return {}[message.contact]

@router.message("open", when=is_open)
def opened(message): ...

@router.message("known", when=is_known)
def known(message): ...

@router.default
def other(message): ...

routers = [router]

def app():
    from flask import Flask
    from twiml_app.app import Twiml
    made = Flask("conditional")
    made.config.update(OPEN=True, TWIML_DATABASE_URL="off", TWIML_CREDENTIALS="sms:quite-long-enough")
    Twiml(made, router=Router(router))
    return made
"""


@pytest.fixture
def conditional(tmp_path: Path) -> Iterator[Path]:
    """Yield the module of a project whose handlers have conditions."""
    (tmp_path / "conditional.py").write_text(CONDITIONAL)
    os.chdir(tmp_path)
    yield tmp_path / "conditional.py"
    del sys.modules["conditional"]


@pytest.mark.usefixtures("conditional")
def test_condition_may_use_the_application() -> None:
    """Conditions read the configuration and the database, which need the application context."""
    named = run("match", "open", "--app", "conditional:app", "--json")
    missing = run("match", "open", environment={"TWIML_HANDLERS": "conditional"})

    assert (named.exit_code, json.loads(named.stdout)["handler"]) == (0, "conditional.opened")
    assert (missing.exit_code, missing.stderr.count("\n")) == (1, 1)
    assert "when=conditional.is_open raised KeyError: 'OPEN'" in missing.stderr


def test_condition_that_raises_is_one_line_with_its_name(conditional: Path) -> None:
    """The receiver would answer such a message with 500, so match must name the function to repair."""
    arguments = ["--app", "conditional:app", "--contact", "+15005550009"]

    result, other = run("match", "known", *arguments), run("match", "bye", *arguments, "--json")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "when=conditional.is_known raised KeyError: '+15005550009'" in result.stderr
    assert f"{conditional}:16 conditional.known" in result.stderr
    assert json.loads(other.stdout)["handler"] == "conditional.other"


def test_match_does_not_try_handlers_after_the_one_that_runs(tmp_path: Path) -> None:
    """Their conditions may be slow or raise an exception, and the receiver does not ask them either."""
    (tmp_path / "shadowed.py").write_text(
        "from twiml_app import Router\nrouter = Router()\n"
        "@router.message('hi')\ndef first(message): ...\n"
        "@router.message(when=lambda message: 1 / 0)\ndef second(message): ...\nrouters = [router]\n"
    )
    os.chdir(tmp_path)

    result = run("match", "hi", "--json", environment={"TWIML_HANDLERS": "shadowed"})

    assert [route["verdict"] for route in json.loads(result.stdout)["routes"]] == [
        "runs",
        "no: an earlier handler matches",
    ]


def test_routes_of_every_kind_are_listed() -> None:
    """Opt-outs and status callbacks have handlers too, which the order of message handlers does not show."""
    rows = json.loads(run("routes", "--json").output)

    assert [event for event, _ in itertools.groupby(row["event"] for row in rows)] == [
        "opt-out",
        "message",
        "dialog",
        "status",
    ]
    assert "handlers.deliveries.arrived" in {row["handler"] for row in rows if row["event"] == "status"}


REACTION = "Liked “See you at noon”"


def test_match_reports_that_a_reaction_reaches_nobody() -> None:
    """Without this, nobody would understand why the default handler does not run."""
    result, found = run("match", REACTION), json.loads(run("match", REACTION, "--json").output)

    assert result.exit_code == 1
    assert 'the text is a reaction: 👍 like, to "See you at noon"\nreaction: the text is' in result.output
    assert (found["outcome"], found["handler"], found["reaction"]["kind"]) == ("reaction", None, "like")
    assert {row["verdict"] for row in found["routes"]} == {"no: the text is a reaction"}


def test_handler_of_reactions_is_listed_and_matched(tmp_path: Path) -> None:
    """It comes before all others, and takes nothing else."""
    (tmp_path / "reacting.py").write_text(
        "from twiml_app import Router\nrouter = Router()\n"
        "@router.reaction\ndef confirm(message): ...\n@router.default\ndef other(message): ...\n"
        "@router.alert(11200)\ndef alarm(alert): ...\nrouters = [router]\n"
    )
    os.chdir(tmp_path)
    settings = {"TWIML_HANDLERS": "reacting"}

    listed = json.loads(run("routes", "--json", environment=settings).output)
    matched = run("match", "Removed a like from an image", environment=settings)
    other = run("match", "hello", environment=settings)

    assert [(row["event"], row["for"], row["handler"]) for row in listed][-1] == ("alert", "11200", "reacting.alarm")
    assert next((row["event"], row["for"], row["handler"]) for row in listed) == (
        "reaction",
        "(reaction)",
        "reacting.confirm",
    )
    assert matched.output.startswith("reacting.confirm()")
    assert "the text is a reaction: 👍 like, removed, to a picture\nreplied:" in matched.output
    assert "no: the text is not a reaction" in other.output


def test_match_names_the_handler_of_conversations_that_a_person_answers(tmp_path: Path) -> None:
    """While that is so, no other handler gets the text."""
    (tmp_path / "handing.py").write_text(
        "from twiml_app import Router\nrouter = Router()\n"
        "@router.handed_off\ndef for_the_desk(message): ...\n@router.default\ndef other(message): ...\n"
        "routers = [router]\n"
    )
    os.chdir(tmp_path)
    settings = {"TWIML_HANDLERS": "handing"}

    assert "while a person answers: handing.for_the_desk instead" in run("match", "hello", environment=settings).output
    found = json.loads(run("match", "hello", "--json", environment=settings).output)
    assert (found["handler"], found["handed_off"]) == ("handing.other", "handing.for_the_desk")
