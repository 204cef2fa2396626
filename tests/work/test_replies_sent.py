"""``then=`` from end to end: a text, an answer at once, and the slow reply on the phone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sending.bot import CONTACT, SETTINGS
from twiml_app import InboundMessage, Message, Router
from twiml_app.app import build_app, state_of
from twiml_app.errors import CallError
from twiml_app.served_app import emulator_for
from twiml_app.testing import Phone


def make_report(message: InboundMessage) -> list[str | Message]:
    """Return a report of two messages."""
    return [f"{message.body}: 42", Message("with a picture", media="https://example.com/1.png")]


def test_slow_reply_reaches_the_phone(tmp_path: Path) -> None:
    """It leaves once, from the number that was texted, however often the work is looked at."""
    router = Router()

    @router.message("report", then=make_report)
    def report(message: InboundMessage) -> str:
        return "It is being made."

    app = build_app(SETTINGS | {"TWIML_DATABASE_URL": f"sqlite:///{tmp_path}/twiml.db"}, tmp_path, router=router)
    with emulator_for(app) as twilio:
        state = state_of(app)
        assert state.work
        assert state.sending
        assert twilio.phone(CONTACT).text("report").text == "It is being made."
        for _ in range(3):
            state.work.run_until(twilio.clock.now())
            state.sending.drain()
            twilio.advance(5)
        sent = [message.body for message in twilio.outbox if message.direction == "outbound-api"]

    assert sent == ["report: 42", "with a picture"]


def test_phone_of_a_test_shows_what_the_program_sends(tmp_path: Path) -> None:
    """A test needs no emulator to see the report."""
    router = Router()

    @router.message("report", then=make_report)
    def report(message: InboundMessage) -> str:
        return "It is being made."

    app = build_app(SETTINGS | {"TWIML_DATABASE_URL": f"sqlite:///{tmp_path}/twiml.db"}, tmp_path, router=router)
    phone = Phone(app)
    phone.text("report")

    assert phone.sends == []
    assert phone.run_work() == 1
    assert phone.sends == ["report: 42", "with a picture"]


def test_phone_of_a_program_without_a_journal_sends_nothing(tmp_path: Path) -> None:
    """The test fails with the reason."""
    app = build_app(SETTINGS | {"TWIML_DATABASE_URL": "off"}, tmp_path, router=Router())

    with pytest.raises(CallError, match="no journal"):
        _ = Phone(app).sends
