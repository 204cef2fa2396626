"""Failing handlers: Twilio gets a useful answer, and the operator gets the error."""

from __future__ import annotations

import logging

import pytest

from tests.receiver.programs import Program, name_of, text, twiml
from tests.webhook_requests import BASIC, read_settings
from twiml_app import InboundMessage, Router, StatusCallback
from twiml_app.errors import ConfigurationError
from twiml_app.receiver import Hooks
from twiml_app.receiver.receiver import Receiver
from twiml_app.webhook import TWIML_TYPE, WebhookResponse


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param("fail", "ValueError: a bug", id="handler that raises"),
        pytest.param(
            "long",
            f"ReplyError: {name_of(Program, 'long')} returned text of 1601 UTF-16 units: Twilio sends at most 1600,"
            " and Message(text, split=True) splits it into several messages",
            id="reply that Twilio would not send",
        ),
    ],
)
def test_failed_handler_is_answered_with_500_and_reported(
    program: Program, caplog: pytest.LogCaptureFixture, body: str, error: str
) -> None:
    """Twilio calls the fallback URL only after an error status, and somebody must see the traceback."""
    answer = program.receiver().handle(text(body))

    assert answer == WebhookResponse.line(500, "the handler failed")
    assert [f"{type(each).__name__}: {each}" for each in program.errors] == [error]
    assert error in caplog.text
    assert caplog.records[-1].levelno == logging.WARNING
    assert f"<locals>.{body} outcome=failed" in caplog.records[-1].getMessage()


def test_failed_condition_is_not_reported_as_another_handler(caplog: pytest.LogCaptureFixture) -> None:
    """The handler of START succeeded before the condition failed."""
    router, errors = Router(), list[Exception]()

    @router.opt_out("START")
    def notified(message: InboundMessage) -> None: ...

    def broken(message: InboundMessage) -> bool:
        raise KeyError(message.body)

    @router.message(when=broken)
    def never(message: InboundMessage) -> None: ...

    receiver = Receiver(router, read_settings(BASIC), hooks=Hooks(on_exception=errors.append))

    assert receiver.handle(text("start")).status == 500
    assert [type(error) for error in errors] == [KeyError]
    assert "a condition of a route failed: KeyError" in caplog.text
    assert "notified" not in caplog.records[-1].getMessage()


def test_apology_is_sent_instead_of_the_error(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """The sender gets an answer, and the error is still reported."""

    @program.router.status("delivered")
    def delivered(status: StatusCallback) -> None: ...

    answer = program.receiver({"TWIML_APOLOGY": "Sorry & later"}).handle(text("fail"))

    assert (answer.status, answer.content_type) == (200, TWIML_TYPE)
    assert answer.body == twiml("<Message><Body>Sorry &amp; later</Body></Message>")
    assert len(program.errors) == 1
    assert "outcome=apologized" in caplog.text


@pytest.mark.parametrize("apology", [pytest.param("x" * 1601, id="too long"), pytest.param("<Response/>", id="markup")])
def test_invalid_apology_is_refused_at_the_start(program: Program, apology: str) -> None:
    """Otherwise it would fail when it is needed most."""
    with pytest.raises(ConfigurationError, match=r"^TWIML_APOLOGY: returned "):
        program.receiver({"TWIML_APOLOGY": apology})


def test_failing_exception_hook_does_not_change_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    """An error tracker that is down must not make a failure worse."""
    program = Program()

    def broken(error: Exception) -> None:
        raise OSError("tracker is down")

    receiver = Receiver(
        program.router, read_settings(BASIC, {"TWIML_APOLOGY": "Sorry"}), hooks=Hooks(on_exception=broken)
    )

    assert receiver.handle(text("fail")).body == twiml("<Message><Body>Sorry</Body></Message>")
    assert "the exception hook raised OSError" in caplog.text
