"""Retries: the caller follows the overrides of the URL, within their time limits."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.caller.calling import CHALLENGE, FAILED, FORM, OK, URL, WITH_PAIR, call, caller, failure, header, moved, wire
from twiml_app.caller.types import ConnectFailed, Webhook
from twiml_app.webhook import WebhookResponse


@pytest.mark.parametrize(
    ("answers", "fragment", "requests", "code"),
    [
        pytest.param([ConnectFailed("refused"), OK], "", 2, 0, id="no connection is retried by default"),
        pytest.param([ConnectFailed("refused")], "", 2, 11205, id="but only once"),
        pytest.param([ConnectFailed("refused")], "#rc=0", 1, 11205, id="unless switched off"),
        pytest.param([ConnectFailed("refused")], "#rc=5", 6, 11205, id="or more often"),
        pytest.param([ConnectFailed("refused")], "#rp=5xx", 1, 11205, id="policy without ct"),
        pytest.param([FAILED, OK], "", 1, 11200, id="an error status is not retried by default"),
        pytest.param([FAILED, OK], "#rp=5xx", 2, 0, id="5xx by policy"),
        pytest.param([FAILED, OK], "#rp=4xx", 1, 11200, id="5xx by another policy"),
        pytest.param([WebhookResponse(status=404), OK], "#rp=4xx", 2, 0, id="4xx by policy"),
        pytest.param([WebhookResponse(status=404), OK], "#rp=5xx", 1, 11200, id="4xx by another policy"),
        pytest.param([TimeoutError("timed out"), OK], "#rp=rt", 2, 0, id="rt by policy"),
        pytest.param([TimeoutError("timed out"), OK], "", 1, 11200, id="rt is not retried by default"),
        pytest.param([ConnectionResetError(), FAILED, OK], "#rc=2&rp=all", 3, 0, id="all"),
        pytest.param([moved(302, "ftp://x")], "#rp=all", 2, 11100, id="all, and every try fails"),
    ],
)
def test_retries_follow_the_policy_of_the_url(
    answers: list[WebhookResponse | OSError], fragment: str, requests: int, code: int
) -> None:
    """A handler that must not run twice should break in a test, not in production."""
    transport = wire(*answers)

    if code:
        assert failure(transport, URL + fragment).code == code
    else:
        assert call(transport, URL + fragment).response == OK
    assert len(transport.sent) == requests


def test_failed_connection_is_retried_whatever_its_code() -> None:
    """By default Twilio retries if nothing was sent, as after a failed handshake."""
    transport = wire(ConnectFailed("handshake", code=11220), OK)

    assert call(transport).response == OK


def test_retry_after_a_redirect_starts_with_post() -> None:
    """The redirect belonged to the failed try."""
    transport = wire(moved(302, "/other"), FAILED, OK)
    call(transport, f"{URL}#rp=5xx")

    assert [(request.method, urlsplit(request.url).path) for request in transport.sent] == [
        ("POST", "/message"),
        ("GET", "/other"),
        ("POST", "/message"),
    ]


def test_retries_keep_the_idempotency_token_of_the_event() -> None:
    """Programs use it to distinguish a retry from a new event."""
    transport = wire(ConnectFailed("refused"), CHALLENGE, OK)
    twilio = caller(transport)
    twilio.call(Webhook(url=WITH_PAIR), FORM)
    twilio.call(Webhook(url=URL), FORM)

    tokens = [header(request, "I-Twilio-Idempotency-Token") for request in transport.sent]
    assert tokens == ["event-1", "event-1", "event-1", "event-2"]


def test_time_limits_are_those_of_the_url_within_the_total() -> None:
    """No request may wait longer than the rest of the total time."""
    transport = wire(CHALLENGE, FAILED, CHALLENGE, OK, takes_s=3)
    call(transport, f"{WITH_PAIR}#ct=2000&rt=8000&tt=12000&rp=5xx")

    assert [(request.connect_timeout_s, request.read_timeout_s) for request in transport.sent] == [
        (2, 8),
        (2, 8),
        (2, 6),
        (2, 3),
    ]


@pytest.mark.parametrize(
    ("answers", "url", "requests", "code"),
    [
        pytest.param([FAILED], f"{URL}#rc=5&rp=all", 3, 11200, id="retries"),
        pytest.param([moved(307, "/again")], URL, 3, 11203, id="redirects"),
        pytest.param([moved(307, "/message"), moved(307, "/message"), CHALLENGE], WITH_PAIR, 3, 11203, id="challenge"),
    ],
)
def test_nothing_is_sent_once_the_total_time_is_over(
    answers: list[WebhookResponse | OSError], url: str, requests: int, code: int
) -> None:
    """Twilio gives up after 15 seconds in any case."""
    transport = wire(*answers, takes_s=5)

    assert failure(transport, url).code == code
    assert len(transport.sent) == requests
