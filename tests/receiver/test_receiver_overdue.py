"""Overdue answers: a handler that takes longer than Twilio waits is reported, and its answer is stored."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from tests.receiver.programs import Deliveries, Memory, Program, status, text, twiml
from tests.webhook_requests import BASIC, read_settings
from twiml_app.receiver.receiver import Receiver
from twiml_app.webhook import WebhookRequest


def steps(*times: float) -> Callable[[], float]:
    """Return a clock that shows these times, one after the other."""
    ticks = iter(times)
    return lambda: next(ticks)


@pytest.mark.parametrize(
    ("seconds", "outcome", "level"),
    [
        pytest.param(15.0, "replied", logging.INFO, id="at the limit"),
        pytest.param(15.001, "overdue", logging.WARNING, id="after the limit"),
    ],
)
def test_answer_after_twilios_limit_is_logged_as_a_warning(
    program: Program, caplog: pytest.LogCaptureFixture, seconds: float, outcome: str, level: int
) -> None:
    """Twilio has given up by then, so the customer gets nothing although the handler succeeded."""
    answer = program.receiver(clock=steps(0.0, seconds)).handle(text("hello"))

    assert answer.body == twiml("<Message><Body>you said hello</Body></Message>")
    assert caplog.records[-1].levelno == level
    assert f"outcome={outcome} ms=150" in caplog.records[-1].getMessage()


def test_overdue_answer_is_stored_for_a_retry(program: Program) -> None:
    """The handler has done its work, so a retry or the fallback URL must send its answer."""
    journal = Memory()
    answer = program.receiver(journal=journal, clock=steps(0.0, 0.0, 0.0, 16.0, 16.5)).handle(text("hello"))
    ((method, _, outcome),) = journal.stored

    assert (method, outcome.name, outcome.response, outcome.milliseconds) == ("finish", "overdue", answer, 16000.0)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param(text("silent"), "overdue", id="no reply"),
        pytest.param(text("STOP"), "overdue", id="opt-out"),
        pytest.param(text("fail"), "apologized", id="apology"),
        pytest.param(text("hello", endpoint="fallback"), "fallback", id="fallback URL"),
    ],
)
def test_only_messages_that_handlers_answered_are_overdue(
    program: Program, caplog: pytest.LogCaptureFixture, request_: WebhookRequest, expected: str
) -> None:
    """Other outcomes already say that something is wrong."""
    program.receiver({"TWIML_APOLOGY": "Sorry"}, clock=steps(0.0, 20.0)).handle(request_)

    assert f"outcome={expected} " in caplog.records[-1].getMessage()


def test_failure_is_not_hidden_by_a_late_answer(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """An exception is the more important fact, and releases the claim."""
    journal = Memory()
    program.receiver(journal=journal, clock=steps(0.0, 0.0, 0.0, 20.0, 20.0)).handle(text("fail"))

    assert [(method, outcome.name) for method, _, outcome in journal.stored] == [("fail", "failed")]
    assert "outcome=failed" in caplog.records[-1].getMessage()


def test_slow_status_handler_is_not_overdue(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for the answer to a status callback, and its handlers have done their work."""
    receiver = Receiver(Deliveries().router, read_settings(BASIC), clock=steps(0.0, 20.0))
    receiver.handle(status("delivered"))

    assert "outcome=handled" in caplog.records[-1].getMessage()
