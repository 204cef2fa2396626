"""``send`` and ``sends``, and what ``overview`` and ``journal`` show of messages that are sent first."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command_line import run
from tests.sending.bot import CONTACT, SETTINGS, Bot, Scripted, serving
from twiml_app.caller import NUMBER
from twiml_app.sending import Answer

MASKED = "+*******5310"


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bot]:
    """Yield a bot, with its settings in the environment."""
    database = f"sqlite:///{tmp_path}/twiml.db"
    with serving(database) as bot:
        for name, value in (SETTINGS | {"TWIML_DATABASE_URL": database, "TWIML_API_URL": bot.twilio.url}).items():
            monkeypatch.setenv(name, value)
        yield bot


def test_send_prints_the_sid_of_the_message(bot: Bot) -> None:
    """On call, one command must be enough to reach somebody."""
    done = run("send", CONTACT, "We open at ten.")

    (message,) = bot.twilio.outbox
    assert (done.exit_code, done.output) == (0, f"{message.sid}  accepted\n")
    assert (message.body, message.from_, message.to) == ("We open at ten.", NUMBER, CONTACT)


def test_send_takes_a_sender_media_and_a_key(bot: Bot) -> None:
    """What ``send`` does in Python."""
    options = ("--from", "40404", "--key", "open", "--json")
    first, second = (json.loads(run("send", CONTACT, "hi", *options).output) for _ in range(2))

    assert first == second == {"id": first["id"], "state": "accepted", "sid": bot.twilio.outbox[0].sid, "problem": ""}
    assert bot.twilio.outbox[0].from_ == "40404"


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        pytest.param(("555", "hi"), "Error: to is '555': give a number", id="address"),
        pytest.param((CONTACT, ""), "Error: body is empty", id="no text"),
    ],
)
def test_send_says_what_is_wrong(bot: Bot, arguments: tuple[str, ...], output: str) -> None:
    """One line, without a trace."""
    done = run("send", *arguments)

    assert (done.exit_code, done.output[: len(output)]) == (1, output)


def test_send_that_twilio_refuses_fails(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit status is for scripts."""
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "wrong")
    done = run("send", CONTACT, "hi")

    assert done.exit_code == 1
    assert "failed  the API answered 401" in done.output


def test_send_without_the_library_stores_nothing(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that was reported as an error must not leave hours later, once somebody installs the library."""
    monkeypatch.setitem(sys.modules, "twilio.rest", None)
    done = run("send", CONTACT, "hi")

    assert (done.exit_code, bot.rows()) == (1, [])
    assert "pip install 'twiml-app[send]'" in done.output


def test_paused_message_waits_and_the_list_says_so(bot: Bot) -> None:
    """The command must not leave before the stop button is released."""
    paused = run("sends", "pause", "--all")
    bot.send("waits", key="campaign:1")
    bot.sending.drain()
    listed = run("sends", "list")
    resumed = run("sends", "resume", "--all")
    bot.sending.drain()

    assert paused.output == "paused: all messages (0 messages wait in all)\n"
    assert "paused since" in listed.output
    assert MASKED in listed.output
    assert CONTACT not in listed.output
    assert CONTACT in run("sends", "list", "--unmasked").output
    assert resumed.output == "1 pauses ended\n"
    assert bot.texts() == ["waits"]


def test_resume_says_what_is_still_paused(bot: Bot) -> None:
    """Otherwise somebody waits for messages that do not leave."""
    run("sends", "pause", "--sender", "+1 500 555-0006")
    run("sends", "pause", "--key", "campaign:")
    done = run("sends", "resume", "--sender", NUMBER)

    assert done.output == "1 pauses ended\nstill paused: keys that begin with campaign:\n"
    assert run("sends", "resume", "--sender", NUMBER).exit_code == 1


def test_cancel_withdraws_what_waits(bot: Bot) -> None:
    """It asks first, as it cannot be undone."""
    run("sends", "pause", "--all")
    bot.send("a", key="campaign:1")
    bot.send("b", key="reminder:1")

    assert run("sends", "cancel", "--key", "campaign:").exit_code == 1
    assert run("sends", "cancel", "--key", "campaign:", "--yes").output == "1 messages cancelled\n"
    states = {row["key"]: row["state"] for row in json.loads(run("sends", "list", "--json").output)["sends"]}
    assert states == {"campaign:1": "cancelled", "reminder:1": "waiting"}


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param((), id="nothing"),
        pytest.param(("--all", "--key", "a"), id="two"),
        pytest.param(("--sender", "me"), id="no sender"),
    ],
)
@pytest.mark.parametrize("command", ["pause", "resume", "cancel"])
def test_one_selection_is_required(bot: Bot, command: str, arguments: tuple[str, ...]) -> None:
    """A mistyped command must not stop everything."""
    assert run("sends", command, *arguments).exit_code == 2


def test_failed_sends_are_in_the_overview_and_the_journal_and_are_sent_again(bot: Bot) -> None:
    """Who is on call looks there first."""
    bot.sending.dispatcher.api = Scripted(Answer("failed", error_code=30002, problem="the account is suspended"))
    bot.send("hi")
    bot.sending.drain()

    assert "sends failed          1\n" in run("overview").output
    (row,) = json.loads(run("journal", "list", "--failed", "--json").output)
    assert (row["event"], row["outcome"], row["status"], row["contact"]) == ("send", "failed", "30002", MASKED)
    assert json.loads(run("journal", "list", "--json").output) == []
    assert json.loads(run("journal", "list", "--failed", "--handler", "a", "--json").output) == []
    assert run("journal", "retry").output == "1 sends wait again\n0 retried, 0 failed again\n"
    assert bot.rows() == [("hi", "waiting")]
