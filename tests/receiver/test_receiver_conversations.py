"""The receiver asks for the turn of a message only for handlers with state, and ends every turn."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.receiver.programs import EMPTY
from tests.webhook_requests import AUTHORIZATION, BASIC, read_settings, webhook
from twiml_app import Conversation, InboundMessage, Router
from twiml_app.caller import inbound_form
from twiml_app.errors import CannotStore, DialogElsewhere, JournalUnavailable, StateError, StillRunning
from twiml_app.events import parse_event
from twiml_app.pending import Effect, Transaction
from twiml_app.receiver import Outcome, Postponed, Receiver
from twiml_app.webhook import WebhookResponse


class OneTurn:
    """A turn that records what happens to it."""

    def __init__(self) -> None:
        self.conversation = Conversation("+15005550001", "+15005550006", '{"name": "Ann"}')
        self.ended: list[str] = []
        self.problem: Exception | None = None
        self.postponed: Postponed | None = None

    def effects(self) -> tuple[Effect, ...]:
        """Return nothing, or fail."""
        if self.problem:
            raise self.problem
        return ()

    def save(self, effects: tuple[Effect, ...] | None) -> None:
        """Do nothing."""

    def postpone(self) -> Postponed | None:
        """Leave the message to work, if the test says so."""
        return self.postponed

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
        self.postponed: Postponed | None = None
        self.handed_off = False
        self.problem: Exception | None = None
        self.asked: list[bool] = []

    def begin(
        self,
        message: InboundMessage,  # noqa: ARG002
        *,
        wait_s: float,  # noqa: ARG002
        stores: bool,
        base_url: str = "",  # noqa: ARG002
    ) -> OneTurn | Postponed:
        """Return the turn, leave the message to work, or fail."""
        self.asked.append(stores)
        if self.problem:
            raise self.problem
        return self.postponed or self.turn

    def is_handed_off(self, message: InboundMessage, *, wait_s: float, stores: bool) -> bool:  # noqa: ARG002
        """Return what was set, or fail."""
        self.asked.append(stores)
        if self.problem:
            raise self.problem
        return self.handed_off


def answer(turns: Turns | None, handler: Callable[..., object], *, rehearses: bool = True) -> WebhookResponse:
    """Answer one message without a journal."""
    router = Router()
    router.default(handler)
    receiver = Receiver(router, read_settings(BASIC), conversations=turns)
    if rehearses:
        receiver.detach_journal()
    return receiver.handle(webhook(headers=AUTHORIZATION))


def greet(_message: InboundMessage, conversation: Conversation) -> str:
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


def handed_off(turns: Turns | None, *, rehearses: bool = True) -> WebhookResponse:
    """Answer one message with a handler for those that a person answers."""
    router = Router()
    router.default(lambda _message: "handler")
    router.handed_off(lambda _message: "person")
    receiver = Receiver(router, read_settings(BASIC), conversations=turns)
    if rehearses:
        receiver.detach_journal()
    return receiver.handle(webhook(headers=AUTHORIZATION))


@pytest.mark.parametrize(
    ("is_handed_off", "reply"), [pytest.param(True, b"person", id="yes"), pytest.param(False, b"handler", id="no")]
)
def test_message_that_a_person_answers_reaches_its_handler(is_handed_off: bool, reply: bytes) -> None:
    """And no other."""
    turns = Turns()
    turns.handed_off = is_handed_off

    assert reply in handed_off(turns).body


@pytest.mark.parametrize("turns", [pytest.param(Turns(), id="no journal"), pytest.param(None, id="no conversations")])
def test_nothing_is_handed_off_where_nothing_can_be_stored(turns: Turns | None) -> None:
    """Nobody could have handed it off."""
    assert b"handler" in handed_off(turns, rehearses=False).body


def test_message_is_not_answered_while_nobody_knows_whether_a_person_does() -> None:
    """The journal is away."""
    turns = Turns()
    turns.problem = JournalUnavailable("the disk is full")

    with pytest.raises(JournalUnavailable):
        handed_off(turns)


def test_handing_off_needs_a_handler_for_the_messages() -> None:
    """Otherwise nobody would see them."""

    def hand_off(_message: InboundMessage, conversation: Conversation) -> None:
        conversation.hand_off()

    assert answer(Turns(), hand_off).status == 500


def test_handler_that_fails_before_routing_is_named() -> None:
    """A handler of opt-out words can fail too."""
    router = Router()

    @router.opt_out
    def fail(_message: InboundMessage) -> None:
        raise ValueError("a bug")

    form = inbound_form("STOP")

    assert Receiver(router, read_settings(BASIC)).handle(webhook(form, headers=AUTHORIZATION)).status == 500


def postponed(turns: Turns) -> Postponed:
    """Return a message that work answers in a turn."""
    return Postponed(turns.turn, (Effect("message", {}, lambda _: None, lambda: None),))


def test_message_whose_turn_does_not_come_in_time_is_left_to_work() -> None:
    """It gets an empty success, and its reply later."""
    turns = Turns()
    turns.postponed = postponed(turns)

    assert answer(turns, greet).body == EMPTY


@pytest.mark.parametrize("has_dialogs", [True, False], ids=["dialogs", "no dialogs"])
def test_dialog_of_another_version_is_left_to_work_that_has_it(has_dialogs: bool) -> None:
    """In the turn that the message has."""
    turns = Turns()
    turns.turn.postponed = postponed(turns) if has_dialogs else None

    def fail(_message: InboundMessage, conversation: Conversation) -> None:
        raise DialogElsewhere("another version")

    assert answer(turns, fail).status == (200 if has_dialogs else 503)


def in_turn(body: str = "hello", **settings: str) -> tuple[OneTurn, Outcome]:
    """Answer a message that was postponed."""
    router, turn = Router(), OneTurn()
    router.message("picky", when=lambda _message: 1 // 0 == 0)(lambda _message: "never")
    router.default(greet)
    message = parse_event(inbound_form(body))
    assert isinstance(message, InboundMessage)
    receiver = Receiver(router, read_settings(BASIC, settings))
    return turn, receiver.answer_in_turn(message, "https://example.com/sms", turn)


def test_postponed_message_is_answered_in_its_turn() -> None:
    """As it would have been at once."""
    turn, outcome = in_turn()

    assert b"Hello Ann" in outcome.response.body
    assert (outcome.turn, outcome.name) == (turn, "replied")


def test_postponed_stop_ends_the_dialog_and_is_not_answered() -> None:
    """Twilio answers it; its handlers were notified when it arrived."""
    turn, outcome = in_turn("STOP")

    assert (outcome.response.body, turn.conversation.dialog) == (EMPTY, None)


def test_condition_that_fails_for_a_postponed_message_is_a_failure() -> None:
    """As for any other message."""
    assert in_turn("picky")[1].response.status == 500
