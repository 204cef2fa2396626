"""``send`` and ``cancel``: one commit with the answer of a handler, accepted once per key, withdrawn until it left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from tests.sending.bot import CONTACT, SETTINGS, SHORT_CODE, Bot
from twiml_app import Router, cancel, send
from twiml_app.app import Twiml
from twiml_app.caller import NUMBER, inbound_form
from twiml_app.errors import CannotStore
from twiml_app.events import parse_event
from twiml_app.journal import Archive
from twiml_app.pending import Collection


def test_message_arrives_and_its_row_says_so(bot: Bot) -> None:
    """The whole way: stored, sent with the official client, accepted, delivered."""
    asked = bot.send("your order is ready")

    assert bot.row(asked).state == "waiting"
    bot.sending.drain()
    bot.twilio.settle()

    row = bot.row(asked)
    (message,) = bot.twilio.outbox
    assert (row.state, row.message_sid, row.attempts) == ("accepted", message.sid, 1)
    assert (message.body, message.to, message.from_, message.status) == (
        "your order is ready",
        CONTACT,
        NUMBER,
        "delivered",
    )


def test_message_of_a_handler_leaves_after_its_answer_from_the_texted_number(bot: Bot) -> None:
    """Nothing may leave for an answer that is not stored."""
    bot.during = lambda message: send(message.contact, "later") and "now"

    reply = bot.twilio.phone(CONTACT).text("hi")

    assert (reply.text, bot.texts(), bot.rows()) == ("now", [], [("later", "waiting")])
    bot.sending.drain()
    assert bot.texts() == ["later"]
    assert bot.twilio.outbox[-1].from_ == NUMBER


def test_handler_that_fails_sends_nothing_and_a_retry_sends_once(bot: Bot) -> None:
    """The one commit: answer and message are stored together or not at all."""

    def fail(_: object) -> None:
        send(CONTACT, "never")
        raise ValueError("a bug")

    bot.during = fail
    bot.twilio.phone(CONTACT).text("hi")

    assert bot.rows() == []


def test_key_is_accepted_once(bot: Bot) -> None:
    """A job that runs again must not remind somebody twice."""
    first, second = bot.send("one", key="reminder:42"), bot.send("two", key="reminder:42")
    bot.sending.drain()
    third = bot.send("three", key="reminder:42")
    bot.sending.drain()

    assert first == second == third
    assert bot.texts() == ["one"]


def test_cancelled_message_never_leaves_and_its_key_stays_used(bot: Bot) -> None:
    """After a withdrawal, a job that runs late must not send it."""
    asked = bot.send(key="reminder:42")

    assert bot.cancel("reminder:42") is True
    bot.send(key="reminder:42")
    bot.sending.drain()

    assert (bot.texts(), bot.row(asked).state) == ([], "cancelled")
    assert bot.cancel("reminder:42") is False


def test_message_that_was_handed_over_cannot_be_cancelled(bot: Bot) -> None:
    """``cancel`` must not promise what it cannot keep."""
    bot.send(key="reminder:42")
    bot.sending.drain()

    assert (bot.cancel("reminder:42"), bot.cancel("unknown")) == (False, False)


def test_handler_cancels_with_its_answer(bot: Bot) -> None:
    """Inside a handler, a withdrawal is part of the one commit too."""
    bot.send(key="reminder:42")
    results: list[object] = []
    bot.during = lambda _: results.append(cancel("reminder:42"))

    bot.twilio.phone(CONTACT).text("no reminder, please")
    bot.sending.drain()

    assert (results, bot.texts()) == ([None], [])


def test_scheduled_message_waits_for_its_time_and_can_be_cancelled_until_then(bot: Bot) -> None:
    """Twilio cannot take back what it has, so ``at`` is kept here."""
    at = datetime.fromtimestamp(bot.sending.clock() + 5, UTC)
    bot.send("five", at=at)
    bot.send("withdrawn", at=at, key="reminder:42")
    bot.advance(4)
    before = bot.texts()
    bot.cancel("reminder:42")
    bot.advance(2)

    assert (before, bot.texts()) == ([], ["five"])


def test_message_that_expired_never_leaves(bot: Bot) -> None:
    """A code that is too late only confuses."""
    expires = datetime.fromtimestamp(bot.sending.clock() + 5, UTC)
    asked = bot.send("your code is 1234", expires=expires)
    bot.twilio.advance(6)
    bot.sending.drain()

    assert (bot.texts(), bot.row(asked).state) == ([], "expired")


def test_expiry_becomes_the_validity_period(local_bot: Bot) -> None:
    """Twilio must not deliver it later either."""
    local_bot.send(expires=datetime.fromtimestamp(local_bot.sending.clock(), UTC) + timedelta(minutes=5))
    local_bot.sending.drain()

    assert local_bot.twilio.outbox[0].validity_s in (299, 300)


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        pytest.param({"from_": SHORT_CODE}, "from_", SHORT_CODE, id="short code"),
        pytest.param(
            {"body": "", "from_": "whatsapp:+15005550009", "to": f"whatsapp:{CONTACT}", "template": "HX" + "0" * 32},
            "to",
            f"whatsapp:{CONTACT}",
            id="whatsapp",
        ),
        pytest.param({"from_": "+1 (500) 555-0009"}, "from_", "+15005550009", id="punctuation"),
    ],
)
def test_sender_may_be_any_address(local_bot: Bot, options: dict[str, str], field: str, value: str) -> None:
    """What Twilio takes as a sender, ``send`` takes too."""
    local_bot.send(**options)
    local_bot.sending.drain()

    assert getattr(local_bot.twilio.outbox[0], field) == value


def test_messages_leave_in_the_order_in_which_they_were_asked_for(bot: Bot) -> None:
    """The second half of a story must not come first."""
    for number in range(5):
        bot.send(str(number), from_=SHORT_CODE)
    bot.sending.drain()

    assert bot.texts() == ["0", "1", "2", "3", "4"]


def test_erasing_a_contact_ends_what_waits_for_it(bot: Bot) -> None:
    """Erased people get no more texts, and their data is gone."""
    bot.send("to be erased")
    bot.send("kept", to="+15558675311")
    assert bot.state.engine
    Archive(bot.state.engine).erase(CONTACT)
    bot.sending.drain()

    assert bot.texts() == ["kept"]


def test_without_a_journal_nothing_can_be_sent() -> None:
    """A message that waits nowhere would be lost."""
    app = Flask("bot")
    app.config.update(SETTINGS | {"TWIML_DATABASE_URL": "off"})
    Twiml(app, router=Router())

    with app.app_context(), pytest.raises(CannotStore, match="TWIML_DATABASE_URL"):
        send(CONTACT, "hello")


def test_in_a_replay_nothing_is_stored_but_what_would_be_is_known() -> None:
    """A replay compares it, and must work without a journal."""
    app = Flask("bot")
    app.config.update(SETTINGS | {"TWIML_DATABASE_URL": "off"})
    Twiml(app, router=Router())
    event = parse_event(inbound_form("hi", message_sid="SM" + "1" * 32))

    with app.app_context(), Collection(event) as collected:
        send(CONTACT, "hello", key="a", metadata={"order": 1})
        cancel("a")

    assert [(effect.kind, effect.summary) for effect in collected.effects] == [
        ("send", {"to": CONTACT, "from": NUMBER, "body": "hello", "metadata": {"order": 1}, "key": "a"}),
        ("cancel", {"key": "a"}),
    ]
