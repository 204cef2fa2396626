"""Opt-outs that a program records: in the commit of an answer, or at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.consent.programs import CONTACT, NUMBER, Application
from twiml_app import InboundMessage, Router, opt_outs
from twiml_app.errors import CallError, CannotStore

SID = "SM" + "5" * 32


def leave(message: InboundMessage) -> str:
    """Record what the contact asked for."""
    opt_outs.add(message.contact, "asked in free words")
    if message.form.get("Fail"):
        raise ValueError("a bug")
    return "You will get no more news."


def come_back(message: InboundMessage) -> str:
    """End what a person recorded."""
    opt_outs.remove(message.contact, "asked for it", sender=message.to)
    return "Welcome back."


@pytest.fixture
def application(tmp_path: Path) -> Application:
    """An application whose contacts ask in free words."""
    router = Router()
    router.message("please stop writing to me")(leave)
    router.message("write to me again")(come_back)
    return Application(f"sqlite:///{tmp_path}/twiml.db", router)


def test_handler_records_what_was_asked_in_free_words(application: Application) -> None:
    """Nobody can list the words with which people ask to be left alone."""
    reply = application.phone.text("Please stop writing to me!", MessageSid=SID)

    assert reply.text == "You will get no more news."
    assert application.of() == [("*", "program", "asked in free words")]
    assert application.only().origin == SID


def test_handler_that_fails_records_nothing(application: Application) -> None:
    """The retry runs it again."""
    with pytest.raises(CallError):
        application.phone.text("please stop writing to me", Fail="yes")

    assert application.of() == []


def test_handler_ends_what_was_recorded_for_its_number(application: Application) -> None:
    """That of another sender stays."""
    with application.app.app_context():
        for sender in ("", NUMBER):
            opt_outs.add(CONTACT, "asked on the phone", sender=sender)
    application.phone.text("write to me again")

    assert application.of() == [("*", "program", "asked on the phone")]


def test_script_records_lists_and_ends_opt_outs_at_once(application: Application) -> None:
    """A list from an earlier system is imported like this."""
    with application.app.app_context():
        opt_outs.add("+1 (500) 555-0001", "from the old list")
        opt_outs.add("+15005550002", "from the old list")
        everybody, one = opt_outs.list(), opt_outs.list("whatsapp:+15005550002")
        opt_outs.remove(CONTACT)

        assert {each.contact for each in everybody} == {CONTACT, "+15005550002"}
        assert [(each.contact, each.sender, each.source, each.reason, each.origin) for each in one] == [
            ("+15005550002", "*", "program", "from the old list", "")
        ]
        assert len(opt_outs.list(limit=1)) == 1
        assert opt_outs.list(CONTACT) == ()


def test_program_cannot_end_what_the_contact_decided(application: Application) -> None:
    """Twilio would refuse the message anyway."""
    application.phone.text("STOP")
    with application.app.app_context():
        opt_outs.remove(CONTACT, "we miss you")

    assert application.refusal() == 21610


def test_without_a_journal_the_error_names_the_setting(tmp_path: Path) -> None:
    """Otherwise the opt-out would be forgotten at the next restart."""
    application = Application("off")

    with application.app.app_context(), pytest.raises(CannotStore, match="set TWIML_DATABASE_URL"):
        opt_outs.add(CONTACT, "asked")
