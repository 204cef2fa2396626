"""The fallback URL returns the stored answer or the apology, and runs no handler."""

from __future__ import annotations

import logging

import pytest

from tests.receiver.programs import EMPTY, Memory, Program, text, twiml
from tests.webhook_requests import authorized, webhook
from twiml_app.caller.forms import inbound_form
from twiml_app.receiver.claims import StoredReply
from twiml_app.webhook import TWIML_TYPE, Form, WebhookResponse

STORED = StoredReply(WebhookResponse(status=200, body=b"<stored/>", content_type=TWIML_TYPE), "orders.order")
SORRY = twiml("<Message><Body>Sorry</Body></Message>")


@pytest.mark.parametrize(
    ("apology", "document"),
    [
        pytest.param("", EMPTY, id="nothing"),
        pytest.param("Sorry", SORRY, id="apology"),
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        pytest.param(inbound_form("hello"), id="message"),
        pytest.param(
            inbound_form("fail", fields={"ErrorCode": "11200", "ErrorUrl": "https://x/"}), id="as Twilio calls it"
        ),
    ],
)
def test_fallback_url_runs_no_handler(
    program: Program, caplog: pytest.LogCaptureFixture, form: Form, apology: str, document: bytes
) -> None:
    """A handler that failed would fail again, or would do its work twice."""
    answer = program.receiver({"TWIML_APOLOGY": apology}).handle(authorized(webhook(form, endpoint="fallback")))

    assert (answer.status, answer.body) == (200, document)
    assert program.called == []
    assert caplog.records[-1].levelno == logging.WARNING


@pytest.mark.parametrize(
    ("error_code", "document"),
    [
        pytest.param("11200", b"<stored/>", id="transport error"),
        pytest.param("11205", b"<stored/>", id="no connection"),
        pytest.param("", b"<stored/>", id="no code"),
        pytest.param("12100", SORRY, id="document that is not XML"),
        pytest.param("12300", SORRY, id="content type"),
        pytest.param("14103", SORRY, id="verb"),
    ],
)
def test_fallback_returns_the_stored_answer_unless_that_answer_failed(
    program: Program, error_code: str, document: bytes
) -> None:
    """After a timeout the answer is stored; but a document that Twilio refused would be refused again."""
    journal = Memory()
    journal.reply = STORED
    receiver = program.receiver({"TWIML_APOLOGY": "Sorry"}, journal=journal)

    assert receiver.handle(text("hello", endpoint="fallback", ErrorCode=error_code)).body == document


@pytest.mark.parametrize(
    ("journal", "stored"),
    [
        pytest.param(Memory(), ["finish"], id="stored"),
        pytest.param(Memory(down="claim"), [], id="down"),
        pytest.param(Memory(down="finish"), [], id="down when the answer is stored"),
        pytest.param(Memory(down="running"), [], id="still running"),
    ],
)
def test_fallback_without_a_stored_answer_apologizes_even_without_the_journal(
    program: Program, journal: Memory, stored: list[str]
) -> None:
    """It is the last URL that Twilio calls, and the message may not have reached the others."""
    receiver = program.receiver({"TWIML_APOLOGY": "Sorry"}, journal=journal)

    assert receiver.handle(text("hello", endpoint="fallback", ErrorCode="11200")).body == SORRY
    assert [method for method, *_ in journal.stored] == stored


@pytest.mark.parametrize("form", [Form(), Form([("CallSid", "CA1")])], ids=["nothing", "voice"])
def test_fallback_url_answers_other_webhooks_with_nothing(program: Program, form: Form) -> None:
    """An apology in answer to a voice webhook would be read aloud, or be an error."""
    journal = Memory()
    receiver = program.receiver({"TWIML_APOLOGY": "Sorry"}, journal=journal)

    assert receiver.handle(authorized(webhook(form, endpoint="fallback"))).body == EMPTY
    assert [method for method, *_ in journal.stored] == ["finish"]


def test_repeated_fallback_request_gets_the_same_answer(program: Program) -> None:
    """Twilio may repeat this request too, and a silenced answer must stay silent."""
    receiver = program.receiver({"TWIML_APOLOGY": "Sorry"}, journal=Memory(claimed=STORED))

    assert receiver.handle(text("hello", endpoint="fallback", ErrorCode="11200")).body == STORED.response.body
