"""The stop button: what is paused does not leave, on no machine, until it is resumed; what is cancelled never does."""

from __future__ import annotations

import pytest

from tests.sending.bot import Bot, Scripted, faulty, serving
from twiml_app.caller import NUMBER
from twiml_app.journal import Pause, SendArchive, SendFilter
from twiml_app.sending import Answer

LOST = Answer("unknown", problem="the answer was lost")


def archive_of(bot: Bot) -> SendArchive:
    """Return the archive of a bot."""
    assert bot.state.engine
    return SendArchive(bot.state.engine)


@pytest.mark.parametrize(
    ("pause", "left"),
    [
        pytest.param(Pause("all", ""), [], id="all"),
        pytest.param(Pause("sender", NUMBER), ["c"], id="sender"),
        pytest.param(Pause("sender", "+15005550009"), ["a", "b", "c"], id="another sender"),
        pytest.param(Pause("key", "campaign-7:"), ["b", "c"], id="key"),
        pytest.param(Pause("key", "campaign-8:"), ["a", "b", "c"], id="another key"),
        pytest.param(Pause("key", "campaign_%"), ["a", "b", "c"], id="key like a pattern"),
    ],
)
def test_pause_holds_back_what_it_names_and_nothing_else(bot: Bot, pause: Pause, left: list[str]) -> None:
    """A campaign can be stopped without stopping reminders."""
    archive_of(bot).pause(pause)
    bot.send("a", key="campaign-7:1")
    bot.send("b", key="reminder:1")
    bot.send("c", from_="40404")
    bot.advance(3)
    before = sorted(bot.texts())
    ended = archive_of(bot).resume(pause)
    bot.advance(3)

    assert (before, ended, sorted(bot.texts())) == (left, 1, ["a", "b", "c"])


def test_pause_survives_restarts(bot: Bot) -> None:
    """It is stored, and every worker reads it before it claims a message."""
    archive_of(bot).pause(Pause("all", "", bot.sending.clock()))
    bot.send()
    with serving(bot.state.settings.database_url) as restarted:
        restarted.sending.drain()

        assert restarted.texts() == []
        assert archive_of(restarted).pauses() == [Pause("all", "", bot.sending.clock())]


def test_resuming_all_ends_every_pause(bot: Bot) -> None:
    """After an alarm, one command must be enough."""
    archive = archive_of(bot)
    for pause in (Pause("all", ""), Pause("sender", NUMBER), Pause("sender", NUMBER), Pause("key", "a")):
        archive.pause(pause)

    assert archive.counts().pauses == 3
    assert archive.resume(Pause("sender", "40404")) == 0
    assert archive.resume(Pause("all", "")) == 3
    assert archive.pauses() == []


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        pytest.param(SendFilter(), [], id="all"),
        pytest.param(SendFilter(sender=NUMBER), ["c"], id="sender"),
        pytest.param(SendFilter(key="campaign-7:"), ["b", "c"], id="key"),
        pytest.param(SendFilter(contact="+15558675310"), [], id="contact"),
    ],
)
def test_cancelled_messages_never_leave(bot: Bot, wanted: SendFilter, left: list[str]) -> None:
    """The count is of those that were withdrawn."""
    bot.send("a", key="campaign-7:1")
    bot.send("b", key="reminder:1")
    bot.send("c", from_="40404")
    count = archive_of(bot).cancel(wanted, bot.sending.clock(), bot.sending.clock() + 60)
    bot.advance(3)

    assert (count, sorted(bot.texts())) == (3 - len(left), left)
    assert archive_of(bot).cancel(SendFilter(), 0, 0) == 0


def test_message_that_is_leaving_is_not_cancelled(local_bot: Bot) -> None:
    """It may already be at Twilio."""
    counts: list[int] = []
    api = faulty(local_bot)
    api.before = lambda: counts.append(archive_of(local_bot).cancel(SendFilter(), 0, 0))
    local_bot.send()
    local_bot.sending.drain()

    assert (counts, local_bot.texts()) == ([0], ["hello"])


def test_what_failed_is_sent_again_on_request_and_what_is_unknown_is_not(bot: Bot) -> None:
    """After the token was corrected, a campaign goes on where it stopped."""
    api = bot.sending.dispatcher.api
    bot.sending.dispatcher.api = Scripted(Answer("failed", error_code=20003, problem="no"), LOST)
    failed, unknown = bot.send("failed"), bot.send("unknown")
    bot.sending.drain()
    bot.sending.dispatcher.api = api
    found = archive_of(bot).latest(SendFilter(failed=True), 10)
    again = archive_of(bot).retry(SendFilter(failed=True), bot.sending.clock())
    bot.advance(3)

    assert {row.id: row.state for row in found} == {failed.id: "failed", unknown.id: "unknown"}
    assert (again, bot.row(failed).state, bot.row(unknown).state) == (1, "accepted", "unknown")
    assert archive_of(bot).counts().unknown == 1
