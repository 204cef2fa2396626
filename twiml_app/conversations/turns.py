"""The turn of one message in its conversation, and that of a replayed message, which stores nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..pending import Effect, Transaction
from ..receiver import Postponed
from .conversation import HOUR_S, Conversation

if TYPE_CHECKING:
    from ..journal import ConversationRow, ConversationStore, Ticket


class StoredTurn:
    """A turn by a ticket of the journal; ``clock`` returns seconds since 1970.

    ``postpone`` leaves its message to work; it returns None where the reply could not be sent.
    """

    def __init__(
        self,
        store: ConversationStore,
        ticket: Ticket,
        row: ConversationRow | None,
        *,
        hours: float,
        clock: Callable[[], float],
        postpone: Callable[[Ticket], Postponed | None] = lambda _: None,
    ) -> None:
        self._postpone = postpone
        self.conversation = conversation_of(row, ticket.contact, ticket.sender, clock)
        #: The state in the journal, and when it is forgotten.
        self._state = self.conversation.to_json()
        self._state_until = row.expires_at if row else 0.0
        self._store = store
        self._ticket = ticket
        self._saved: ConversationRow | None = None
        self._hours = hours
        self._clock = clock
        self._has_ended = False

    def effects(self) -> tuple[Effect, ...]:
        """Return the effect of a handler that changed the state.

        Raises: StateError.
        """
        self._saved = row_of(self.conversation, self._clock(), self._hours)
        return effects_of(self.conversation)

    def save(self, effects: tuple[Effect, ...] | None) -> None:
        """Store the conversation and some effects at once; with None, only its dialog.

        Raises: StateError; ClaimLost; JournalUnavailable.
        """
        row = row_of(self.conversation, self._clock(), self._hours)
        if effects is None:
            row = replace(row, state=self._state, expires_at=self._state_until)
        hands_off = effects is not None and self.conversation.hand_off_is_changed
        self._store.save(self._ticket, row, effects or (), hands_off=hands_off)
        self._state, self._state_until = row.state, row.expires_at
        for effect in effects or ():
            effect.committed()

    def write(self, execute: Transaction) -> None:
        """End the turn, and store the conversation unless the handler failed.

        Raises: ClaimLost.
        """
        hands_off = self.conversation.hand_off_is_changed
        self._store.end(execute, self._ticket, self._saved, hands_off=hands_off)

    def postpone(self) -> Postponed | None:
        """Leave the message to work, in this turn; None where its reply could not be sent."""
        return self._postpone(self._ticket)

    def committed(self) -> None:
        """Note that the turn has ended."""
        self._has_ended = True
        self._store.forget(self._ticket)

    def give_up(self) -> None:
        """End the turn if it has not ended."""
        if not self._has_ended:
            self._has_ended = True
            self._store.give_up(self._ticket)


def conversation_of(row: ConversationRow | None, contact: str, sender: str, clock: Callable[[], float]) -> Conversation:
    """Return the conversation of a row, without a state that has expired."""
    if row is None:
        return Conversation(contact, sender, clock=clock)
    return Conversation(
        contact,
        sender,
        row.state if row.expires_at > clock() else "{}",
        dialog=None if row.dialog is None else json.loads(row.dialog),
        dialog_until=row.dialog_until,
        handed_off_until=row.handed_off_until,
        clock=clock,
    )


def row_of(conversation: Conversation, now: float, hours: float) -> ConversationRow:
    """Return the row of a conversation whose state is forgotten after so many hours.

    Raises: StateError.
    """
    from ..journal import ConversationRow  # not at the top: handlers import this package, and need no database

    state = conversation.to_json()
    return ConversationRow(
        contact=conversation.contact,
        sender=conversation.sender,
        state=state,
        expires_at=now + hours * HOUR_S if state != "{}" else 0.0,
        dialog=None if conversation.dialog is None else json.dumps(conversation.dialog),
        dialog_until=conversation.dialog_until if conversation.dialog is not None else 0.0,
        handed_off_until=conversation.handed_off_until,
        updated_at=now,
    )


def effects_of(conversation: Conversation) -> tuple[Effect, ...]:
    """Return what a handler changed; it is stored by its turn."""
    summary: dict[str, Any] = {}
    if conversation.is_changed:
        summary["state"] = conversation.as_dict()
    if conversation.hand_off_is_changed:
        summary["handed_off"] = conversation.is_handed_off
    return (Effect("conversation", summary, lambda _: None, lambda: None),) if summary else ()
