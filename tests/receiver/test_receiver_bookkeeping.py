"""What the application stores about an event besides what its handlers ask for."""

from __future__ import annotations

import pytest

from tests.receiver.programs import Memory, Program, proven, text
from tests.webhook_requests import BASIC, read_settings
from twiml_app.events import Event, InboundMessage
from twiml_app.pending import Effect
from twiml_app.receiver import Hooks
from twiml_app.receiver.claims import StoredReply
from twiml_app.receiver.receiver import Receiver
from twiml_app.webhook import WebhookResponse


class Noted:
    """Notes every message, and what was committed."""

    def __init__(self, memory: Memory, **more: str) -> None:
        self.committed: list[str] = []
        self.settings = read_settings(BASIC, more)
        self.receiver = Receiver(
            Program().router, self.settings, journal=memory, hooks=Hooks(bookkeeping=self._effects)
        )

    def _effects(self, event: Event) -> tuple[Effect, ...]:
        body = event.body if isinstance(event, InboundMessage) else ""
        return (Effect("note", {"body": body}, lambda _: None, lambda: self.committed.append(body)),)


def notes(memory: Memory) -> list[tuple[str, list[object]]]:
    """Return how each exchange was stored, with its notes."""
    return [(how, [each.summary["body"] for each in outcome.effects]) for how, _, outcome in memory.stored]


@pytest.mark.parametrize(
    ("body", "endpoint", "expected"),
    [
        pytest.param("hello", "message", ("finish", ["hello"]), id="answer"),
        pytest.param("fail", "message", ("fail", ["fail"]), id="failure"),
        pytest.param("hello", "fallback", ("finish", ["hello"]), id="fallback URL"),
    ],
)
def test_note_is_stored_with_the_answer_whatever_it_is(body: str, endpoint: str, expected: object) -> None:
    """A contact who opts out must not depend on a handler without bugs."""
    memory = Memory()
    Noted(memory).receiver.handle(text(body, endpoint=endpoint))  # type: ignore[arg-type]

    assert notes(memory) == [expected]


def test_note_is_committed_once_it_is_stored() -> None:
    """What is kept in memory must not be ahead of the journal."""
    stored, down = Noted(Memory()), Noted(Memory(down="finish"))
    for noted in (stored, down):
        noted.receiver.handle(text("hello"))

    assert (stored.committed, down.committed) == (["hello"], [])


def test_note_that_cannot_be_stored_does_not_hold_up_an_answer_that_may_be_sent_without_the_journal() -> None:
    """Who sets TWIML_STORE_FAILURE=answer wants answers during an outage."""
    noted = Noted(Memory(down="finish"), TWIML_STORE_FAILURE="answer")

    assert noted.receiver.handle(text("hello")).status == 200


def test_repeated_event_and_replay_are_not_noted() -> None:
    """They were noted before, or never happened."""
    memory = Memory(claimed=StoredReply(WebhookResponse(status=200), "handler"))
    noted = Noted(memory)
    noted.receiver.handle(text("hello"))
    noted.receiver.handle(proven(text("hello"), noted.settings))

    assert memory.stored == []
