"""What goes wrong at Twilio and on the way, by the emulator's faults: each message arrives once, or is reported."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sending.bot import SHORT_CODE, Bot, serving
from twiml_app.emulator import Fault
from twiml_app.sending import TwilioApi

#: Longer than it takes until a message of unknown outcome has been searched for, and one more was sent.
SETTLED_S = 30
#: How long the impatient client of a test waits for an answer, in real seconds.
IMPATIENT_S = 0.3


def impatient(bot: Bot) -> None:
    """Let a bot wait only a moment for answers of the API."""
    settings = replace(bot.state.settings, api_url=bot.twilio.url)
    bot.sending.connect(TwilioApi(settings, timeout_s=IMPATIENT_S), bot.twilio.clock.now)


def add(bot: Bot, *faults: Fault) -> None:
    """Let faults happen."""
    for fault in faults:
        bot.twilio.faults.add(fault)


@pytest.mark.parametrize(
    ("fault", "attempts"),
    [
        pytest.param(Fault("api-429", count=2), 3, id="429"),
        pytest.param(Fault("api-503", count=2), 3, id="503"),
        pytest.param(Fault("api-500", count=2), 3, id="500"),
        pytest.param(Fault("api-slow", seconds=IMPATIENT_S / 10), 1, id="slow"),
        pytest.param(Fault("status-before-answer"), 1, id="callback before the answer"),
        pytest.param(Fault("status-reorder"), 1, id="reordered callbacks"),
        pytest.param(Fault("webhook-duplicate", event="status"), 1, id="duplicated callbacks"),
        pytest.param(Fault("webhook-retry", event="status"), 1, id="retried callbacks"),
        pytest.param(Fault("webhook-drop", event="status"), 1, id="lost callbacks"),
        pytest.param(Fault("webhook-wrong-signature", event="status"), 1, id="callbacks with a wrong signature"),
        pytest.param(Fault("webhook-no-signature", event="status"), 1, id="callbacks without a signature"),
    ],
)
def test_message_arrives_once(local_bot: Bot, fault: Fault, attempts: int) -> None:
    """None of these leaves anybody in doubt."""
    local_bot.twilio.faults.add(fault)
    asked = local_bot.send()
    local_bot.advance(SETTLED_S)
    local_bot.twilio.settle()

    row = local_bot.row(asked)
    assert local_bot.texts() == ["hello"]
    assert (row.state, row.message_sid, row.problem) == ("accepted", local_bot.twilio.outbox[0].sid, "")
    assert (row.attempts, row.other_sid) == (attempts, "")


@pytest.mark.parametrize("asked_for", ["report", "repeat"])
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault("api-cut-after", count=1, path="POST"), id="cut after the request"),
        pytest.param(Fault("api-slow", count=1, path="POST", seconds=60), id="answer comes too late"),
    ],
)
def test_answer_that_is_lost_is_replaced_by_the_callback(bot: Bot, fault: Fault, asked_for: str) -> None:
    """Its status URL is proof that the message exists, so nobody gets it again."""
    impatient(bot)
    bot.twilio.faults.add(fault)
    asked = bot.send(if_unknown=asked_for)
    bot.sending.run_due()
    at_first = bot.row(asked).state
    bot.advance(SETTLED_S)

    row = bot.row(asked)
    assert (at_first, row.state, row.message_sid, row.problem) == (
        "unknown",
        "accepted",
        bot.twilio.outbox[0].sid,
        "",
    )
    assert (row.attempts, bot.texts()) == (1, ["hello"])


@pytest.mark.parametrize("asked_for", ["report", "repeat"])
@pytest.mark.parametrize(
    "callbacks",
    [
        pytest.param(Fault("webhook-drop", event="status"), id="lost callbacks"),
        pytest.param(Fault("webhook-wrong-signature", event="status"), id="callbacks with a wrong signature"),
        pytest.param(Fault("webhook-no-signature", event="status"), id="callbacks without a signature"),
    ],
)
def test_message_without_answer_and_callback_is_probable(local_bot: Bot, callbacks: Fault, asked_for: str) -> None:
    """It is found in Twilio's list and reported, and not sent again even by who asked for that."""
    add(local_bot, Fault("api-cut-after", count=1, path="POST"), callbacks)
    asked = local_bot.send(if_unknown=asked_for)
    local_bot.advance(SETTLED_S)

    row, sid = local_bot.row(asked), local_bot.twilio.outbox[0].sid
    assert (row.state, row.probable_sid, row.attempts) == ("unknown", sid, 1)
    assert row.problem.endswith(f"; probably {sid}")
    assert (local_bot.texts(), local_bot.statuses) == (["hello"], [])


@pytest.mark.parametrize(
    ("asked_for", "state", "texts"),
    [
        pytest.param("report", "unknown", [], id="report"),
        pytest.param("repeat", "accepted", ["hello"], id="repeat"),
    ],
)
def test_connection_that_is_cut_before_the_request_leaves_a_doubt(
    bot: Bot, asked_for: str, state: str, texts: list[str]
) -> None:
    """Its client cannot know that nothing was carried out; only the list of Twilio says so."""
    bot.twilio.faults.add(Fault("api-cut-before", count=1, path="POST"))
    asked = bot.send(if_unknown=asked_for)
    bot.advance(SETTLED_S)

    row = bot.row(asked)
    assert (row.state, bot.texts(), row.other_sid) == (state, texts, "")
    assert bool(row.problem) == (state == "unknown")


def test_list_that_cannot_be_had_at_once_is_asked_for_again(local_bot: Bot) -> None:
    """An outage of the API often lasts longer than one request."""
    add(local_bot, Fault("api-cut-after", count=1, path="POST"), Fault("api-503", count=3, path="GET"))
    local_bot.twilio.faults.add(Fault("webhook-drop", event="status"))
    asked = local_bot.send(if_unknown="repeat")
    local_bot.advance(7 * SETTLED_S)

    assert local_bot.row(asked).probable_sid == local_bot.twilio.outbox[0].sid
    assert local_bot.texts() == ["hello"]


#: Each with a probability of its own, so that several happen to one message.
STORM = {
    "api-429": 0.1,
    "api-500": 0.1,
    "api-503": 0.1,
    "api-cut-before": 0.1,
    "api-cut-after": 0.15,
    "status-before-answer": 0.2,
    "status-reorder": 0.3,
    "webhook-duplicate": 0.2,
    "webhook-retry": 0.1,
    "webhook-drop": 0.2,
    "webhook-wrong-signature": 0.2,
}


@pytest.mark.parametrize("asked_for", ["report", "repeat"])
@pytest.mark.parametrize("seed", range(2))
def test_no_message_arrives_twice_unreported_whatever_goes_wrong(tmp_path: Path, seed: int, asked_for: str) -> None:
    """All faults at once, to forty messages."""
    with serving(f"sqlite:///{tmp_path}/twiml.db", TWIML_DURABILITY="process") as bot:
        for kind, probability in STORM.items():
            event = "status" if kind.startswith("webhook") else ""
            bot.twilio.faults.add(Fault(kind, probability=probability, seed=seed, event=event))
        sends = [bot.send(f"text {n}", from_=SHORT_CODE, if_unknown=asked_for) for n in range(40)]
        bot.advance(2 * SETTLED_S)
        bot.twilio.faults.clear()
        bot.advance(4 * SETTLED_S)
        arrived = Counter(bot.texts())
        rows = [bot.row(each) for each in sends]

    for row in rows:
        times = arrived[row.body]
        allowed = {"accepted": (2,) if row.other_sid else (1,), "unknown": (1,) if row.probable_sid else (0,)}
        assert times in allowed[row.state], row
        assert (row.problem == "") == (row.state == "accepted" and not row.other_sid), row
    assert {row.state for row in rows} >= {"accepted"}
    if asked_for == "report":
        assert {row.attempts > 1 for row in rows if row.state == "accepted"} == {True, False}
        assert max(arrived.values()) == 1
