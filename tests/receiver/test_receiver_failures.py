"""Failing handlers: Twilio gets an answer that it can act on, and the operator gets the error."""

from __future__ import annotations

import logging

import pytest

from tests.receiver.programs import Program, name_of, text, twiml
from tests.webhook_requests import BASIC, read_settings
from twiml_app import InboundMessage, Router, StatusCallback
from twiml_app.errors import ConfigurationError
from twiml_app.receiver.receiver import Receiver
from twiml_app.webhook import TWIML_TYPE, WebhookResponse


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param("fail", "ValueError: a bug", id="handler that raises"),
        pytest.param(
            "long",
            f"ReplyError: {name_of(Program, 'long')} returned a text of 1601"
            " UTF-16 units: Twilio sends 1600, and Message(text, split=True) cuts it into several",
            id="reply that Twilio would not send",
        ),
    ],
)
def test_handler_that_fails_answers_500_and_is_reported(
    program: Program, caplog: pytest.LogCaptureFixture, body: str, error: str
) -> None:
    """Twilio calls the fallback URL only for an error status, and somebody has to see the traceback."""
    answer = program.receiver().handle(text(body))

    assert answer == WebhookResponse.line(500, "the handler failed")
    assert [f"{type(each).__name__}: {each}" for each in program.errors] == [error]
    assert error in caplog.text
    assert caplog.records[-1].levelno == logging.WARNING
    assert f"<locals>.{body} outcome=failed" in caplog.records[-1].getMessage()


def test_condition_that_fails_is_not_blamed_on_another_handler(caplog: pytest.LogCaptureFixture) -> None:
    """One function is called for START; the one that fails is another."""
    router, errors = Router(), list[Exception]()

    @router.opt_out("START")
    def told(message: InboundMessage) -> None: ...

    def broken(message: InboundMessage) -> bool:
        raise KeyError(message.body)

    @router.message(when=broken)
    def never(message: InboundMessage) -> None: ...

    receiver = Receiver(router, read_settings(BASIC), on_exception=errors.append)

    assert receiver.handle(text("start")).status == 500
    assert [type(error) for error in errors] == [KeyError]
    assert "a condition of a route failed: KeyError" in caplog.text
    assert "told" not in caplog.records[-1].getMessage()


def test_apology_is_sent_instead_of_the_error(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """The sender is not left without a word, and the operator still learns of it."""

    @program.router.status("delivered")
    def delivered(status: StatusCallback) -> None: ...

    answer = program.receiver({"TWIML_APOLOGY": "Sorry & later"}).handle(text("fail"))

    assert (answer.status, answer.content_type) == (200, TWIML_TYPE)
    assert answer.body == twiml("<Message><Body>Sorry &amp; later</Body></Message>")
    assert len(program.errors) == 1
    assert "outcome=apologized" in caplog.text


@pytest.mark.parametrize("apology", [pytest.param("x" * 1601, id="too long"), pytest.param("<Response/>", id="markup")])
def test_apology_that_cannot_be_sent_is_refused_at_the_start(program: Program, apology: str) -> None:
    """It would show on the day when everything else has failed already."""
    with pytest.raises(ConfigurationError, match=r"^TWIML_APOLOGY: returned a "):
        program.receiver({"TWIML_APOLOGY": apology})


def test_error_tracker_that_is_down_changes_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    """A failing error tracker must not make a failure worse."""
    program = Program()

    def broken(error: Exception) -> None:
        raise OSError("tracker is down")

    receiver = Receiver(program.router, read_settings(BASIC, {"TWIML_APOLOGY": "Sorry"}), on_exception=broken)

    assert receiver.handle(text("fail")).body == twiml("<Message><Body>Sorry</Body></Message>")
    assert "what is told of exceptions failed: OSError" in caplog.text
