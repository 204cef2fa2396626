"""Dialogs for the receiver: which messages they take, and what is kept of them with the answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ..events import InboundMessage
from ..pending import collection
from ..receiver import Planned, Turn
from ..routing import Match, Router, name_of
from .conversations import conversation_key
from .engine import Dialogs, is_for_dialogs
from .runs import Arrival, DialogTurn
from .stored import StoredDialog

if TYPE_CHECKING:
    from ..journal import ConversationStore

#: How long a dialog that has expired is kept, in seconds, so that a late answer is recognized.
LATE_S: Final = 7 * 24 * 3600.0


class OpenDialogs:
    """The dialogs of an application; texts that arrive less than ``early_s`` after a question do not answer it.

    Without ``store``, only replays have dialogs. ``is_elsewhere`` returns whether another worker has a dialog, by name
    and version. ``clock`` returns seconds since 1970.
    """

    def __init__(
        self,
        router: Router,
        store: ConversationStore | None,
        *,
        early_s: float,
        is_elsewhere: Callable[[str, int], bool] = lambda _name, _version: False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._router = router
        self._dialogs = Dialogs(router, is_elsewhere)
        self._store = store
        self._early_s = early_s
        self._clock = clock

    def answer_at_once(self) -> None:
        """Take every text as an answer from now on, for a phone in this process, which answers in its own time."""
        self._early_s = 0.0

    def may_take(self, message: InboundMessage, *, wait_s: float) -> bool:
        """Return whether a message may be for a dialog: one is open, or another message is being answered.

        Raises: JournalUnavailable.
        """
        if self._store is None or not is_for_dialogs(message):
            return False
        return self._store.is_busy(*conversation_key(message), wait_s=wait_s)

    def plan(self, message: InboundMessage, turn: Turn) -> Planned | Match | None:
        """Return what answers a message in its turn: the open dialog, one that starts, or a handler.

        Raises: any exception of a condition of a route.
        """
        stored = StoredDialog.from_json(turn.conversation.dialog) if turn.conversation.dialog else None
        arrival = self._arrival(message, turn)
        if stored and self._dialogs.takes(stored, arrival):
            return self._go_on(stored, arrival, turn)
        found = self._router.match(message)
        if found is None or found.route.dialog is None:
            return found
        route, arguments = found.route.dialog, found.arguments
        return Planned(
            name_of(route.handler),
            lambda: self._kept(turn, arrival, self._dialogs.begin(route, arguments, arrival)),
        )

    def _go_on(self, stored: StoredDialog, arrival: Arrival, turn: Turn) -> Planned | Match:
        interruption = self._router.interruption(arrival.message) if stored.ended_at is None else None
        if interruption is not None:
            turn.conversation.dialog = None
            return interruption
        return Planned(self._name(stored), lambda: self._kept(turn, arrival, self._dialogs.advance(stored, arrival)))

    def _name(self, stored: StoredDialog) -> str:
        route = self._dialogs.find(stored)
        return name_of(route.handler) if route else f"dialog {stored.name}"

    def _arrival(self, message: InboundMessage, turn: Turn) -> Arrival:
        early_s = 0.0 if message.replayed else self._early_s
        return Arrival(message, self._clock(), partial(self._save, turn), turn.conversation, early_s)

    @staticmethod
    def _kept(turn: Turn, arrival: Arrival, said: DialogTurn) -> Any:
        """Keep a dialog for the commit of its answer, and return its reply."""
        stored = said.stored
        if stored and stored.ended_at is not None and not arrival.early_s:
            stored = None  # nothing will be taken for a copy
        _keep(turn, stored)
        return said.reply

    @staticmethod
    def _save(turn: Turn, stored: StoredDialog | None, *, with_effects: bool) -> None:
        """Commit a dialog, and perhaps what was asked for until now.

        Raises: JournalUnavailable; ClaimLost.
        """
        _keep(turn, stored)
        pending = collection()
        if not with_effects:
            turn.save(None)
            return
        effects = pending.effects if pending else []
        turn.save(tuple(effects))
        # They are shown with the answer, and not stored again.
        effects[:] = [replace(each, write=_nothing, committed=lambda: None) for each in effects]


def _keep(turn: Turn, stored: StoredDialog | None) -> None:
    conversation = turn.conversation
    conversation.dialog = stored.as_json() if stored else None
    conversation.dialog_until = stored.expires_at + LATE_S if stored else 0.0


def _nothing(_execute: object) -> None:
    """Store nothing."""
