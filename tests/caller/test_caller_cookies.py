"""Cookies: the caller returns them for the duration of a conversation."""

from __future__ import annotations

import pytest

from tests.caller.calling import OK, URL, Wire, caller, header, wire
from twiml_app.caller.caller import Caller
from twiml_app.caller.session import CookieJar
from twiml_app.caller.types import Webhook
from twiml_app.webhook import Form, WebhookResponse


def with_cookies(*cookies: str) -> WebhookResponse:
    """Make an answer that sets cookies."""
    return WebhookResponse(status=200, headers=tuple(("Set-Cookie", cookie) for cookie in cookies))


def converse(transport: Wire, twilio: Caller, *, contact: str = "+1", number: str = "+2", url: str = URL) -> str:
    """Call once, and return the cookies that were sent."""
    twilio.call(Webhook(url=url), Form([("From", contact), ("To", number)]))
    return header(transport.sent[-1], "Cookie")


@pytest.mark.parametrize(
    ("set_cookies", "sent"),
    [
        pytest.param(["session=a.b-c; HttpOnly; Path=/"], "session=a.b-c", id="session of Flask"),
        pytest.param(["a=1", "b=2; Max-Age=60"], "a=1; b=2", id="several"),
        pytest.param(['a="x y\\073"; Partitioned; SameSite=None'], 'a="x y\\073"', id="quoted, returned unchanged"),
        pytest.param(["a=b=c"], "a=b=c", id="equals sign in the value"),
        pytest.param(["a=1", "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/"], "", id="deleted"),
        pytest.param(["broken", "=x", "", ";"], "", id="broken"),
    ],
)
def test_cookies_are_returned_with_the_next_call(set_cookies: list[str], sent: str) -> None:
    """Flask's session works across the texts of one person, because Twilio keeps cookies."""
    transport = wire(with_cookies(*set_cookies))
    twilio = caller(transport)

    assert converse(transport, twilio) == ""
    assert converse(transport, twilio) == sent


def test_cookies_belong_to_two_numbers_and_a_host() -> None:
    """The session of one customer must never reach another's."""
    transport = wire(with_cookies("session=ann"), OK)
    twilio = caller(transport)
    converse(transport, twilio)

    assert converse(transport, twilio, contact="+3") == ""
    assert converse(transport, twilio, number="+3") == ""
    assert converse(transport, twilio, url="https://other.example/") == ""
    assert converse(transport, twilio) == "session=ann"


def test_cookies_ignore_the_case_of_the_host() -> None:
    """Host names are case-insensitive, for cookies as for logins."""
    transport = wire(with_cookies("session=ann"), OK)
    twilio = caller(transport)
    converse(transport, twilio, url=URL.replace("sms.example", "SMS.Example"))

    assert converse(transport, twilio) == "session=ann"


def test_cookies_are_forgotten_after_four_hours_without_use() -> None:
    """An active conversation keeps its session; one that resumes the next day gets a new session."""
    transport = wire(with_cookies("session=ann"), OK)
    twilio = caller(transport)
    converse(transport, twilio)

    for _ in range(3):
        transport.now += 4 * 3600 - 1
        assert converse(transport, twilio) == "session=ann"
    transport.now += 4 * 3600
    assert converse(transport, twilio) == ""


def test_cookies_may_use_another_clock_than_time_limits() -> None:
    """The emulator's clock may jump by hours, while the time limits of a request are real seconds."""
    emulated = 1000.0
    transport = wire(with_cookies("session=ann"), OK, takes_s=5)
    twilio = Caller(transport, clock=transport.clock, cookies=CookieJar(lambda: emulated))
    converse(transport, twilio)

    transport.now += 5 * 3600
    assert converse(transport, twilio) == "session=ann"
    emulated += 4 * 3600
    assert converse(transport, twilio) == ""
