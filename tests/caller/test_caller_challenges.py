"""Challenges: the caller sends credentials only to a server that asks for them."""

from __future__ import annotations

import pytest

from tests.caller.calling import (
    BASIC,
    CHALLENGE,
    FAILED,
    OK,
    URL,
    WITH_PAIR,
    call,
    failure,
    header,
    is_signed,
    moved,
    wire,
)
from twiml_app.webhook import WebhookResponse


def test_credentials_are_sent_after_a_challenge() -> None:
    """Twilio's first request has no credentials: an application that answers it is unprotected."""
    transport = wire(CHALLENGE, OK)
    answer = call(transport, WITH_PAIR)
    first, second = transport.sent

    assert header(first, "Authorization") == ""
    assert header(second, "Authorization") == BASIC
    assert (second.url, second.body) == (first.url, first.body)
    assert is_signed(second)
    assert [attempt.response for attempt in answer.attempts] == [CHALLENGE, OK]


@pytest.mark.parametrize(
    ("challenge", "answered"),
    [
        pytest.param([("WWW-Authenticate", 'Basic realm="x"')], True, id="realm"),
        pytest.param(
            [("www-authenticate", 'basic charset="UTF-8", realm=x')], True, id="realm after another parameter"
        ),
        pytest.param([("WWW-Authenticate", "Bearer"), ("WWW-Authenticate", "Basic realm=x")], True, id="second header"),
        pytest.param([("WWW-Authenticate", 'Digest realm="x", Basic realm="y"')], True, id="second challenge"),
        pytest.param([], False, id="none"),
        pytest.param([("WWW-Authenticate", "Basic")], False, id="no realm"),
        pytest.param([("WWW-Authenticate", 'Bearer realm="basic"')], False, id="another scheme"),
        pytest.param([("X-Amzn-Remapped-WWW-Authenticate", 'Basic realm="x"')], False, id="header renamed"),
    ],
)
def test_challenge_needs_a_realm(challenge: list[tuple[str, str]], answered: bool) -> None:
    """A gateway that drops the realm locks Twilio out, which must be noticed before production."""
    transport = wire(WebhookResponse(status=401, headers=tuple(challenge)), OK)

    if answered:
        assert call(transport, WITH_PAIR).response == OK
    else:
        assert failure(transport, WITH_PAIR).code == 11200
        assert len(transport.sent) == 1


def test_challenge_without_credentials_in_the_url_is_a_failure() -> None:
    """Pasting the URL without its password is the most common mistake in the console."""
    error = failure(wire(CHALLENGE))

    assert (error.url, error.problem, error.code) == (URL, "answered 401", 11200)


def test_refused_credentials_are_not_sent_again() -> None:
    """Repeated attempts with a wrong password could get the sender banned."""
    transport = wire(CHALLENGE, CHALLENGE)

    assert failure(transport, WITH_PAIR).code == 11200
    assert len(transport.sent) == 2


@pytest.mark.parametrize(
    ("location", "authorized"),
    [
        pytest.param("/other", True, id="same host"),
        pytest.param("https://sms.example.com/other", True, id="same host, absolute"),
        pytest.param("http://sms.example.com/other", False, id="without TLS"),
        pytest.param("https://evil.example/other", False, id="another host"),
        pytest.param("https://sms.example.com:8443/other", False, id="another port"),
        pytest.param("//evil.example/other", False, id="another host, same scheme"),
    ],
)
def test_credentials_stay_on_the_host_they_are_for(location: str, authorized: bool) -> None:
    """A redirect must not send the password to another server."""
    transport = wire(moved(307, location), CHALLENGE, OK)

    if authorized:
        call(transport, WITH_PAIR)
    else:
        failure(transport, WITH_PAIR)
    assert any(header(request, "Authorization") for request in transport.sent) == authorized


def test_password_appears_only_in_the_authorization_header() -> None:
    """URLs end up in logs, in tickets and in ErrorUrl."""
    transport = wire(CHALLENGE, FAILED, CHALLENGE, WebhookResponse(status=403))
    error = failure(transport, f"{WITH_PAIR}#rc=0", fallback_url=WITH_PAIR.replace("message", "fallback"))
    shown = [str(error), error.url, *(f"{each.url}{each.body!r}" for each in transport.sent)]

    assert error.url == URL.replace("message", "fallback")
    assert not any("quite" in text or "sms:" in text for text in shown)


def test_cookie_of_the_challenge_is_sent_with_the_credentials() -> None:
    """Load balancers set one on the first answer to route the next request to the same worker."""
    transport = wire(WebhookResponse(status=401, headers=(*CHALLENGE.headers, ("set-cookie", "edge=7"))), OK)
    call(transport, WITH_PAIR)

    assert [header(request, "Cookie") for request in transport.sent] == ["", "edge=7"]
