"""The journal fails at the worst moments: around the call of the API."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.sending.bot import CONTACT, Bot, faulty
from twiml_app.errors import JournalUnavailable
from twiml_app.journal import Archive, Engine, SendStore
from twiml_app.sending import Dispatcher


class FailingEngine:
    """An engine whose next transactions fail: before they begin, or when they have been committed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.before: Iterator[bool] = iter(())
        self.after: Iterator[bool] = iter(())

    def run(self, operation: Callable[..., Any], **options: Any) -> Any:
        """Run a transaction, or fail."""
        if next(self.before, False):
            raise JournalUnavailable("the disk is full")
        value = self._engine.run(operation, **options)
        if next(self.after, False):
            raise JournalUnavailable("nobody waited for it")
        return value

    def read(self, operation: Callable[..., Any], **options: Any) -> Any:
        """Read."""
        return self._engine.read(operation, **options)


@pytest.fixture
def failing(bot: Bot) -> FailingEngine:
    """Let the dispatcher of a bot use an engine that fails."""
    assert bot.state.engine
    return FailingEngine(bot.state.engine)


def dispatcher_of(bot: Bot, engine: FailingEngine) -> Dispatcher:
    """Return a dispatcher that uses an engine."""
    store = SendStore(engine, 30)  # type: ignore[arg-type]
    settings = bot.state.settings
    return Dispatcher(store, bot.sending.dispatcher.api, settings, status_url=lambda *_: "", clock=bot.sending.clock)


def test_outcome_is_stored_at_the_second_try(bot: Bot, failing: FailingEngine) -> None:
    """A short lock must not make a message unknown."""
    asked = bot.send()
    failing.before = iter([False, True])
    dispatcher_of(bot, failing).run_due()

    assert bot.row(asked).state == "accepted"


def test_outcome_that_cannot_be_stored_is_unknown_and_not_repeated(bot: Bot, failing: FailingEngine) -> None:
    """Twilio has the message, and only the journal does not know."""
    asked = bot.send()
    failing.before = iter([False, True, True])
    wait_s = dispatcher_of(bot, failing).run_due()
    leaving = bot.row(asked).state
    bot.twilio.advance(61)
    bot.sending.drain()

    row = bot.row(asked)
    assert (wait_s, leaving, row.state, row.probable_sid) == (1.0, "leaving", "unknown", bot.twilio.outbox[0].sid)
    assert bot.texts() == ["hello"]


def test_claim_that_was_committed_too_late_is_put_back(bot: Bot, failing: FailingEngine) -> None:
    """Nobody called the API for it, so it is not unknown."""
    asked = bot.send()
    dispatcher = dispatcher_of(bot, failing)
    failing.after = iter([True])
    dispatcher.run_due()
    leaving = bot.row(asked).state
    bot.send("another", from_="40404")
    dispatcher.run_due()
    bot.twilio.advance(1)
    dispatcher.run_due()

    assert (leaving, bot.row(asked).state, bot.row(asked).attempts) == ("leaving", "accepted", 1)
    assert sorted(bot.texts()) == ["another", "hello"]


def test_journal_that_cannot_be_reached_is_tried_again_later(bot: Bot, failing: FailingEngine) -> None:
    """The thread that sends must survive an outage."""
    asked = bot.send()
    failing.before = iter([True])
    dispatcher = dispatcher_of(bot, failing)

    assert dispatcher.run_due() == 1.0
    dispatcher.run_due()
    assert bot.row(asked).state == "accepted"


def test_contact_that_is_erased_while_a_message_leaves_stays_erased(bot: Bot) -> None:
    """The answer of the API must not bring the address back."""
    assert bot.state.engine
    archive = Archive(bot.state.engine)
    api = faulty(bot)
    api.before = lambda: archive.erase(CONTACT)
    bot.send()
    bot.sending.drain()

    assert bot.rows() == []
    assert bot.state.ledger
    assert bot.state.ledger.get(bot.twilio.outbox[0].sid) is None


def test_missing_library_is_logged_once(
    local_bot: Bot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The dispatcher tries again every second: at night that would be 30,000 lines."""
    asked = local_bot.send()
    dispatcher = local_bot.sending.dispatcher
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "twilio.rest", None)
        for _ in range(3):
            dispatcher.run_due()
    dispatcher.run_due()

    assert [line for line in caplog.messages if "pip install" in line] == [
        "sending problem=\"send: it needs the official library: pip install 'twiml-app[send]'\""
    ]
    assert local_bot.row(asked).state == "accepted"
