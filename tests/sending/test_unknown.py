"""A message whose call had no answer: it is reported, proven by its own callback, and repeated only if asked for."""

from __future__ import annotations

import pytest

from tests.sending.bot import CONTACT, Bot, faulty
from twiml_app.caller import NUMBER
from twiml_app.sending import Answer

LOST = Answer("unknown", problem="the answer was lost")


class Killed(BaseException):
    """The process is killed here."""


def kill(*_: object) -> Answer:
    """Kill the process."""
    raise Killed


def lose(_: Answer) -> Answer:
    """Lose the answer of the API."""
    return LOST


def test_message_whose_process_died_before_the_call_is_reported(bot: Bot) -> None:
    """Whether Twilio got it cannot be known, so nobody may send it again unasked."""
    api = faulty(bot)
    api.before = kill
    asked = bot.send()
    with pytest.raises(Killed):
        bot.sending.run_due()
    api.before = lambda: None
    leaving = bot.row(asked).state
    bot.advance(80)

    row = bot.row(asked)
    assert (leaving, row.state, row.probable_sid, bot.texts()) == ("leaving", "unknown", "", [])
    assert row.problem == "the process that was sending it died; no message at Twilio is like it"


def test_message_whose_process_died_after_the_call_is_found_at_twilio(mute_bot: Bot) -> None:
    """Exactly one message like it, which no other send claims, is probably this one."""
    api = faulty(mute_bot)
    mute_bot.send("hello")
    mute_bot.sending.drain()
    mute_bot.twilio.advance(60)
    api.after = kill
    asked = mute_bot.send("hello")
    with pytest.raises(Killed):
        mute_bot.sending.run_due()
    api.after = lambda answer: answer
    mute_bot.twilio.advance(61)
    mute_bot.sending.drain()

    row, sid = mute_bot.row(asked), mute_bot.twilio.outbox[-1].sid
    assert (row.state, row.probable_sid, len(mute_bot.texts())) == ("unknown", sid, 2)
    assert row.problem == f"the process that was sending it died; probably {sid}"


def test_its_own_callback_proves_a_message(bot: Bot) -> None:
    """The status URL carries the id of the send."""
    api = faulty(bot)
    api.after = lose
    asked = bot.send(metadata={"order": 42})
    bot.sending.run_due()
    unknown = bot.row(asked).state
    bot.twilio.settle()

    row = bot.row(asked)
    assert (unknown, row.state, row.message_sid, row.problem) == ("unknown", "accepted", bot.twilio.outbox[0].sid, "")
    assert [status.metadata for status in bot.statuses] == [{"order": 42}] * 2


def test_callback_that_comes_before_the_answer_of_the_api_is_joined(bot: Bot) -> None:
    """Twilio calls back as soon as it sends, which may be before its answer arrives."""
    api = faulty(bot)
    states: list[str] = []

    def call_back_first(answer: Answer) -> Answer:
        bot.twilio.settle()
        states.append(bot.row(asked).state)
        return answer

    api.after = call_back_first
    asked = bot.send(metadata={"order": 42})
    bot.sending.run_due()

    row = bot.row(asked)
    assert (states, row.state, row.message_sid) == (["accepted"], "accepted", bot.twilio.outbox[0].sid)
    assert bot.statuses[-1].metadata == {"order": 42}


def test_lost_answer_does_not_undo_what_a_callback_has_proven(bot: Bot) -> None:
    """The callback is the better witness."""
    api = faulty(bot)

    def call_back_first(_: Answer) -> Answer:
        bot.twilio.settle()
        return LOST

    api.after = call_back_first
    asked = bot.send(if_unknown="repeat")
    bot.sending.run_due()
    bot.advance(30)

    assert (bot.row(asked).state, bot.texts()) == ("accepted", ["hello"])


def test_message_that_nobody_has_is_repeated_only_if_asked_for(bot: Bot) -> None:
    """An appointment is better announced twice than never; a code is not."""
    api = faulty(bot)
    api.before = kill
    silent, again = bot.send("silent"), bot.send("again", if_unknown="repeat", from_="40404")
    for _ in range(2):
        with pytest.raises(Killed):
            bot.sending.run_due()
    api.before = lambda: None
    bot.advance(80)

    assert bot.texts() == ["again"]
    assert (bot.row(silent).state, bot.row(again).state, bot.row(again).repeats) == ("unknown", "accepted", 1)


def test_message_that_is_probably_there_is_not_repeated(mute_bot: Bot) -> None:
    """It would arrive twice."""
    api = faulty(mute_bot)
    api.after = lose
    asked = mute_bot.send(if_unknown="repeat")
    mute_bot.sending.run_due()
    mute_bot.advance(30)

    row = mute_bot.row(asked)
    assert (row.state, row.probable_sid, row.repeats) == ("unknown", mute_bot.twilio.outbox[0].sid, 0)
    assert mute_bot.texts() == ["hello"]


def test_several_messages_like_it_prove_nothing(mute_bot: Bot) -> None:
    """Which of them it is cannot be told."""
    api = faulty(mute_bot)

    def send_another(_: Answer) -> Answer:
        mute_bot.twilio.client().messages.create(to=CONTACT, from_=NUMBER, body="hello")
        return LOST

    api.after = send_another
    asked = mute_bot.send(if_unknown="repeat")
    mute_bot.sending.run_due()
    mute_bot.advance(30)

    assert (mute_bot.row(asked).probable_sid, len(mute_bot.texts())) == ("", 2)
    assert mute_bot.row(asked).problem == "the answer was lost; 2 messages at Twilio are like it"


def test_message_that_another_send_has_is_not_found(mute_bot: Bot) -> None:
    """One message at Twilio cannot prove two sends."""
    api = faulty(mute_bot)
    api.after = lose
    first = mute_bot.send()
    mute_bot.sending.run_due()
    api.before = kill
    second = mute_bot.send()
    with pytest.raises(Killed):
        mute_bot.sending.run_due()
    api.before = lambda: None
    mute_bot.twilio.advance(120)
    mute_bot.sending.drain()

    rows = [mute_bot.row(each) for each in (first, second)]
    assert sorted(bool(row.probable_sid) for row in rows) == [False, True]
    assert len(mute_bot.texts()) == 1


def test_older_message_is_not_found(mute_bot: Bot) -> None:
    """Yesterday's text proves nothing about today's."""
    mute_bot.twilio.client().messages.create(to=CONTACT, from_=NUMBER, body="hello")
    mute_bot.twilio.advance(60)
    api = faulty(mute_bot)
    api.before = kill
    asked = mute_bot.send()
    with pytest.raises(Killed):
        mute_bot.sending.run_due()
    mute_bot.advance(80)

    assert mute_bot.row(asked).probable_sid == ""


def test_message_that_arrives_twice_is_reported(bot: Bot) -> None:
    """The answer of an outage may be wrong: the call had created a message after all."""
    api = faulty(bot)
    api.after = lambda _: Answer("not sent", problem="the API answered 502")
    asked = bot.send()
    bot.sending.run_due()
    api.after = lambda answer: answer
    bot.sending.clock = lambda: bot.twilio.clock.now() + 2
    bot.sending.run_due()
    bot.twilio.settle()

    row = bot.row(asked)
    assert {row.message_sid, row.other_sid} == {message.sid for message in bot.twilio.outbox}
    assert (row.state, len(bot.texts())) == ("accepted", 2)
    assert "sent twice" in row.problem


def test_search_is_given_up_if_twilio_does_not_answer(local_bot: Bot) -> None:
    """Nothing is asked forever."""
    api = faulty(local_bot)
    api.before = kill
    asked = local_bot.send(if_unknown="repeat")
    with pytest.raises(Killed):
        local_bot.sending.run_due()
    searches: list[int] = []

    def fail() -> None:
        searches.append(1)
        raise OSError("no answer")

    api.search = fail
    for _ in range(10):
        local_bot.twilio.advance(61)
        local_bot.sending.run_due()

    assert (local_bot.row(asked).state, len(searches), local_bot.texts()) == ("unknown", 5, [])


def test_process_that_was_suspended_before_the_call_does_not_make_it(local_bot: Bot) -> None:
    """Another may have reported the message meanwhile, or sent it again."""
    store = local_bot.sending._store
    asked = local_bot.send()
    claim = store.claim

    def claim_and_hang(*given: object, **more: object) -> object:
        claimed = claim(*given, **more)  # type: ignore[arg-type]
        local_bot.twilio.advance(50)
        return claimed

    store.claim = claim_and_hang  # type: ignore[method-assign, assignment]
    local_bot.sending.run_due()

    assert (local_bot.row(asked).state, local_bot.texts()) == ("waiting", [])
