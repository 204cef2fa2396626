"""Rows: which requests are the same event, and which columns are stored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.journal.program import Clock, Program, bodies
from tests.webhook_requests import SID, webhook
from twiml_app import Router
from twiml_app.caller.forms import inbound_form, status_form
from twiml_app.events import parse_event
from twiml_app.journal.rows import event_key, event_target_of_url, stored_response
from twiml_app.receiver.receiver import Receiver
from twiml_app.webhook import Form, WebhookRequest, WebhookResponse


def test_oversized_sid_and_address_are_truncated(program: Program) -> None:
    """An index does not take values of any length, and a forged request must not break the journal."""
    assert program.text(sid="SM" + "f" * 8000, From="+1" + "5" * 8000).status == 200


def test_identical_replies_stop_at_the_limit(database_url: str) -> None:
    """Two bots would reply to each other all night, and every message costs money."""
    clock = Clock()
    program = Program(database_url, clock, TWIML_LOOP_LIMIT=3)
    router = Router()
    router.default(lambda _: "I am a robot")
    program.receiver = Receiver(router, program.settings, journal=program.journal)

    answers = [len(bodies(program.text(sid=f"SM{number:032}"))) for number in range(5)]
    other = len(bodies(program.text(sid="SM" + "a" * 32, From="+15005550002")))
    clock.now += 61

    assert (answers, other) == ([1, 1, 1, 0, 0], 1)
    assert len(bodies(program.text(sid="SM" + "b" * 32))) == 1


def test_identical_replies_are_counted_per_number(database_url: str) -> None:
    """The same person may text several of our numbers, and each is a separate conversation."""
    program = Program(database_url, Clock(), TWIML_LOOP_LIMIT=1)
    router = Router()
    router.default(lambda _: "We are closed")
    program.receiver = Receiver(router, program.settings, journal=program.journal)

    numbers = ["+15005550006", "+15005550007", "+15005550006"]
    answers = [bodies(program.text(sid=f"SM{place:032}", To=number)) for place, number in enumerate(numbers)]

    assert answers == [["We are closed"], ["We are closed"], []]


ROW = webhook(inbound_form("hello", message_sid=SID))


@pytest.mark.parametrize(
    ("request_", "is_same"),
    [
        pytest.param(ROW, True, id="a retry"),
        pytest.param(replace(ROW, headers={"i-twilio-idempotency-token": "x"}), True, id="another idempotency token"),
        pytest.param(replace(ROW, host="other.example", scheme="http"), True, id="another host"),
        pytest.param(webhook(inbound_form("bye", message_sid=SID)), True, id="another text"),
        pytest.param(replace(ROW, target="/message?step=2"), False, id="another query"),
        pytest.param(replace(ROW, target="/other"), False, id="another path"),
        pytest.param(webhook(inbound_form("hello", message_sid="SM9")), False, id="another sid"),
        pytest.param(webhook(status_form(SID, "sent")), False, id="a status callback"),
    ],
)
def test_message_is_one_event_by_sid_and_target(request_: WebhookRequest, is_same: bool) -> None:
    """The idempotency token is not signed, so only signed parts of a request identify an event."""
    assert (key_of(request_) == key_of(ROW)) is is_same


@pytest.mark.parametrize(
    ("form", "is_same"),
    [
        pytest.param(status_form(SID, "failed", error_code=30005), True, id="a retry"),
        pytest.param(status_form(SID, "failed", error_code=30003), False, id="another error code"),
        pytest.param(status_form(SID, "failed"), False, id="no error code"),
        pytest.param(status_form(SID, "undelivered", error_code=30005), False, id="another status"),
        pytest.param(status_form("SM9", "failed", error_code=30005), False, id="another sid"),
    ],
)
def test_status_callback_is_one_event_by_sid_status_and_error_code(form: Form, is_same: bool) -> None:
    """A message has several callbacks, and each of them counts once."""
    first = webhook(status_form(SID, "failed", error_code=30005), endpoint="status")

    assert (key_of(webhook(form, endpoint="status")) == key_of(first)) is is_same


@pytest.mark.parametrize("form", [Form([("Body", "x"), ("From", "+1"), ("To", "+2")]), Form([("CallSid", "CA1")])])
def test_event_without_a_message_sid_is_never_a_duplicate(form: Form) -> None:
    """A stored answer might otherwise go to another person."""
    assert key_of(webhook(form)) != key_of(webhook(form))


@pytest.mark.parametrize(
    ("url", "target"),
    [
        pytest.param("https://sms.example.com/message", "message?", id="plain"),
        pytest.param("http://sms:secret@10.0.0.1:8000/message#rc=2", "message?", id="behind a proxy, with overrides"),
        pytest.param("https://example.com/prefix/message?step=2#rc=2", "message?step=2", id="prefix and query"),
        pytest.param("", "?", id="nothing"),
        pytest.param("http://[", "[?", id="not a URL"),
        pytest.param("/\udcff?\udcff", "??" + "?", id="bytes that are not UTF-8"),
    ],
)
def test_url_of_ours_is_recognized_by_its_last_segment_and_query(url: str, target: str) -> None:
    """Twilio names the URL as configured: proxies, prefixes and credentials make the rest differ."""
    assert event_target_of_url(url) == target


def test_settled_callback_is_answered_without_content() -> None:
    """A callback whose handlers were run again by hand has no stored answer, and Twilio must not retry it."""
    assert stored_response(0, "", b"") == WebhookResponse(status=204, content_type="", body=b"")


def key_of(request: WebhookRequest) -> str:
    """Return the key of the event that a request carries."""
    form = Form.read(request.body.decode(), max_fields=100)
    return event_key(request, parse_event(form))
