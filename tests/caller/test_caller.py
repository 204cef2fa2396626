"""Caller: the requests that are sent when Twilio calls a webhook."""

from __future__ import annotations

import pytest

from tests.caller.calling import CHALLENGE, FORM, OK, URL, WITH_PAIR, call, failure, header, is_signed, wire
from twiml_app.caller.caller import Caller
from twiml_app.caller.types import ConnectFailed, Webhook
from twiml_app.caller.urls import without_userinfo
from twiml_app.signature import HEADER
from twiml_app.webhook import FORM_TYPE, Form


def test_post_is_sent_as_twilio_sends_it() -> None:
    """Programs are developed against it, so it must match Twilio's request byte for byte."""
    transport = wire()
    answer = call(transport, f"{URL}?step=2#rc=0")
    (request,) = transport.sent

    assert (answer.url, answer.response, answer.failure) == (f"{URL}?step=2", OK, None)
    assert (request.method, request.url) == ("POST", f"{URL}?step=2")
    assert request.body == b"From=%2B15005550001&To=%2B15005550006&Body=Gr%C3%BC%C3%9Fe+%26+%3C3+%2B"
    assert [name for name, _ in request.headers] == [
        "User-Agent",
        "Accept",
        "I-Twilio-Idempotency-Token",
        "Content-Type",
        HEADER,
    ]
    assert (header(request, "User-Agent"), header(request, "Content-Type")) == ("TwilioProxy/1.1", FORM_TYPE)
    assert is_signed(request)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        pytest.param(URL, f"{URL}?{FORM.encode()}", id="no query"),
        pytest.param(f"{URL}?a=%2C&b", f"{URL}?a=%2C&b&{FORM.encode()}", id="query unchanged"),
    ],
)
def test_get_carries_the_form_in_the_query(url: str, sent: str) -> None:
    """The signature of a GET covers the query, so re-encoding the query would break it."""
    transport = wire()
    call(transport, url, method="GET")
    (request,) = transport.sent

    assert (request.url, request.body, header(request, "Content-Type")) == (sent, b"", "")
    assert is_signed(request)


def test_get_without_a_form_calls_the_url_as_it_is() -> None:
    """With a trailing question mark the URL would differ from the signed one."""
    transport = wire()
    call(transport, method="GET", form=Form())

    assert transport.sent[0].url == URL


def test_extra_headers_are_sent_with_every_request() -> None:
    """A replay marks each of its requests."""
    transport = wire(CHALLENGE, OK)
    Caller(transport, headers=(("X-Replay", "1"),), clock=transport.clock).call(Webhook(url=WITH_PAIR), FORM)

    assert [header(request, "X-Replay") for request in transport.sent] == ["1", "1"]


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        pytest.param("https://a:b@h/x?y=1#z", "https://h/x?y=1", id="all parts"),
        pytest.param("https://h", "https://h/", id="no path"),
        pytest.param("https://h?x=1", "https://h/?x=1", id="no path and a query"),
        pytest.param("https://a:b@H.example:8443/x", "https://H.example:8443/x", id="port, and case of the host"),
        pytest.param("https://a:p@ss@h/x", "https://h/x", id="at sign in the password"),
        pytest.param(
            "https://h/grüße?q=ü b", "https://h/gr%C3%BC%C3%9Fe?q=%C3%BC%20b", id="characters that must be encoded"
        ),
        pytest.param("https://h/%fc?a=%2c", "https://h/%fc?a=%2c", id="already encoded"),
    ],
)
def test_url_is_called_without_credentials_and_fragment(url: str, bare: str) -> None:
    """The called URL is the one that is signed, so nothing else in it may change."""
    assert without_userinfo(url) == bare


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="empty"),
        pytest.param("sms.example.com/message", id="no scheme"),
        pytest.param("/message", id="only a path"),
        pytest.param("https://sms:secret@[", id="broken"),
        pytest.param("https://sms:secret@h:99999/", id="invalid port"),
        pytest.param("ftp://sms:secret@h/", id="another scheme"),
        pytest.param("https://sms:secret@/message", id="no host"),
    ],
)
def test_invalid_url_is_refused_before_anything_is_sent(url: str) -> None:
    """People type URLs on the command line."""
    transport = wire()
    error = failure(transport, url)

    assert error.code == 11100
    assert "secret" not in str(error)
    assert transport.sent == []


def test_every_event_gets_an_idempotency_token_of_its_own() -> None:
    """Two events of one phone must not look like a retry."""
    transport = wire()
    twilio = Caller(transport)
    for _ in range(2):
        twilio.call(Webhook(url=URL), FORM)

    first, second = (header(request, "I-Twilio-Idempotency-Token") for request in transport.sent)
    assert len(first) == len(second) == 36
    assert first != second


def test_every_attempt_is_kept() -> None:
    """The phone and the command line show every request."""
    answer = call(wire(ConnectFailed("refused"), CHALLENGE, OK), WITH_PAIR)

    assert [(attempt.response, attempt.problem) for attempt in answer.attempts] == [
        (None, "refused"),
        (CHALLENGE, ""),
        (OK, ""),
    ]
