"""The protocol by which the receiver reaches conversations: their messages are answered one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from ..events import InboundMessage
from ..pending import Effect, Transaction
from ..routing import Match


class Place(Protocol):
    """The place of a message in its conversation."""

    def write(self, execute: Transaction) -> object:
        """Give it up in the transaction that stores the answer; it may be called again if that is repeated.

        Raises: ClaimLost, if it was given to another process.
        """

    def committed(self) -> object:
        """Note that the transaction was committed; it must neither wait nor raise."""

    def give_up(self) -> object:
        """Give it up if it has not ended, without storing anything; it must not raise."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """A message that gets an empty answer, and its reply later, from work that has its place."""

    place: Place
    #: What stores the work.
    effects: tuple[Effect, ...]


class Turn(Place, Protocol):
    """The right to answer the next message of a conversation; whoever has it ends it."""

    @property
    def conversation(self) -> Any:
        """The state of the conversation, which is the argument ``conversation`` of a handler.

        Its ``is_handed_off`` says whether a person answers instead of the handlers.
        Its attribute ``dialog`` is the open dialog; None if there is none.
        """

    def effects(self) -> tuple[Effect, ...]:
        """Return the effect of a handler that changed the state.

        Raises: StateError, for a state that cannot be stored.
        """

    def save(self, effects: tuple[Effect, ...] | None, /) -> object:
        """Store the conversation and some effects at once, before the turn ends; with None, only its dialog.

        Raises: StateError; ClaimLost; JournalUnavailable.
        """

    def postpone(self) -> Postponed | None:
        """Leave the message to work, in this turn; None where its reply could not be sent."""


class Conversations(Protocol):
    """Gives out the turns of conversations, in the order in which their messages arrived."""

    def begin(self, message: InboundMessage, *, wait_s: float, stores: bool, base_url: str = "") -> Turn | Postponed:
        """Wait until it is the turn of a message; without ``stores``, as in a replay, its state is not stored.

        If that takes longer than ``wait_s``, the message is postponed, where its reply can be sent. ``base_url`` is
        that of the application, as it was called.

        Raises: StillRunning, if that takes longer than ``wait_s``; JournalUnavailable; CannotStore.
        """

    def is_handed_off(self, message: InboundMessage, *, wait_s: float, stores: bool) -> bool:
        """Return whether a person answers a message instead of the handlers.

        Raises: JournalUnavailable.
        """


class Planned(NamedTuple):
    """How a dialog answers a message."""

    #: The name of the dialog's function, for the log.
    handler: str
    #: Runs the dialog, and returns its reply.
    call: Callable[[], Any]


class OpenDialogs(Protocol):
    """Knows the dialogs of a program, and those that are open."""

    def may_take(self, message: InboundMessage, *, wait_s: float) -> bool:
        """Return whether a message may be for an open dialog.

        Raises: JournalUnavailable.
        """

    def plan(self, message: InboundMessage, turn: Turn) -> Planned | Match | None:
        """Return what answers a message in its turn: a dialog, a handler, or nothing.

        Raises: any exception of a condition of a route.
        """
