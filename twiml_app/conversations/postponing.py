"""Messages whose turn does not come in time: they are stored as work, which keeps their place."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from ..enqueueing import Arguments, Piece, WorkStore
from ..events import InboundMessage
from ..pending import About, Effect, Transaction
from ..receiver import Postponed

if TYPE_CHECKING:
    from ..journal import ConversationStore, Ticket

#: The function that answers them, by the name under which every process finds it.
_FUNCTION = "twiml_app.conversations:answer_postponed"

#: Postpones the message of a ticket; the base URL is that of the application. None where its reply could not be sent.
Postpones: TypeAlias = Callable[["Ticket", InboundMessage, str], Postponed | None]


def postponing(work: WorkStore, store: ConversationStore, can_send: Callable[[InboundMessage], bool]) -> Postpones:
    """Return what postpones messages; ``can_send`` returns whether the reply to one can be sent."""

    def postpone(ticket: Ticket, message: InboundMessage, base_url: str) -> Postponed | None:
        if not can_send(message):
            return None
        piece = Piece(
            key=f"message {message.message_sid} {secrets.token_hex(8)}",
            kind="message",
            function=_FUNCTION,
            arguments=Arguments((message,), {"base_url": base_url}).encode(_FUNCTION),
            about=About.of(message),
        )
        effect = Effect(piece.kind, {"function": _FUNCTION}, partial(_store, work, piece), work.wake)
        return Postponed(_HandedOver(store, ticket, piece.key), (effect,))

    return postpone


def _store(work: WorkStore, piece: Piece, execute: Transaction) -> None:
    work.store(execute, piece)


class _HandedOver:
    """The place of a message that a piece of work gets."""

    def __init__(self, store: ConversationStore, ticket: Ticket, key: str) -> None:
        self._store = store
        self._ticket = ticket
        self._key = key
        self._is_handed_over = False

    def write(self, execute: Transaction) -> None:
        """Give the place to the work.

        Raises: ClaimLost.
        """
        self._store.hand_over(execute, self._ticket, self._key)

    def committed(self) -> None:
        """Note that the work has the place."""
        self._is_handed_over = True
        self._store.forget(self._ticket)

    def give_up(self) -> None:
        """Give the place up if the work does not have it."""
        if not self._is_handed_over:
            self._store.give_up(self._ticket)
