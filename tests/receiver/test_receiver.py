"""Receiver: from a plain request to a plain answer, without a server."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.receiver.programs import EMPTY, Deliveries, Memory, Program, proven, text
from tests.webhook_requests import BASIC, SIGNED, authorized, read_settings, webhook
from twiml_app import Router
from twiml_app.errors import RegistrationError
from twiml_app.receiver.receiver import Receiver
from twiml_app.receiver.replay_proofs import REPLAY_HEADER
from twiml_app.webhook import TEXT_TYPE, TWIML_TYPE, Endpoint, WebhookRequest, WebhookResponse

ENDPOINTS: tuple[Endpoint, ...] = ("message", "status", "fallback")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("method", ["POST", "GET", "HEAD"])
def test_first_request_is_challenged_and_nothing_runs(program: Program, endpoint: Endpoint, method: str) -> None:
    """Twilio sends each request first without credentials: a handler that ran then would run twice."""
    answer = program.receiver().handle(webhook(endpoint=endpoint, method=method))

    assert answer == WebhookResponse(
        status=401,
        body=b"send the credentials of the Message URL\n",
        content_type=TEXT_TYPE,
        headers=(("WWW-Authenticate", 'Basic realm="twiml_app"'),),
    )
    assert program.called == []


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        pytest.param("message", WebhookResponse(status=200, body=EMPTY, content_type=TWIML_TYPE), id="message"),
        pytest.param("status", WebhookResponse(status=204), id="status"),
        pytest.param("fallback", WebhookResponse(status=200, body=EMPTY, content_type=TWIML_TYPE), id="fallback"),
    ],
)
def test_head_runs_no_handler(program: Program, endpoint: Endpoint, expected: WebhookResponse) -> None:
    """Monitoring sends HEAD requests, which are not messages."""
    request = authorized(webhook(endpoint=endpoint, method="HEAD"))

    assert program.receiver({"TWIML_APOLOGY": "Sorry"}).handle(request) == expected
    assert program.called == []


@pytest.mark.parametrize(
    ("form", "outcome"),
    [
        pytest.param([("CallSid", "CA1"), ("From", "+1"), ("To", "+2")], "voice webhook", id="voice"),
        pytest.param([("EventType", "x")], "webhook of an unknown kind", id="unknown"),
        pytest.param([], "webhook of an unknown kind", id="empty form"),
    ],
)
@pytest.mark.parametrize("endpoint", ["message", "status"])
def test_webhook_of_another_kind_is_answered_with_an_empty_success(
    program: Program,
    caplog: pytest.LogCaptureFixture,
    form: list[tuple[str, str]],
    outcome: str,
    endpoint: Endpoint,
) -> None:
    """After an error, Twilio would call the fallback URL for an event that is not a message."""
    answer = program.receiver().handle(authorized(webhook(form, endpoint=endpoint)))
    (record,) = caplog.records

    assert (answer.status, answer.body) == ((204, b"") if endpoint == "status" else (200, EMPTY))
    assert record.getMessage() == f'webhook outcome="{outcome}" ms=0.0'
    assert record.levelno == logging.WARNING
    assert program.called == []


def test_registration_after_the_first_request_is_refused(program: Program) -> None:
    """It would work in one worker only; even a refused request counts."""
    program.receiver().handle(webhook())

    with pytest.raises(RegistrationError, match="after the first request"):
        program.router.message("late")(repr)


def test_replay_runs_the_handler_and_does_not_use_the_journal(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    """A replayed recording must not be stored as another message, and is recognized in the log.

    One with wrong credentials is refused before its body is read, and so before it can prove itself.
    """
    journal, seen = Memory(down="claim"), list[bool]()
    program.router.message("replay")(lambda message: seen.append(message.replayed))
    receiver = program.receiver(journal=journal)
    unauthorized = webhook(headers={"authorization": "Basic eDp5"})
    for request, status in [(text("replay"), 200), (text("hello", endpoint="fallback"), 200), (unauthorized, 401)]:
        answer = receiver.handle(proven(request, receiver.settings))
        assert (answer.status, answer.header(REPLAY_HEADER)) == (status, "yes" if status == 200 else "")

    assert seen == [True]
    assert (program.called, journal.claims, len(journal.refused)) == ([], [], 1)
    assert [" replayed=yes " in record.getMessage() for record in caplog.records] == [True, True, False]


def test_loop_limit_does_not_apply_to_a_replay(program: Program) -> None:
    """A recording may contain the same text many times."""
    receiver = program.receiver({"TWIML_LOOP_LIMIT": "1"}, journal=Memory())

    answers = [receiver.handle(proven(text("hello"), receiver.settings)) for _ in range(20)]

    assert [b"you said hello" in answer.body for answer in answers] == [True] * 20


@pytest.mark.parametrize("value", ["1", "yes", "", "0.a.b"])
def test_header_without_a_proof_means_nothing(program: Program, value: str, caplog: pytest.LogCaptureFixture) -> None:
    """Anybody who captured a request could add the header, and run its handler again and again."""
    journal = Memory()
    marked = {REPLAY_HEADER.lower(): value}
    for request in (text("hello"), webhook(headers={"authorization": "Basic eDp5"})):
        answer = program.receiver(journal=journal).handle(request._replace(headers={**request.headers, **marked}))
        assert answer.header(REPLAY_HEADER) == ""

    assert (len(journal.claims), len(journal.stored), len(journal.refused)) == (1, 1, 1)
    assert "replayed" not in caplog.text


header_text = st.text(st.characters(max_codepoint=255), max_size=40)
pieces = st.sampled_from(
    ["Body=", "From=", "MessageSid=", "MessageStatus=", "SmsStatus=", "CallSid=", "ErrorCode=", "MediaUrl0=", "&", "%"]
)


@st.composite
def requests(draw: st.DrawFn) -> WebhookRequest:
    """Draw a request that anybody could send: any bytes, some of them like Twilio's."""
    raw = b"".join(draw(st.lists(pieces.map(str.encode) | st.binary(max_size=8), max_size=12)))
    target = b"".join(draw(st.lists(pieces.map(str.encode) | st.binary(max_size=8), max_size=6)))
    headers = draw(
        st.dictionaries(
            st.sampled_from(["content-type", "x-twilio-signature", "x-forwarded-host", "x-forwarded-prefix", "cookie"]),
            header_text,
        )
    )
    return WebhookRequest(
        endpoint=draw(st.sampled_from(ENDPOINTS)),
        method=draw(st.sampled_from(["POST", "GET", "HEAD", "PUT"])),
        scheme=draw(st.sampled_from(["http", "https"])),
        host=draw(header_text | st.sampled_from(["sms.example.com", "["])),
        target="/" + target.decode("utf-8", "surrogateescape"),
        headers={"content-type": "application/x-www-form-urlencoded", **headers},
        body=raw,
    )


@given(request_=requests(), knows_password=st.booleans(), is_signed=st.booleans())
@settings(max_examples=300)
def test_no_request_raises_or_causes_a_server_error(
    request_: WebhookRequest, knows_password: bool, is_signed: bool
) -> None:
    """After a 500, Twilio stops calling the program."""
    router = Router(Deliveries().router)
    router.default(lambda message: f"you said {message.body}")
    receiver = Receiver(router, read_settings(BASIC, SIGNED if is_signed else {}))
    answer = receiver.handle(authorized(request_) if knows_password else request_)

    assert answer.status in ((200, 204, 400, 403, 413) if knows_password else (401,))
    assert all("\n" not in value for _, value in answer.headers)
