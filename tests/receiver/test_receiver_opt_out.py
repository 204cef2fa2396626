"""Opt-out: contacts who opted out or are blocked get no reply."""

from __future__ import annotations

import pytest

from tests.receiver.programs import EMPTY, Program, text, twiml
from tests.webhook_requests import BASIC, read_settings
from twiml_app import InboundMessage, Router
from twiml_app.caller.forms import CONTACT, NUMBER
from twiml_app.receiver.receiver import Receiver
from twiml_app.webhook import WebhookResponse


@pytest.mark.parametrize("apology", ["", "Sorry"])
@pytest.mark.parametrize("word", ["STOP", " stop\n", "StopAll", "unsubscribe", "CANCEL", "end", "Quit", "optout"])
def test_stop_word_reaches_its_handler_and_nothing_is_sent(program: Program, word: str, apology: str) -> None:
    """Twilio answers it itself, and refuses messages that are sent afterwards."""
    answer = program.receiver({"TWIML_APOLOGY": apology}).handle(text(word))

    assert (answer.status, answer.body) == (200, EMPTY)
    assert program.called == [f"notified {word}"]


def test_stop_of_advanced_opt_out_reaches_its_handler_with_any_word(program: Program) -> None:
    """A service may have its own words, in any language, and sends their kind."""
    answer = program.receiver().handle(text("ARRETE", OptOutType="STOP"))

    assert (answer.body, program.called) == (EMPTY, ["notified ARRETE"])


@pytest.mark.parametrize("word", ["start", "YES", "unstop", "help", "INFO"])
def test_start_and_help_reach_their_handlers_and_then_the_routes(program: Program, word: str) -> None:
    """Messages can be sent after these words, and the program may have its own answer."""
    answer = program.receiver().handle(text(word))

    assert answer.body == twiml(f"<Message><Body>you said {word}</Body></Message>")
    assert program.called == [f"notified {word}", f"echo {word}"]


def test_number_may_answer_opt_out_words_itself(program: Program) -> None:
    """Twilio does not handle opt-out for short codes, so the program must confirm it."""
    receiver = program.receiver({"TWIML_OPT_OUT_NUMBERS": f"12345 {NUMBER}"})

    assert receiver.handle(text("STOP")).body == twiml("<Message><Body>you said STOP</Body></Message>")
    assert program.called == ["notified STOP", "echo STOP"]
    assert receiver.handle(text("STOP", To="+15005550009")).body == EMPTY


def test_no_apology_is_sent_after_stop() -> None:
    """The handler fails, but the contact has opted out and must get no more messages."""
    router = Router()

    @router.opt_out
    def left(message: InboundMessage) -> None:
        raise OSError("the list is down")

    receiver = Receiver(router, read_settings(BASIC, {"TWIML_APOLOGY": "Sorry"}))

    assert receiver.handle(text("STOP")) == WebhookResponse.line(500, "the handler failed")
    assert receiver.handle(text("STOP", endpoint="fallback", ErrorCode="11200")).body == EMPTY


def test_blocked_contact_is_never_answered(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a handler nor an apology may answer a contact whom the operator has blocked."""
    receiver = program.receiver({"TWIML_BLOCKED": CONTACT, "TWIML_APOLOGY": "Sorry"})

    for body in ("hello", "fail", "stop"):
        assert receiver.handle(text(body)).body == EMPTY
    assert receiver.handle(text("hello", endpoint="fallback")).body == EMPTY
    assert (program.called, program.errors) == ([], [])
    assert "outcome=blocked" in caplog.text
