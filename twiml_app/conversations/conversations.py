"""Gives out the turns of conversations; a message waits until those before it have been answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from ..errors import CannotStore, StillRunning
from ..events import InboundMessage
from ..receiver import Postponed
from .postponing import Postpones
from .replayed import ReplayedConversations, ReplayedTurn
from .turns import StoredTurn

if TYPE_CHECKING:
    from ..journal import ConversationRow, ConversationStore, Drawn, Ticket

#: How long a message waits between two looks at the tickets before its own, in seconds.
POLL_S = 0.02
#: The same between two attempts to draw a ticket.
_DRAW_POLL_S = 0.005
#: What a step that does not have to wait still gets when the time is over, in seconds.
_LEAST_S = 0.05


class ConversationKeeper:
    """Keeps the conversations of an application.

    ``may_wait`` limits how many threads wait; ``hours`` is how long a state lives without a message; ``clock`` returns
    seconds since 1970, and ``monotonic`` seconds for time limits. ``postpones`` stores messages that would have to wait
    for too long; without it, they are refused.
    """

    def __init__(
        self,
        store: ConversationStore | None,
        *,
        hours: float,
        may_wait: threading.BoundedSemaphore,
        postpones: Postpones | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._store = store
        self._hours = hours
        self._may_wait = may_wait
        self._postpones = postpones
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._replayed = ReplayedConversations(clock)

    def begin(
        self, message: InboundMessage, *, wait_s: float, stores: bool, base_url: str = ""
    ) -> StoredTurn | ReplayedTurn | Postponed:
        """Wait until it is the turn of a message; without ``stores``, as in a replay, its state is not stored.

        If that takes longer than ``wait_s``, it is postponed where possible; its reply then needs ``base_url``.

        Raises: StillRunning; JournalUnavailable; CannotStore.
        """
        contact, sender = conversation_key(message)
        if not stores:
            return self._replayed.begin(contact, sender)
        if self._store is None:
            raise CannotStore("a handler declares `conversation`, and there is no journal; set TWIML_DATABASE_URL")
        ends_at = self._monotonic() + wait_s
        drawn = self._draw(self._store, contact, sender, ends_at)
        postpone = partial(self._postpone, message, base_url)
        try:
            row = drawn.row if drawn.is_next else self._wait(self._store, drawn.ticket, ends_at)
        except BaseException as error:
            if isinstance(error, StillRunning) and (postponed := postpone(drawn.ticket)):
                return postponed
            self._store.give_up(drawn.ticket)
            raise
        return StoredTurn(self._store, drawn.ticket, row, hours=self._hours, clock=self._clock, postpone=postpone)

    def _postpone(self, message: InboundMessage, base_url: str, ticket: Ticket) -> Postponed | None:
        return self._postpones(ticket, message, base_url) if self._postpones else None

    def is_handed_off(self, message: InboundMessage, *, wait_s: float, stores: bool) -> bool:
        """Return whether a person answers a message instead of the handlers; ``stores`` as in ``begin``.

        Raises: JournalUnavailable.
        """
        key = conversation_key(message)
        if not stores:
            return self._replayed.find(*key).is_handed_off
        row = self._store.find(*key, wait_s=wait_s) if self._store else None
        return row is not None and row.handed_off_until > self._clock()

    def _draw(self, store: ConversationStore, contact: str, sender: str, ends_at: float) -> Drawn:
        """Draw a ticket.

        Raises: StillRunning; JournalUnavailable.
        """
        while (drawn := store.draw(contact, sender, wait_s=self._left_s(ends_at))) is None:
            if self._monotonic() >= ends_at:
                raise StillRunning(_BEHIND)
            self._sleep(_DRAW_POLL_S)
        return drawn

    def _wait(self, store: ConversationStore, ticket: Ticket, ends_at: float) -> ConversationRow | None:
        """Wait until a ticket has the turn, and return what is kept about its conversation.

        Raises: StillRunning; JournalUnavailable.
        """
        with self._waiting_slot():
            while not store.has_turn(ticket, wait_s=self._left_s(ends_at)):
                if self._monotonic() >= ends_at:
                    raise StillRunning(_BEHIND)
                self._sleep(POLL_S)
        return store.find(ticket.contact, ticket.sender, wait_s=self._left_s(ends_at))

    def _left_s(self, ends_at: float) -> float:
        return max(ends_at - self._monotonic(), _LEAST_S)

    @contextmanager
    def _waiting_slot(self) -> Iterator[None]:
        if not self._may_wait.acquire(blocking=False):
            raise StillRunning("too many requests are already waiting")
        try:
            yield
        finally:
            self._may_wait.release()


_BEHIND = "an earlier message of the conversation is still being answered"


def conversation_key(message: InboundMessage) -> tuple[str, str]:
    """Return the contact and the sender of a message: its messaging service, or our number."""
    return message.contact, message.messaging_service_sid or message.number
