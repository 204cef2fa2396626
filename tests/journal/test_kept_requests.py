"""The parts of a request that the journal keeps, and those that it never keeps."""

from __future__ import annotations

import pytest

from tests.journal.program import Program
from tests.webhook_requests import AUTHORIZATION, SID, webhook
from twiml_app.caller.forms import inbound_form
from twiml_app.journal.archive import Filter
from twiml_app.webhook import Form


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        pytest.param("all", [True, True, True], id="all"),
        pytest.param("messages", [True, False, True], id="messages"),
        pytest.param("failed", [False, False, True], id="failed"),
    ],
)
def test_request_bytes_are_kept_as_configured(database_url: str, record: str, kept: list[bool]) -> None:
    """Status callbacks are most of the traffic, so their bytes may be dropped; their history is always kept."""
    program = Program(database_url, TWIML_RECORD=record)
    program.text()
    program.status("sent")
    program.status("failed", Fail="1")

    assert [each.exchange is not None for each in program.archive.all(Filter())] == kept
    assert program.text() == program.text()
    entry = program.ledger.get(SID)
    assert entry is not None
    assert len(entry.history) == 2


def test_authorization_and_cookies_are_never_kept(program: Program) -> None:
    """A journal is copied, mailed and restored, so it must not contain a password."""
    program.text()
    program.receiver.handle(webhook(headers={"authorization": "Basic d3Jvbmc6d3Jvbmc=", "cookie": "a=b"}))
    rows = program.engine.run(lambda execute: [execute("SELECT * FROM exchanges"), execute("SELECT * FROM refusals")])

    assert len(rows[0]) == len(rows[1]) == 1
    assert "authorization" not in str(rows).lower()
    assert "cookie" not in str(rows).lower()


def test_bytes_that_a_text_column_refuses_are_kept_unchanged(program: Program) -> None:
    """Real phones send NUL and bytes that are not UTF-8; PostgreSQL's type text refuses both."""
    form = Form([*inbound_form(message_sid=SID).pairs, ("ProfileName", "A\x00\udcff"), ("From", "+1\x00")])

    assert program.send(form).status == 200
    (kept,) = program.archive.all(Filter())
    assert kept.exchange is not None
    assert kept.exchange.form.pairs == form.pairs


def test_unknown_webhook_is_kept(program: Program) -> None:
    """A voice webhook at a Message URL is a configuration mistake, and must be easy to find later."""
    program.send(Form([("CallSid", "CA1"), ("From", "+15005550001")]))

    assert [(each.kind, each.outcome) for each in program.archive.all(Filter())] == [("webhook", "voice webhook")]


def test_only_headers_that_a_replay_needs_are_kept(program: Program) -> None:
    """Proxies add headers of their own, some of them with secrets."""
    given = {"user-agent": "TwilioProxy/1.1", "i-twilio-idempotency-token": "1", "x-api-key": "secret", "cookie": "a=b"}
    program.receiver.handle(webhook(headers=AUTHORIZATION | given))

    (kept,) = program.archive.all(Filter())

    assert kept.exchange is not None
    assert dict(kept.exchange.headers) == {
        "content-type": "application/x-www-form-urlencoded",
        "user-agent": "TwilioProxy/1.1",
        "i-twilio-idempotency-token": "1",
    }
