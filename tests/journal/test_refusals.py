"""Refused requests: only a limited number is kept, so that nobody can fill the disk."""

from __future__ import annotations

from pathlib import Path

from tests.journal.program import Clock, Program
from tests.webhook_requests import SID, webhook
from twiml_app.errors import Unauthorized
from twiml_app.journal.refusals import MAX_REFUSALS, MAX_REFUSED_BYTES

WRONG = {"authorization": "Basic d3Jvbmc6d3Jvbmc="}


def test_number_of_refusals_is_limited(database_url: str) -> None:
    """The journal keeps at most one refusal per second and only the latest, so that nobody can fill the disk."""
    clock = Clock()
    program = Program(database_url, clock)
    for _ in range(MAX_REFUSALS + 20):
        clock.now += 2
        for _ in range(3):
            program.receiver.handle(webhook(headers=WRONG))

    assert len(program.archive.refusals(1000)) == MAX_REFUSALS
    assert "do not match any in TWIML_CREDENTIALS" in program.archive.refusals(1)[0].reason


def test_latest_refusal_comes_first(database_url: str) -> None:
    """The latest attempt shows why nothing arrives."""
    clock = Clock()
    program = Program(database_url, clock)
    for target in ("/message?first", "/message?second"):
        clock.now += 2
        program.receiver.handle(webhook(target=target, headers=WRONG))

    (refusal,) = program.archive.refusals(1)

    assert (refusal.received_at, refusal.status, refusal.endpoint) == (clock.now, 401, "message")
    assert refusal.method == "POST"
    assert refusal.url == "https://sms.example.com/message?second"
    assert f"MessageSid={SID}".encode() in refusal.body
    assert refusal.headers == {"content-type": "application/x-www-form-urlencoded"}


def test_refusal_of_an_oversized_request_is_truncated(program: Program) -> None:
    """Anybody can send one, so it must neither fill the disk nor break the command that shows it."""
    request = webhook(headers=WRONG | {"x-padding": "x" * 20_000}, body=b"y" * 20_000)
    program.journal.keep_refusal(request, Unauthorized("no"))

    (refusal,) = program.archive.refusals(9)

    assert (refusal.body, refusal.headers) == (b"y" * MAX_REFUSED_BYTES, {})


def test_refusal_needs_no_store(tmp_path: Path) -> None:
    """A forged request gets the same 401 whether or not the journal can be reached."""
    (tmp_path / "file").touch()
    program = Program(f"sqlite:///{tmp_path}/file/twiml.db")

    assert program.receiver.handle(webhook(headers=WRONG)).status == 401
