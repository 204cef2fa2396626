"""Logins: the caller stays logged in for the duration of an action, where it was let in."""

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
    """Call two URLs in one session; return what each request authorizes itself with."""
    twilio, session = caller(transport), Session()
    for url in (first, second):
        twilio.call(Webhook(url=url), FORM, session=session)
    return [header(request, "Authorization") for request in transport.sent]


def test_login_holds_for_the_session() -> None:
    """Twilio stays logged in for the duration of the action: it does not ask again for every Redirect of a reply."""
    transport = wire(CHALLENGE, OK)

    assert called_twice(transport, WITH_PAIR, WITH_PAIR.replace("message", "other")) == ["", BASIC, BASIC]


def test_login_is_good_however_the_host_is_written() -> None:
    """The case of a host has no meaning."""
    assert called_twice(wire(CHALLENGE, OK), WITH_PAIR, WITH_PAIR.replace("sms.example", "SMS.Example"))[-1] == BASIC


def test_calls_without_a_session_log_in_each_for_itself() -> None:
    """Every event begins with a request without credentials, and an application must bear that."""
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
        pytest.param(WITH_PAIR.replace("https:", "http:"), id="in the clear"),
        pytest.param(WITH_PAIR.replace("sms.example", "other.example"), id="another host"),
        pytest.param(WITH_PAIR.replace(".com", ".com:8443"), id="another port"),
    ],
)
def test_login_is_good_only_for_its_host_and_credentials(url: str) -> None:
    """Credentials must not reach a server that has not asked for them."""
    assert called_twice(wire(CHALLENGE, OK), WITH_PAIR, url)[-1] == ""


def test_login_outlasts_a_call_without_credentials() -> None:
    """An open page of the same host says nothing about the login."""
    transport = wire(CHALLENGE, OK)
    twilio, session = caller(transport), Session()
    for url in (WITH_PAIR, URL, WITH_PAIR):
        twilio.call(Webhook(url=url), FORM, session=session)

    assert [header(request, "Authorization") for request in transport.sent] == ["", BASIC, "", BASIC]


def test_login_holds_over_a_redirect_on_its_host() -> None:
    """The redirect belongs to the action."""
    transport = wire(CHALLENGE, moved(307, "https://SMS.example.com/other"), OK)
    call(transport, WITH_PAIR.replace("sms.example", "SMS.example"))

    assert [header(request, "Authorization") for request in transport.sent] == ["", BASIC, BASIC]


def test_login_holds_for_retry_and_fallback() -> None:
    """A retry and the fallback belong to the same action."""
    transport = wire(CHALLENGE, FAILED, FAILED, OK)
    call(transport, f"{WITH_PAIR}#rp=5xx", fallback_url=WITH_PAIR.replace("message", "fallback"))

    assert [header(request, "Authorization") for request in transport.sent] == ["", BASIC, BASIC, BASIC]


def test_login_that_is_challenged_again_is_answered_once_more() -> None:
    """A server that was restarted knows nothing of the login."""
    transport = wire(CHALLENGE, OK, CHALLENGE, OK)

    assert called_twice(transport, WITH_PAIR, WITH_PAIR) == ["", BASIC, BASIC, BASIC]


def test_login_that_is_refused_is_forgotten() -> None:
    """A server that has refused a login does not get it again."""
    transport = wire(CHALLENGE, OK, CHALLENGE, CHALLENGE, OK)
    twilio, session = caller(transport), Session()
    twilio.call(Webhook(url=WITH_PAIR), FORM, session=session)
    with pytest.raises(CallError, match="answered 401"):
        twilio.call(Webhook(url=WITH_PAIR), FORM, session=session)
    twilio.call(Webhook(url=WITH_PAIR), FORM, session=session)

    assert [header(request, "Authorization") for request in transport.sent] == ["", BASIC, BASIC, BASIC, ""]
