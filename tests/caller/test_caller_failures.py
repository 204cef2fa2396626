"""Failures: the error of a call has Twilio's error code and describes the problem in one line."""

from __future__ import annotations

import pytest

from tests.caller.calling import FAILED, OK, URL, call, failure, wire
from twiml_app.caller.types import ConnectFailed, ProtocolViolation
from twiml_app.webhook import WebhookResponse


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        pytest.param(
            ConnectFailed("no connection to sms.example.com: refused"),
            "no connection to sms.example.com: refused",
            id="with a message",
        ),
        pytest.param(TimeoutError(), "TimeoutError", id="without a message"),
    ],
)
def test_error_describes_the_problem(error: OSError, problem: str) -> None:
    """An empty message would force people to use a debugger."""
    transport = wire(error)
    failed = failure(transport, f"{URL}#rc=0")

    assert str(failed) == f"{URL}: {problem}"
    assert failed.__cause__ is error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(ConnectFailed("refused"), 11205, id="no connection"),
        pytest.param(ConnectFailed("no such host", code=11210), 11210, id="no connection, with its own code"),
        pytest.param(ProtocolViolation("not an HTTP answer"), 11206, id="not HTTP"),
        pytest.param(ConnectionResetError("reset"), 11200, id="broken"),
    ],
)
def test_failure_has_an_error_code(error: OSError, code: int) -> None:
    """The fallback URL gets the error code, and people look it up in Twilio's list."""
    transport = wire(error, OK)
    answer = call(transport, f"{URL}#rc=0", fallback_url="https://fallback.example/x")

    assert answer.failure
    assert answer.failure.code == code
    assert f"&ErrorCode={code}&" in transport.sent[1].body.decode()


def test_error_shows_the_beginning_of_the_answer() -> None:
    """The application's own line names the problem; a page of HTML is shortened."""
    error = failure(wire(FAILED))
    assert (error.status, error.content_type, error.body) == (500, "", FAILED.body)
    assert error.problem == "answered 500: the handler failed"
    assert failure(wire(WebhookResponse(status=502, body=b"\xff" + b"x" * 1000))).problem == (
        "answered 502: �" + "x" * 199
    )


@pytest.mark.parametrize(
    ("body", "excerpt"),
    [
        pytest.param(
            b"<!doctype html>\n<html lang=en>\n  <title>500 Internal\r\n\tServer Error</title>\n</html>\n",
            ": <!doctype html> <html lang=en> <title>500 Internal Server Error</title> </html>",
            id="page",
        ),
        pytest.param(b"\n" * 300 + b"the reason", ": the reason", id="lines before the text"),
        pytest.param(b"a\n" * 1000, f": {'a ' * 100}", id="many short lines"),
        pytest.param("a\u2028b\x85c\x0bd".encode(), ": a b c d", id="other line breaks"),
        pytest.param(b" \n\t", "", id="only white space"),
    ],
)
def test_answer_is_quoted_in_one_line(body: bytes, excerpt: str) -> None:
    """An error page of many lines would hide the log lines around it."""
    assert failure(wire(WebhookResponse(status=500, body=body))).problem == f"answered 500{excerpt}"
