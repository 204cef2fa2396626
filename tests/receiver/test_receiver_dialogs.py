"""An open dialog comes before the routes; messages without one pay one look into the journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.receiver.programs import EMPTY, Memory, proven, twiml
from tests.receiver.test_receiver_conversations import Turns
from tests.webhook_requests import AUTHORIZATION, BASIC, read_settings, webhook
from twiml_app import InboundMessage, Router
from twiml_app.caller import inbound_form
from twiml_app.errors import ClaimLost, DialogElsewhere, JournalUnavailable
from twiml_app.receiver import Planned, Receiver, Turn
from twiml_app.routing import Match
from twiml_app.webhook import WebhookResponse


class Dialogs:
    """Dialogs of a program, as a test sets them."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.is_open: bool | Exception = True
        #: What the open dialog does; None if a handler answers.
        self.call: Callable[[], Any] | None = lambda: "Which size?"
        self.asked: list[str] = []

    def may_take(self, message: InboundMessage, *, wait_s: float) -> bool:  # noqa: ARG002
        """Return whether a dialog is open, or fail."""
        self.asked.append(message.body)
        if isinstance(self.is_open, Exception):
            raise self.is_open
        return self.is_open

    def plan(self, message: InboundMessage, turn: Turn) -> Planned | Match | None:  # noqa: ARG002
        """Return the open dialog, or the handler."""
        return Planned("signup", self.call) if self.call else self.router.match(message)


class Program:
    """A program with a handler and a dialog that is open."""

    def __init__(self) -> None:
        self.router = Router()
        self.router.message("hours")(lambda _message: "8 to 18")
        self.router.message("name")(self._name)
        self.turns, self.dialogs = Turns(), Dialogs(self.router)
        self.journal: Memory | None = Memory()
        self.settings: Mapping[str, object] = {}

    @staticmethod
    def _name(_message: InboundMessage, conversation: Mapping[str, str]) -> str:
        return conversation["name"]

    def text(self, body: str, *, replayed: bool = False, rehearses: bool = False) -> WebhookResponse:
        """Receive a text."""
        settings = read_settings(BASIC, self.settings)
        receiver = Receiver(self.router, settings, journal=self.journal, conversations=self.turns, dialogs=self.dialogs)
        if rehearses:
            receiver.detach_journal()
        request = webhook(inbound_form(body), headers=AUTHORIZATION)
        return receiver.handle(proven(request, settings) if replayed else request)


@pytest.fixture
def talking() -> Program:
    """A program with an open dialog."""
    return Program()


def said(text: str) -> bytes:
    """Return a reply."""
    return twiml(f"<Message><Body>{text}</Body></Message>")


def test_open_dialog_comes_before_the_routes(talking: Program) -> None:
    """Its turn ends with the answer."""
    assert talking.text("hours").body == said("Which size?")
    assert talking.turns.turn.ended == ["committed", "given up"]


def test_without_an_open_dialog_the_message_needs_no_turn(talking: Program) -> None:
    """It pays for one look into the journal."""
    talking.dialogs.is_open = False

    assert talking.text("hours").body == said("8 to 18")
    assert (talking.dialogs.asked, talking.turns.asked) == (["hours"], [])


@pytest.mark.parametrize(("body", "reply"), [("hours", "8 to 18"), ("name", "Ann")])
def test_handler_may_answer_in_the_turn_of_a_dialog(talking: Program, body: str, reply: str) -> None:
    """Such as one that interrupts; it gets the state only if it asks for it."""
    talking.dialogs.call = None

    assert talking.text(body).body == said(reply)


@pytest.mark.parametrize("body", ["what?", "Liked “Which size?”"])
def test_text_that_nobody_takes_ends_the_turn(talking: Program, body: str) -> None:
    """The next message must not wait for it."""
    talking.dialogs.call = None

    assert talking.text(body).body == EMPTY
    assert talking.turns.turn.ended == ["committed", "given up"]


def test_problem_of_the_journal_in_a_plain_handler_is_a_failure(talking: Program) -> None:
    """Whatever its code does there."""

    def fail(_message: InboundMessage) -> None:
        raise JournalUnavailable("the disk is full")

    talking.router.message("fail")(fail)
    talking.dialogs.is_open = False

    assert talking.text("fail").status == 500


def test_stop_ends_the_dialog(talking: Program) -> None:
    """Twilio answers it."""
    assert talking.text("STOP").body == EMPTY
    assert talking.turns.turn.conversation.dialog is None
    assert talking.turns.turn.ended == ["committed", "given up"]


def test_stop_without_a_dialog_ends_nothing(talking: Program) -> None:
    """It needs no turn."""
    talking.dialogs.is_open = False

    assert talking.text("STOP").body == EMPTY
    assert talking.turns.asked == []


@pytest.mark.parametrize("is_rehearsal", [True, False], ids=["rehearsed", "replayed"])
def test_replay_looks_into_no_journal(talking: Program, is_rehearsal: bool) -> None:
    """Its conversation is in memory."""
    response = talking.text("small", replayed=not is_rehearsal, rehearses=is_rehearsal)

    assert response.body == said("Which size?")
    assert (talking.dialogs.asked, talking.turns.asked) == ([], [False])


def test_dialog_without_a_journal_is_not_looked_for(talking: Program) -> None:
    """The answers would be in it."""
    talking.journal = None

    assert talking.text("hours").body == said("8 to 18")


def test_journal_that_is_down_is_answered_with_503(talking: Program) -> None:
    """A text must not reach a handler while a question may be open."""
    talking.dialogs.is_open = JournalUnavailable("the disk is full")

    assert talking.text("hours").status == 503


@pytest.mark.parametrize(
    "problem", [DialogElsewhere("a newer worker"), ClaimLost("taken over"), JournalUnavailable("full")], ids=repr
)
def test_dialog_that_cannot_go_on_here_is_answered_with_503(talking: Program, problem: Exception) -> None:
    """Twilio may try again, and another worker answers."""

    def fail() -> None:
        raise problem

    talking.dialogs.call = fail

    assert talking.text("small").status == 503
    assert "given up" in talking.turns.turn.ended
