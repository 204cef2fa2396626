"""Messages that must not leave: opted-out contacts, numbers that cannot receive, and long messages."""

from __future__ import annotations

import logging

import pytest

from tests.sending.bot import CONTACT, Bot, Scripted
from twiml_app import opt_outs
from twiml_app.sending import Answer


def test_message_to_somebody_who_opted_out_never_leaves(bot: Bot) -> None:
    """STOP counts at the moment a message leaves, not when it was asked for."""
    asked = bot.send()
    with bot.app.app_context():
        opt_outs.add(CONTACT, "asked by phone")
    bot.sending.drain()

    assert (bot.row(asked).state, bot.row(asked).error_code, bot.texts()) == ("refused", 21610, [])
    assert bot.row(asked).problem.startswith("21610: the contact opted out")


def test_stop_by_text_ends_what_waits(bot: Bot) -> None:
    """The emulator posts it to the application, as Twilio does."""
    asked = bot.send()
    bot.twilio.phone(CONTACT).text("STOP")
    bot.sending.drain()

    assert (bot.row(asked).state, bot.texts()) == ("refused", [])


@pytest.mark.parametrize("code", [21610, 21211, 21614])
def test_refusal_of_the_api_is_remembered(local_bot: Bot, code: int) -> None:
    """The next message is not tried."""
    local_bot.sending.connect(Scripted(Answer("failed", error_code=code)), local_bot.twilio.clock.now)
    first = local_bot.send()
    local_bot.sending.drain()
    second = local_bot.send()
    local_bot.twilio.advance(5)
    local_bot.sending.drain()

    states = [local_bot.row(each).state for each in (first, second)]
    assert (states, local_bot.row(second).error_code) == (["failed", "refused"], code)


def test_long_message_is_logged(local_bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    """Eleven segments cost eleven times as much."""
    caplog.set_level(logging.WARNING, "twiml_app")
    local_bot.send("x" * 1600)

    assert any("long message segments=11" in line for line in caplog.messages)
