"""The receiver asks for the turn of a message only for handlers with state, and ends every turn."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.webhook_requests import AUTHORIZATION, BASIC, read_settings, webhook
from twiml_app import InboundMessage, Router
from twiml_app.errors import CannotStore, JournalUnavailable, StateError, StillRunning
from twiml_app.pending import Effect, Transaction
from twiml_app.receiver import Receiver
from twiml_app.webhook import WebhookResponse


class OneTurn:
    """A turn that records what happens to it."""

    def __init__(self) -> None:
        self.conversation = {"name": "Ann"}
        self.ended: list[str] = []
        self.problem: Exception | None = None

    def effects(self) -> tuple[Effect, ...]:
        """Return nothing, or fail."""
        if self.problem:
            raise self.problem
        return ()

    def write(self, execute: Transaction) -> None:
        """Do nothing."""

    def committed(self) -> None:
        """Record it."""
        self.ended.append("committed")

    def give_up(self) -> None:
        """Record it."""
        self.ended.append("given up")


class Turns:
    """Conversations with one turn, or a problem."""

    def __init__(self) -> None:
        self.turn = OneTurn()
        self.problem: Exception | None = None
        self.asked: list[bool] = []

    def begin(self, message: InboundMessage, *, wait_s: float, stores: bool) -> OneTurn:  # noqa: ARG002
        """Return the turn, or fail."""
        self.asked.append(stores)
        if self.problem:
            raise self.problem
        return self.turn


def answer(turns: Turns | None, handler: Callable[..., object], *, rehearses: bool = True) -> WebhookResponse:
    """Answer one message without a journal."""
    router = Router()
    router.default(handler)
    receiver = Receiver(router, read_settings(BASIC), conversations=turns)
    if rehearses:
        receiver.detach_journal()
    return receiver.handle(webhook(headers=AUTHORIZATION))


def greet(_message: InboundMessage, conversation: dict[str, str]) -> str:
    """Greet with the name that is kept."""
    return f"Hello {conversation['name']}"


def test_handler_with_state_gets_it() -> None:
    """A command that must not write asks for a turn that stores nothing."""
    turns = Turns()

    assert b"Hello Ann" in answer(turns, greet).body
    assert turns.asked == [False]


def test_handler_without_state_asks_for_no_turn() -> None:
    """It pays nothing."""
    turns = Turns()

    assert b"Hello" in answer(turns, lambda _message: "Hello").body
    assert turns.asked == []


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        pytest.param(StillRunning("an earlier message is still being answered"), 503, id="waited too long"),
        pytest.param(CannotStore("there is nowhere to store it"), 500, id="nowhere to store"),
    ],
)
def test_message_whose_turn_does_not_come_is_not_answered(problem: Exception, status: int) -> None:
    """Twilio turns to the fallback URL, or tries again."""
    turns = Turns()
    turns.problem = problem

    assert answer(turns, greet).status == status


def test_journal_that_is_away_is_not_the_fault_of_the_handler() -> None:
    """The receiver answers as for any other problem of the journal."""
    turns = Turns()
    turns.problem = JournalUnavailable("the disk is full")

    with pytest.raises(JournalUnavailable):
        answer(turns, greet)


def test_state_that_cannot_be_stored_fails_the_handler() -> None:
    """As if the handler had raised."""
    turns = Turns()
    turns.turn.problem = StateError("too long")

    assert answer(turns, greet).status == 500


def test_thread_that_ends_gives_its_turn_up() -> None:
    """The next message of the person must not wait for it."""
    turns = Turns()

    def stop(_message: InboundMessage, conversation: object) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        answer(turns, stop)
    assert turns.turn.ended == ["given up"]


@pytest.mark.parametrize("turns", [pytest.param(Turns(), id="no journal"), pytest.param(None, id="no conversations")])
def test_handler_with_state_fails_where_nothing_can_be_stored(turns: Turns | None) -> None:
    """A reply from an empty state would be wrong."""
    assert answer(turns, greet, rehearses=False).status == 500
    assert turns is None or turns.asked == []
