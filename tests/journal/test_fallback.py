"""The fallback URL runs no handler: it returns the stored reply of the URL that failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journal.program import Clock, Program, bodies, claim_message, replied
from tests.webhook_requests import SID
from twiml_app.caller.forms import inbound_form
from twiml_app.journal.archive import Filter
from twiml_app.webhook import Form, WebhookResponse


def fall_back(program: Program, code: int) -> WebhookResponse:
    """Call the fallback URL as Twilio does after a failure."""
    error = {"ErrorCode": str(code), "ErrorUrl": "https://sms.example.com/message"}
    return program.send(inbound_form("hello", message_sid=SID, fields=error), endpoint="fallback")


def test_fallback_returns_the_stored_reply_after_a_transport_error(program: Program) -> None:
    """The reply exists and only got lost in transit: the handler must not run again."""
    first = program.text()

    assert fall_back(program, 11200) == first
    assert len(program.ran) == 1


@pytest.mark.parametrize("code", [12100, 12300, 14103])
def test_fallback_never_returns_the_document_that_failed(database_url: str, code: int) -> None:
    """The same bytes would fail again."""
    program = Program(database_url, TWIML_APOLOGY="Sorry!")
    program.text()

    assert bodies(fall_back(program, code)) == ["Sorry!"]


def test_fallback_never_returns_the_reply_to_another_person(program: Program) -> None:
    """Without a sid, the message is not known, so no stored reply may be returned."""
    program.send(Form([("From", "+15005550001"), ("To", "+15005550006"), ("Body", "private")]))
    other = [("From", "+15005550002"), ("To", "+15005550006"), ("Body", "x")]
    error = [("ErrorCode", "11200"), ("ErrorUrl", "https://sms.example.com/message")]

    assert bodies(program.send(Form(other + error), endpoint="fallback")) == []


def test_fallback_finds_the_reply_to_a_get_webhook(program: Program) -> None:
    """For GET the URL that was called contains the whole form, and the URL that Twilio names does not."""
    first = program.send(inbound_form("hello", message_sid=SID), method="GET")

    assert fall_back(program, 11200) == first


def test_fallback_never_returns_the_reply_of_another_url(database_url: str) -> None:
    """The next step never arrived, and the reply of the previous step would be sent twice."""
    program = Program(database_url, TWIML_RECORD="failed")
    program.text()
    error = {"ErrorCode": "11205", "ErrorUrl": "https://sms.example.com/message?step=2"}

    answer = program.send(inbound_form("hello", message_sid=SID, fields=error), endpoint="fallback")

    assert bodies(answer) == []


@pytest.mark.parametrize("url", ["http://[", "//[", "", "http://a\u2100b/message"])
def test_fallback_takes_any_string_as_the_url_that_failed(program: Program, url: str) -> None:
    """ErrorUrl comes from outside, and nothing in it may break the fallback."""
    program.text()

    answer = program.send(
        inbound_form(message_sid=SID, fields={"ErrorCode": "11200", "ErrorUrl": url}), endpoint="fallback"
    )

    assert answer.status == 200


def test_fallback_without_a_stored_reply_apologizes_and_keeps_the_text(database_url: str) -> None:
    """The message may have arrived only at the fallback URL, and must not be lost."""
    program = Program(database_url, TWIML_APOLOGY="Sorry!")

    assert bodies(fall_back(program, 11205)) == ["Sorry!"]
    assert [kept.exchange.form["Body"] for kept in program.archive.all(Filter()) if kept.exchange] == ["hello"]
    assert program.ran == []


def test_fallback_answers_without_any_store(tmp_path: Path) -> None:
    """Twilio calls it when something is broken, which may be the store."""
    (tmp_path / "file").touch()
    program = Program(f"sqlite:///{tmp_path}/file/twiml.db", TWIML_APOLOGY="Sorry!")

    assert bodies(fall_back(program, 11200)) == ["Sorry!"]


def test_fallback_waits_for_an_answer_that_is_being_made(database_url: str) -> None:
    """After a timeout the first handler may still run: its answer is the right one, not the apology."""
    clock = Clock()
    program = Program(database_url, clock, TWIML_APOLOGY="Sorry!")
    claim = claim_message(program)

    def finish() -> None:
        clock.on_sleep = lambda: None
        program.journal.finish(claim, replied("late, but there"), wait_s=5)

    clock.on_sleep = finish

    assert (bodies(fall_back(program, 11200)), program.ran) == (["late, but there"], [])
