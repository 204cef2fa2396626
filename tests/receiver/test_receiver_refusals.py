"""Refusals: one plain line for the sender, and the reason only for the operator."""

from __future__ import annotations

import logging

import pytest

from tests.receiver.programs import Memory, Program, text
from tests.webhook_requests import ACCOUNT, SID, SIGNED, authorized, signed, webhook
from twiml_app.caller.forms import CONTACT, NUMBER, status_form
from twiml_app.errors import MalformedRequest
from twiml_app.receiver.auth import StatusUrls
from twiml_app.webhook import TEXT_TYPE, WebhookRequest


@pytest.mark.parametrize(
    ("request_", "status_code", "line", "reason"),
    [
        pytest.param(
            webhook(headers={"authorization": "Basic eDp5"}),
            401,
            "the credentials are wrong",
            "do not match any in TWIML_CREDENTIALS",
            id="wrong credentials",
        ),
        pytest.param(
            signed(text("hello"))._replace(scheme="http"),
            403,
            "the signature does not match",
            "with https: set TWIML_PUBLIC_URL",
            id="wrong signature",
        ),
        pytest.param(
            signed(text("hello", AccountSid="AC" + "9" * 32)),
            403,
            "the account is not served here",
            "is not in TWIML_ACCOUNTS",
            id="another account",
        ),
        pytest.param(
            authorized(webhook(body=b"x" * 262145)), 413, "the body is larger than 262144 bytes", "", id="bytes"
        ),
        pytest.param(authorized(webhook(body=b"&" * 500)), 413, "more than 500 fields", "", id="fields"),
        pytest.param(
            authorized(webhook(body=b"{}", content_type="application/json")),
            400,
            "the content type is application/json: send application/x-www-form-urlencoded",
            "",
            id="JSON",
        ),
        pytest.param(
            authorized(webhook(body=b"hello")),
            400,
            "the body is not a form: every field must be name=value",
            "",
            id="not a form",
        ),
    ],
)
def test_refusal_is_one_plain_line_and_its_reason_is_only_in_the_log(
    program: Program,
    caplog: pytest.LogCaptureFixture,
    request_: WebhookRequest,
    status_code: int,
    line: str,
    reason: str,
) -> None:
    """The sender learns what is wrong with the request, but not how the application is set up."""
    answer = program.receiver(SIGNED, {"TWIML_ACCOUNTS": ACCOUNT}).handle(request_)
    (record,) = caplog.records

    assert (answer.status, answer.body, answer.content_type) == (status_code, f"{line}\n".encode(), TEXT_TYPE)
    assert bool(answer.header("WWW-Authenticate")) == (status_code == 401)
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith(f"refused status={status_code} url=message reason=")
    assert (reason or line) in record.getMessage()
    assert program.called == []


def test_first_request_of_a_challenge_is_not_logged(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """Half of all requests are like this, and they would hide the real refusals."""
    program.receiver().handle(webhook())

    assert caplog.records == []


def test_refusal_is_stored_unless_it_only_fetches_the_challenge(program: Program) -> None:
    """`explain --last` shows the stored refusals; half of all requests only fetch the challenge."""
    journal = Memory()
    receiver = program.receiver(SIGNED, journal=journal)
    request = text("hello")
    receiver.handle(webhook())
    receiver.handle(request)
    ((stored, refused),) = journal.refused

    assert stored is request
    assert refused.line == "the signature does not match"


def test_refused_status_token_of_another_key_is_logged(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """After a change of keys, every status callback may be refused, and the log must show why."""
    other = StatusUrls(["another key"], "/status").url("", "SM1", to=CONTACT, from_=NUMBER)
    request = webhook(status_form(SID, "delivered"), endpoint="status", target=other)

    assert program.receiver({}).handle(request).status == 401
    assert "SECRET_KEY_FALLBACKS" in caplog.text


def test_body_is_only_read_and_kept_after_the_credentials_were_right(program: Program) -> None:
    """A sender without a password could make everything wait for a body that never arrives."""
    journal = Memory()
    receiver = program.receiver(journal=journal)
    reads: list[str] = []

    def read_body() -> bytes:
        reads.append("read")
        raise MalformedRequest("the body is cut off or malformed")

    wrong = webhook(body=b"", headers={"authorization": "Basic eDp5"})
    answers = [
        receiver.handle(wrong, read_body).status,
        receiver.handle(authorized(webhook(body=b"")), read_body).status,
    ]

    assert (answers, reads) == ([401, 400], ["read"])
    assert [request.body for request, _ in journal.refused] == [b"", b""]


def test_body_that_is_read_later_is_answered_and_kept_like_any_other(program: Program) -> None:
    """``explain --last`` needs the form of a request whose signature is wrong."""
    journal = Memory()
    receiver = program.receiver(SIGNED, journal=journal)
    whole = text("hello")

    assert receiver.handle(whole._replace(body=b""), lambda: whole.body).status == 403
    assert receiver.handle(signed(whole)._replace(body=b""), lambda: whole.body).status == 200
    assert [request.body for request, _ in journal.refused] == [whole.body]
