"""Conversations of replays: in memory, as a replay stores nothing, and yet its messages follow one another."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from ..pending import Effect, Transaction
from ..receiver import Postponed
from .conversation import Conversation
from .turns import effects_of

#: How many conversations are remembered.
MAX_REPLAYED = 1000
#: How long one is remembered after its last message, in seconds: a later replay must not see the state of an earlier.
IDLE_S = 60.0


class _Kept(NamedTuple):
    state: str
    dialog: object
    handed_off_until: float
    at: float


class ReplayedConversations:
    """Remembers the conversations of this process's replays for a short time; ``clock`` returns seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, contact: str, sender: str) -> ReplayedTurn:
        """Return the turn of a message; a replay sends one after the other."""
        return ReplayedTurn(self.find(contact, sender), self.keep)

    def find(self, contact: str, sender: str) -> Conversation:
        """Return what is remembered about a conversation."""
        now = self._clock()
        with self._lock:
            kept = self._kept.get((contact, sender))
        if kept is None or not 0 <= now - kept.at <= IDLE_S:
            return Conversation(contact, sender, clock=self._clock)
        state, dialog, until, _ = kept
        return Conversation(contact, sender, state, dialog=dialog, handed_off_until=until, clock=self._clock)

    def keep(self, conversation: Conversation) -> None:
        """Remember a conversation, and forget those that were not used for the longest time.

        Raises: StateError.
        """
        until = conversation.handed_off_until
        kept = _Kept(conversation.to_json(), conversation.dialog, until, self._clock())
        with self._lock:
            self._kept[conversation.contact, conversation.sender] = kept
            self._kept.move_to_end((conversation.contact, conversation.sender))
            while len(self._kept) > MAX_REPLAYED:
                self._kept.popitem(last=False)


class ReplayedTurn:
    """A turn that stores nothing in the journal."""

    def __init__(self, conversation: Conversation, keep: Callable[[Conversation], object]) -> None:
        self.conversation = conversation
        self._keep = keep

    def effects(self) -> tuple[Effect, ...]:
        """Remember the conversation, and return the effect of a handler that changed its state.

        Raises: StateError.
        """
        self._keep(self.conversation)
        return effects_of(self.conversation)

    def save(self, _effects: tuple[Effect, ...] | None) -> None:
        """Store nothing."""

    def postpone(self) -> Postponed | None:
        """Do nothing: a replay sends nothing later."""
        return None

    def write(self, execute: Transaction) -> None:
        """Do nothing."""

    def committed(self) -> None:
        """Do nothing."""

    def give_up(self) -> None:
        """Do nothing."""
