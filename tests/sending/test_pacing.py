"""The pace of each sender: one bucket for all workers and machines, replies before the rest, little waits at Twilio."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sending.bot import CONTACT, Bot, serving
from twiml_app import send
from twiml_app.caller import NUMBER
from twiml_app.sending import Dispatcher, make_sending

TOLL_FREE = "+18885550001"
SERVICE = "MG" + "1" * 32


def left_after(bot: Bot, seconds: int) -> int:
    """Return how many messages have left after a time."""
    bot.advance(seconds)
    return len(bot.texts())


@pytest.mark.parametrize(
    ("sender", "pace"),
    [
        pytest.param(NUMBER, 1, id="long number"),
        pytest.param(TOLL_FREE, 3, id="toll-free number"),
        pytest.param("40404", 100, id="short code"),
        pytest.param("whatsapp:+15005550006", 80, id="whatsapp"),
        pytest.param("rcs:brand", 1, id="other channel"),
        pytest.param(SERVICE, 1, id="service"),
        pytest.param("+15005550009", 7, id="set"),
    ],
)
def test_kind_of_a_sender_decides_its_pace(tmp_path: Path, sender: str, pace: float) -> None:
    """The figures are those of Twilio; a setting says otherwise."""
    with serving(f"sqlite:///{tmp_path}/twiml.db", TWIML_PACE='{"+15005550009": 7}') as bot:
        assert bot.sending.dispatcher.pace_of(sender) == pace


def test_messages_leave_at_the_pace_of_their_sender(bot: Bot) -> None:
    """What is handed over too early waits at Twilio, where nobody can stop it."""
    for number in range(20):
        bot.send(str(number))

    at_once, after_ten = left_after(bot, 0), left_after(bot, 10)

    assert (at_once, after_ten) == (2, 12)


def test_segments_count_and_not_messages(local_bot: Bot) -> None:
    """A text of three segments takes three times as long."""
    for _ in range(5):
        local_bot.send("x" * 400)

    assert [left_after(local_bot, seconds) for seconds in (0, 3, 3)] == [1, 2, 3]


def test_one_sender_does_not_hold_up_another(bot: Bot) -> None:
    """A campaign from one number must not delay the other numbers."""
    for number in range(5):
        bot.send(f"slow {number}")
    bot.send("fast", from_="40404")

    bot.sending.drain()

    assert "fast" in bot.texts()


def test_reply_leaves_before_the_rest(bot: Bot) -> None:
    """Who has just written is waiting; a campaign is not."""
    for number in range(20):
        bot.send(f"campaign {number}")
    bot.sending.drain()
    bot.during = lambda message: send(message.contact, "reply") and None
    bot.twilio.phone(CONTACT).text("hi")
    bot.sending.drain()

    assert bot.texts() == ["campaign 0", "campaign 1", "reply"]


def test_at_most_thirty_seconds_of_replies_wait_at_twilio(local_bot: Bot) -> None:
    """A handler in a loop must be stoppable too."""

    def flood(_: object) -> None:
        for number in range(100):
            send(CONTACT, str(number))

    local_bot.during = flood
    local_bot.twilio.phone(CONTACT).text("hi")

    assert left_after(local_bot, 0) == 30
    assert left_after(local_bot, 5) == 35


def test_workers_and_machines_share_the_pace(bot: Bot) -> None:
    """Ten workers must not be ten times as fast."""
    for number in range(20):
        bot.send(str(number))
    assert bot.state.engine
    workers = [make_sending(bot.state.engine, bot.state.settings) for _ in range(3)]
    for worker in workers:
        worker.connect(bot.sending.dispatcher.api, bot.sending.clock)
        worker.drain()

    assert len(bot.texts()) == 2


def test_dispatcher_says_when_to_call_it_again(local_bot: Bot) -> None:
    """Threads sleep until then, and neither poll a busy sender nor miss its time."""
    for number in range(6):
        local_bot.send(str(number))
    dispatcher: Dispatcher = local_bot.sending.dispatcher
    waits = [dispatcher.run_due()]
    local_bot.twilio.advance(1)
    waits.append(dispatcher.run_due())

    assert waits == pytest.approx([1.0, 1.0], abs=0.01)
    assert len(local_bot.texts()) == 3


def test_idle_dispatcher_calls_nobody(local_bot: Bot) -> None:
    """A poll is a look at an index."""
    assert local_bot.sending.run_due() == 1.0
    assert local_bot.twilio.requests == []
