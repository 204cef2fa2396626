"""A conversation for the tests of dialogs: it stores what the engine stores, without a database."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from twiml_app import Conversation, InboundMessage, Router
from twiml_app.conversations import Arrival, Dialogs, DialogTurn, StoredDialog
from twiml_app.events import parse_event
from twiml_app.webhook import Form


class Killed(BaseException):
    """The process is killed here."""


def message(body: str, sid: str = "SM0", **fields: str) -> InboundMessage:
    """Return a message as Twilio sends it."""
    given = {"MessageSid": sid, "From": "+15005550001", "To": "+15005550006", "Body": body, "NumMedia": "0"} | fields
    event = parse_event(Form(given.items()))
    assert isinstance(event, InboundMessage)
    return event


@dataclass
class Chat:
    """A contact who talks to a program with dialogs; every text comes ten seconds after the one before it."""

    router: Router
    early_s: float = 3.0
    now: float = 1_000.0
    stored: str | None = None
    #: What happened at each message.
    names: list[str] = field(default_factory=list)
    sent: int = 0
    #: The state of the conversation.
    state: Conversation = field(default_factory=lambda: Conversation("+15005550001", "+15005550006"))
    #: The dialogs that other workers have.
    elsewhere: frozenset[tuple[str, int]] = frozenset()

    def text(self, body: str, *, after: float = 10.0, sid: str = "", **fields: str) -> Any:
        """Send a text, and return the reply; ``not for the dialog`` where nothing is open that takes it."""
        self.now += after
        self.sent += 1
        turn = self.turn(message(body, sid or f"SM{self.sent}", **fields))
        if turn is None:
            return "not for the dialog"
        self.names.append(turn.name)
        self._save(turn.stored, with_effects=True)
        return turn.reply

    def turn(self, received: InboundMessage) -> DialogTurn | None:
        """Return what a message leads to."""
        dialogs = Dialogs(self.router, lambda name, version: (name, version) in self.elsewhere)
        arrival = Arrival(received, self.now, self._save, self.state, self.early_s)
        if self.stored:
            if dialogs.takes(self.open, arrival):
                return dialogs.advance(self.open, arrival)
            if self.open.ended_at is None:
                return None
        found = self.router.match(received)
        if found is None or found.route.dialog is None:
            return None
        return dialogs.begin(found.route.dialog, found.arguments, arrival)

    @property
    def open(self) -> StoredDialog:
        """The stored dialog."""
        assert self.stored
        return StoredDialog.from_json(json.loads(self.stored))

    @property
    def question(self) -> str:
        """What is asked; empty if nothing is."""
        return self.open.open.about if self.stored and self.open.open else ""

    def with_program(self, router: Router) -> Chat:
        """Return the same conversation after a deployment."""
        return replace(self, router=router)

    def _save(self, stored: StoredDialog | None, *, with_effects: bool) -> None:  # noqa: ARG002
        self.stored = json.dumps(stored.as_json()) if stored else None
