"""Fallback URL: the caller uses it when the primary URL has failed."""

from __future__ import annotations

from tests.caller.calling import CHALLENGE, FAILED, FORM, OK, URL, WITH_PAIR, call, failure, header, is_signed, wire
from twiml_app.caller.types import ConnectFailed
from twiml_app.webhook import Form


def test_fallback_is_called_with_the_error() -> None:
    """A fallback that does not know the error can only apologize."""
    transport = wire(CHALLENGE, FAILED, CHALLENGE, OK)
    answer = call(transport, f"{WITH_PAIR}?a=1", fallback_url="https://sms:quite@sms.example.com/fallback")
    form = Form.read(transport.sent[-1].body.decode(), max_fields=500)

    assert answer.url == "https://sms.example.com/fallback"
    assert answer.failure
    assert (answer.failure.code, answer.failure.problem) == (11200, "answered 500: the handler failed")
    assert form.pairs == (("ErrorUrl", f"{URL}?a=1"), ("ErrorCode", "11200"), *FORM.pairs)
    assert header(transport.sent[-1], "I-Twilio-Idempotency-Token") == "event-2"
    assert is_signed(transport.sent[-1])
    assert len(answer.attempts) == 4


def test_error_is_that_of_the_fallback_if_both_fail() -> None:
    """Twilio's debugger lists both; the last one needs attention."""
    error = failure(wire(FAILED, ConnectFailed("refused")), fallback_url="https://fallback.example/x")

    assert (error.url, error.code) == ("https://fallback.example/x", 11205)


def test_invalid_fallback_url_is_refused_before_anything_is_sent() -> None:
    """Otherwise nobody notices it until the primary URL fails."""
    transport = wire()

    assert failure(transport, fallback_url="fallback").code == 11100
    assert transport.sent == []
