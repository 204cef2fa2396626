"""Logins: the caller stays logged in for all calls of a session."""

from __future__ import annotations

import pytest

from tests.caller.calling import (
    BASIC,
    CHALLENGE,
    FAILED,
    FORM,
    OK,
    URL,
    WITH_PAIR,
    Wire,
    call,
    caller,
    header,
    moved,
    wire,
)
from twiml_app.caller.session import Session
from twiml_app.caller.types import Webhook
from twiml_app.errors import CallError


def called_twice(transport: Wire, first: str, second: str) -> list[str]:
    """Call two URLs in one session; return the Authorization header of each request."""
    twilio, session = caller(transport), Session()
    for url in (first, second):
        twilio.call(Webhook(url=url), FORM, session=session)
    return [header(request, "Authorization") for request in transport.sent]


def test_login_is_reused_within_the_session() -> None:
    """Twilio stays logged in while it handles a message: a Redirect in the reply causes no new challenge."""
    transport = wire(CHALLENGE, OK)

    assert called_twice(transport, WITH_PAIR, WITH_PAIR.replace("message", "other")) == ["", BASIC, BASIC]


def test_login_ignores_the_case_of_the_host() -> None:
    """Host names are case-insensitive."""
    assert called_twice(wire(CHALLENGE, OK), WITH_PAIR, WITH_PAIR.replace("sms.example", "SMS.Example"))[-1] == BASIC


def test_calls_without_a_session_log_in_separately() -> None:
    """Every event begins with a request without credentials, and applications must expect that."""
    transport = wire(CHALLENGE, OK, CHALLENGE, OK)
    twilio = caller(transport)
    for _ in range(2):
        twilio.call(Webhook(url=WITH_PAIR), FORM)

    assert [header(request, "Authorization") for request in transport.sent] == ["", BASIC, "", BASIC]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(WITH_PAIR.replace("sms:", "mms:"), id="other credentials"),
        pytest.param(URL, id="no credentials"),
        pytest.param(WITH_PAIR.replace("https:", "http:"), id="without TLS"),
        pytest.param(WITH_PAIR.replace("sms.example", "other.example"), id="another host"),
        pytest.param(WITH_PAIR.replace(".com", ".com:8443"), id="another port"),
    ],
)
def test_login_is_used_only_for_its_host_and_credentials(url: str) -> None:
    """Credentials must not reach a server that has not asked for them."""
    assert called_twice(wire(CHALLENGE, OK), WITH_PAIR, url)[-1] == ""


def test_login_survives_a_call_without_credentials() -> None:
    """A public page of the same host does not affect the login."""
    transport = wire(CHALLENGE, OK)
    twilio, session = caller(transport), Session()
    for url in (WITH_PAIR, URL, WITH_PAIR):
        twilio.call(Webhook(url=url), FORM, session=session)

    assert [header(request, "Authorization") for request in transport.sent] == ["", BASIC, "", BASIC]


def test_login_survives_a_redirect_on_its_host() -> None:
    """The redirect belongs to the same call."""
    transport = wire(CHALLENGE, moved(307, "https://SMS.example.com/other"), OK)
    call(transport, WITH_PAIR.replace("sms.example", "SMS.example"))

    assert [header(request, "Authorization") for request in transport.sent] == ["", BASIC, BASIC]


def test_login_survives_retry_and_fallback() -> None:
    """A retry and the fallback belong to the same call."""
    transport = wire(CHALLENGE, FAILED, FAILED, OK)
    call(transport, f"{WITH_PAIR}#rp=5xx", fallback_url=WITH_PAIR.replace("message", "fallback"))

    assert [header(request, "Authorization") for request in transport.sent] == ["", BASIC, BASIC, BASIC]


def test_login_that_is_challenged_again_is_answered_once_more() -> None:
    """A restarted server has lost the login."""
    transport = wire(CHALLENGE, OK, CHALLENGE, OK)

    assert called_twice(transport, WITH_PAIR, WITH_PAIR) == ["", BASIC, BASIC, BASIC]


def test_refused_login_is_dropped() -> None:
    """Refused credentials are not sent to the server again."""
    transport = wire(CHALLENGE, OK, CHALLENGE, CHALLENGE, OK)
    twilio, session = caller(transport), Session()
    twilio.call(Webhook(url=WITH_PAIR), FORM, session=session)
    with pytest.raises(CallError, match="answered 401"):
        twilio.call(Webhook(url=WITH_PAIR), FORM, session=session)
    twilio.call(Webhook(url=WITH_PAIR), FORM, session=session)

    assert [header(request, "Authorization") for request in transport.sent] == ["", BASIC, BASIC, BASIC, ""]
