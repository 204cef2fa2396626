"""Routed transport: requests to the application's host in process, with its time limit, and others over the network."""

from __future__ import annotations

import pytest

from twiml_app.caller.caller import Caller
from twiml_app.caller.transports import RoutedTransport
from twiml_app.caller.types import Webhook
from twiml_app.errors import CallError
from twiml_app.webhook import Form, WebhookResponse

OUTSIDE = WebhookResponse(status=200, body=b"outside")


def routed(*times: float) -> Caller:
    """Make a caller whose requests to http://h are answered in process, with a clock that returns these times."""
    inside = WebhookResponse(status=200, body=b"inside")
    return Caller(RoutedTransport("http://h", lambda _: inside, lambda _: OUTSIDE, clock=iter(times).__next__))


def test_slow_handler_in_process_is_a_timeout() -> None:
    """Twilio waits 15 seconds: otherwise a slower handler would pass the test and fail in production."""
    with pytest.raises(CallError) as failed:
        routed(100.0, 108.1).call(Webhook(url="http://h/message#rt=8000"), Form())

    assert (failed.value.problem, failed.value.code) == ("timed out", 11200)


def test_handler_that_takes_exactly_the_limit_is_in_time() -> None:
    """The limit is inclusive."""
    answer = routed(100.0, 108.0).call(Webhook(url="http://h/message#rt=8000"), Form())

    assert answer.response.body == b"inside"


def test_requests_to_other_hosts_are_not_timed_here() -> None:
    """The HTTP transport enforces the limit itself."""
    assert routed().call(Webhook(url="http://h:81/message"), Form()).response == OUTSIDE
