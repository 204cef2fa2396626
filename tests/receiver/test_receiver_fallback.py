"""Fallback URL: the stored answer or the apology, and no handler runs."""

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
    """What has failed once would fail again, or be done twice."""
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
def test_fallback_gives_the_stored_answer_unless_it_was_the_answer_that_failed(
    program: Program, error_code: str, document: bytes
) -> None:
    """After a time-out the answer is there; a document that Twilio refused would be refused again."""
    journal = Memory()
    journal.reply = STORED
    receiver = program.receiver({"TWIML_APOLOGY": "Sorry"}, journal=journal)

    assert receiver.handle(text("hello", endpoint="fallback", ErrorCode=error_code)).body == document


@pytest.mark.parametrize(
    ("journal", "kept"),
    [
        pytest.param(Memory(), ["finish"], id="kept"),
        pytest.param(Memory(down="claim"), [], id="down"),
        pytest.param(Memory(down="finish"), [], id="down at the end"),
        pytest.param(Memory(down="running"), [], id="still running"),
    ],
)
def test_fallback_without_a_stored_answer_apologizes_whatever_the_journal_says(
    program: Program, journal: Memory, kept: list[str]
) -> None:
    """It is the last URL that Twilio calls; and the text may have come only this way."""
    receiver = program.receiver({"TWIML_APOLOGY": "Sorry"}, journal=journal)

    assert receiver.handle(text("hello", endpoint="fallback", ErrorCode="11200")).body == SORRY
    assert [method for method, *_ in journal.said] == kept


@pytest.mark.parametrize("form", [Form(), Form([("CallSid", "CA1")])], ids=["nothing", "voice"])
def test_fallback_url_answers_other_webhooks_with_nothing(program: Program, form: Form) -> None:
    """An apology to a voice webhook would be sent to nobody, or read aloud."""
    journal = Memory()
    receiver = program.receiver({"TWIML_APOLOGY": "Sorry"}, journal=journal)

    assert receiver.handle(authorized(webhook(form, endpoint="fallback"))).body == EMPTY
    assert [method for method, *_ in journal.said] == ["finish"]


def test_repeated_fallback_request_gets_what_it_got(program: Program) -> None:
    """Twilio may repeat this request too: what was silenced once stays silent."""
    receiver = program.receiver({"TWIML_APOLOGY": "Sorry"}, journal=Memory(claimed=STORED))

    assert receiver.handle(text("hello", endpoint="fallback", ErrorCode="11200")).body == STORED.response.body
