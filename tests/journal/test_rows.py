"""Rows: which requests are the same event, and which columns are stored."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journal.program import Clock, Program, bodies
from tests.webhook_requests import BASIC, SID, read_settings, webhook
from twiml_app import Router
from twiml_app.caller.forms import inbound_form, status_form
from twiml_app.events import parse_event
from twiml_app.journal.archive import Filter
from twiml_app.journal.received_events import DAY_S, ReceivedEvent, event_key, event_target_of_url, lock_offset
from twiml_app.journal.rows import DONE, FAILED, KILLED, ExchangeRow, answered_values, store, stored_response
from twiml_app.journal.worker_files import MAX_RECORD_BYTES
from twiml_app.receiver import Outcome
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
        pytest.param(ROW._replace(headers={"i-twilio-idempotency-token": "x"}), True, id="another idempotency token"),
        pytest.param(ROW._replace(host="other.example", scheme="http"), True, id="another host"),
        pytest.param(webhook(inbound_form("bye", message_sid=SID)), True, id="another text"),
        pytest.param(ROW._replace(target="/message?step=2"), False, id="another query"),
        pytest.param(ROW._replace(target="/other"), False, id="another path"),
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


TEXTS = st.text(st.characters(exclude_categories=[]), max_size=20)
#: Strings as they are decoded from the bytes of a request, which need not be UTF-8.
TIMES = st.floats(allow_nan=False, allow_infinity=False)
DECODED = st.binary(max_size=20).map(lambda data: data.decode("utf-8", "surrogateescape"))


@given(
    texts=st.tuples(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS),
    url=st.binary(max_size=40),
    body=st.binary(max_size=40),
    headers=TEXTS,
    error_code=st.none() | st.integers(-(2**63), 2**63 - 1),
    times=st.tuples(TIMES, TIMES),
)
def test_trace_contains_the_whole_request(
    texts: tuple[str, ...],
    url: bytes,
    body: bytes,
    headers: str,
    error_code: int | None,
    times: tuple[float, float],
) -> None:
    """Whatever somebody sent may be what killed the process, so it must survive in every detail."""
    received = traced(texts, url=url, body=body, headers=headers, error_code=error_code, times=times)

    assert ExchangeRow.of_trace(received.trace()) == killed_row(received)


@pytest.mark.parametrize(
    ("url", "body", "is_kept"),
    [
        pytest.param(b"https://sms.example.com/message", b"x" * MAX_RECORD_BYTES, True, id="body"),
        pytest.param(b"x" * MAX_RECORD_BYTES, b"Body=hello", False, id="URL"),
    ],
)
def test_trace_of_an_oversized_request_is_cut(url: bytes, body: bytes, is_kept: bool) -> None:
    """Which message it was is worth more than nothing; and a slot must never reach into the next one."""
    received = traced(("key", "message", SID, "+1", "+2", "", "message?"), url=url, body=body)

    record = received.trace()

    assert len(record) <= MAX_RECORD_BYTES
    if is_kept:
        assert ExchangeRow.of_trace(record) == killed_row(received._replace(body=b""))
    else:
        with pytest.raises(ValueError, match="Unterminated string"):
            ExchangeRow.of_trace(record)


@pytest.mark.parametrize(
    "record",
    [b"", b"hello", b"[]", b"{}", b"5", b"null", b'["url"]', b'["url", 1, 2]\nbody', b"\xff\xfe", b"[" * 99],
    ids=range(10),
)
def test_trace_of_another_release_is_refused(record: bytes) -> None:
    """A later release may write other fields, and one such trace must not stop the collection of the others."""
    with pytest.raises((ValueError, TypeError)):
        ExchangeRow.of_trace(record)


@given(sid=DECODED, target=DECODED)
def test_message_has_a_lock_that_a_file_can_hold(sid: str, target: str) -> None:
    """File offsets have 63 bits, and one above all of these is used to ask the system for its abilities."""
    assert 0 <= lock_offset(sid, target) < 2**62


@pytest.mark.parametrize(
    ("request_", "error_url"),
    [
        pytest.param(ROW, "https://sms.example.com/message", id="plain"),
        pytest.param(ROW, "https://sms:secret@sms.example.com:8443/prefix/message#rc=2", id="prefix and overrides"),
        pytest.param(ROW._replace(target="/message?step=2"), "https://sms.example.com/message?step=2", id="query"),
    ],
)
def test_message_and_its_fallback_request_have_the_same_lock(request_: WebhookRequest, error_url: str) -> None:
    """The fallback URL must wait for the answer of the handler that still runs."""
    event = parse_event(Form.read(request_.body.decode(), max_fields=100))
    received = ReceivedEvent.of("key", request_, event, 0.0, read_settings(BASIC))

    assert lock_offset(received.sid, received.target) == lock_offset(SID, event_target_of_url(error_url))
    assert lock_offset(received.sid, received.target) != lock_offset(SID, "other?")


def test_messages_without_a_sid_have_different_locks() -> None:
    """They are never duplicates, and none must wait for another."""
    assert lock_offset("", "message?") != lock_offset("", "message?")


def test_row_is_stored_over_a_failed_attempt_but_never_over_an_answer(program: Program) -> None:
    """The answer that was sent is the one that counts."""
    received = traced(("key", "message", SID, "+1", "+2", "", "message?"), headers="{}")

    def attempt(state: str, outcome: str, answer: bytes) -> tuple[object, ...]:
        response = WebhookResponse(status=200, body=answer)
        return answered_values(received, Outcome(response, outcome), state, keeps_request=True, now=1.0)

    first, answered = attempt(FAILED, "failed", b""), attempt(DONE, "replied", b"yes")

    stored = [
        program.engine.run(partial(store, values=each))
        for each in (first, attempt(FAILED, "again", b""), answered, attempt(DONE, "replied", b"no"), first)
    ]

    assert stored == [True, True, True, False, False]
    (kept,) = program.archive.all(Filter())
    assert (kept.state, bytes(kept.answer or b""), kept.outcome) == (DONE, b"yes", "replied")


def test_every_column_of_an_answered_event_is_stored(program: Program) -> None:
    """The values are given in the order of the columns: none may end up in another one."""
    received = traced(
        ("key", "status", SID, "+1", "+2", "sent", "status?"), url=b"url", headers='{"a": "b"}', body=b"x", error_code=5
    )
    response = WebhookResponse(status=200, body=b"answer", content_type="text/xml")
    outcome = Outcome(response, "replied", "hello:answer", {"hello:answer": "ok"}, "digest", 1.5)

    kept, forgotten = (
        answered_values(event, outcome, DONE, keeps_request=keeps, now=7.0)
        for event, keeps in ((received, True), (received._replace(key="other", received_at=2.0), False))
    )
    for each in (kept, forgotten):
        program.engine.run(partial(store, values=each))

    found, without_request = program.archive.all(Filter())
    assert found == ExchangeRow(
        id=found.id,
        **received._asdict(),
        state=DONE,
        answer_status=200,
        answer_type="text/xml",
        answer=b"answer",
        handler="hello:answer",
        outcome="replied",
        results='{"hello:answer": "ok"}',
        milliseconds=1.5,
        said="digest",
    )
    assert without_request == replace(
        found,
        id=without_request.id,
        key="other",
        received_at=2.0,
        url=None,
        headers=None,
        body=None,
        keep_until=7.0 + DAY_S,
    )


def killed_row(received: ReceivedEvent) -> ExchangeRow:
    """Return the row of an event whose process was killed."""
    return ExchangeRow(**received._asdict(), state=FAILED, outcome=KILLED)


def traced(
    texts: tuple[str, ...],
    *,
    url: bytes = b"",
    body: bytes = b"",
    headers: str = "{}",
    error_code: int | None = None,
    times: tuple[float, float] = (1.0, 2e9),
) -> ReceivedEvent:
    """Return a request that is being handled."""
    key, kind, sid, contact, number, message_status, target = texts
    return ReceivedEvent(
        key=key,
        kind=kind,
        sid=sid,
        contact=contact,
        number=number,
        message_status=message_status,
        error_code=error_code,
        received_at=times[0],
        endpoint="message",
        method="POST",
        target=target,
        url=url,
        headers=headers,
        body=body,
        keep_until=times[1],
    )
