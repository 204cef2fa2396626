"""Reactions reach their handler or nobody: never a pattern, never the default handler."""

from __future__ import annotations

import re

import pytest

from tests.receiver.programs import EMPTY, Program, text, twiml
from tests.webhook_requests import BASIC, read_settings
from twiml_app import InboundMessage, Router
from twiml_app.receiver.receiver import Receiver
from twiml_app.webhook import WebhookResponse

REACTION = "Liked “See you at noon”"


def test_reaction_without_a_handler_gets_no_reply(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """The person only tapped a thumb onto our message."""
    caplog.set_level("INFO")

    answer = program.receiver().handle(text(REACTION))

    assert (answer.status, answer.body, program.called) == (200, EMPTY, [])
    assert "outcome=reaction" in caplog.text
    assert [record.levelname for record in caplog.records] == ["INFO"]


def test_reaction_reaches_its_handler_and_the_return_value_is_sent() -> None:
    """A thumb may confirm an appointment."""
    router = Router()

    @router.message(re.compile("Liked"))
    def pattern(message: InboundMessage) -> str:
        return "pattern"

    @router.reaction
    def confirm(message: InboundMessage) -> str:
        reaction = message.reaction
        return f"{reaction.kind}: {reaction.quoted}" if reaction else ""

    receiver = Receiver(router, read_settings(BASIC))

    assert receiver.handle(text(REACTION)).body == twiml("<Message><Body>like: See you at noon</Body></Message>")
    assert receiver.handle(text("Liked it")).body == twiml("<Message><Body>pattern</Body></Message>")


def test_reaction_handler_that_raises_is_answered_with_500() -> None:
    """It fails like any other handler of a message."""
    router = Router()

    @router.reaction
    def fail(message: InboundMessage) -> str:
        raise ValueError("a bug")

    assert Receiver(router, read_settings(BASIC)).handle(text(REACTION)) == WebhookResponse.line(
        500, "the handler failed"
    )


def test_opt_out_comes_before_a_reaction(program: Program) -> None:
    """A service with its own words decides what is an opt-out."""
    answer = program.receiver().handle(text(REACTION, OptOutType="STOP"))

    assert (answer.body, program.called) == (EMPTY, [f"notified {REACTION}"])
