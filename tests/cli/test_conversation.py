"""``conversation``: one person's whole conversation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command_line import run
from tests.cli.projects import SENT
from tests.webhook_requests import BASIC
from twiml_app import Conversation, InboundMessage, Router, send
from twiml_app.app import build_app
from twiml_app.testing import Phone

CONTACT = "+15005550001"


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Phone]:
    """A phone that texts a project with state, in the working directory."""
    router = Router()

    @router.message("agent")
    def agent(message: InboundMessage, conversation: Conversation) -> str:
        conversation.hand_off()
        return "wait"

    @router.handed_off
    def keep(message: InboundMessage) -> None: ...

    @router.default
    def remember(message: InboundMessage, conversation: Conversation) -> str:
        conversation["last"] = message.body
        send(message.contact, "later", from_=message.number)
        return f"you said {message.body}"

    monkeypatch.chdir(tmp_path)
    for name, value in BASIC.items():
        monkeypatch.setenv(name, value)
    app = build_app({**BASIC}, tmp_path, router=router)
    yield Phone(app, contact=CONTACT)
    app.extensions["twiml"].engine.close()


def test_it_shows_texts_replies_sends_and_state(phone: Phone) -> None:
    """Somebody calls, and wants to know why the program said that."""
    phone.text("hello")
    shown = json.loads(run("conversation", CONTACT, "--json").output)
    table = run("conversation", CONTACT).output

    said = {(each["what"], each["outcome"], each["text"]) for each in shown["texts"]}
    assert said == {("text", "replied", "hello"), ("reply", "", "you said hello"), ("send", "waiting", "later")}
    (state,) = shown["conversations"]
    assert (state["sender"], state["state"], state["dialog"]) == ("+*******0006", {"last": "hello"}, None)
    assert "you said hello" in table
    assert 'state: {"last": "hello"}' in table


def test_it_shows_why_replies_do_not_arrive(phone: Phone) -> None:
    """The person says that nobody answers, and the program has answered every text."""
    phone.text("hello")
    phone.status(SENT, "undelivered", error_code=21610)
    shown = json.loads(run("conversation", CONTACT, "--json").output)
    table = run("conversation", CONTACT).output

    failures = [each for each in shown["texts"] if each["what"] == "delivery"]
    assert [(each["outcome"], each["text"]) for each in failures] == [
        ("undelivered", "21610 attempt to send to unsubscribed recipient")
    ]
    (opt_out,) = shown["opt-outs"]
    assert (opt_out["opted out of"], opt_out["by"]) == ("+*******0006", "21610")
    assert "opted out of: +*******0006" in table


def test_it_lets_the_handlers_answer_again(phone: Phone) -> None:
    """The person who took over may have no handler for that."""
    phone.text("agent")
    (state,) = json.loads(run("conversation", CONTACT, "--json").output)["conversations"]
    assert state["handed off until"]
    assert phone.text("hello").texts == []
    resumed, again = (run("conversation", CONTACT, "--resume") for _ in range(2))

    assert resumed.output == "the handlers answer again: 1 resumed\n"
    assert again.output == "the handlers answer again: 0 resumed\n"
    assert phone.text("hello").text == "you said hello"


def test_unknown_number_is_said_to_be_unknown(phone: Phone) -> None:
    """A number may be mistyped."""
    phone.text("hello")

    assert run("conversation", "+15005550009").output == "nothing is known about this number\n"
