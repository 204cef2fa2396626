"""Dialogs for the receiver: which messages they take, and what is kept of them with the answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from ..enqueueing import Arguments, Piece, WorkStore
from ..errors import DialogError
from ..events import InboundMessage
from ..pending import About, Effect, Transaction, collection
from ..receiver import Planned, Turn
from ..routing import DialogRoute, Handler, Match, Router, name_of
from .conversations import conversation_key
from .engine import Dialogs, is_for_dialogs
from .runs import Arrival, DialogTurn
from .stored import DialogStart, Entry, StoredDialog

if TYPE_CHECKING:
    from ..journal import ConversationStore

#: How long a dialog that has expired is kept, in seconds, so that a late answer is recognized.
LATE_S: Final = 7 * 24 * 3600.0
IfOpen: TypeAlias = Literal["refuse", "queue", "replace"]
#: What lets dialogs go on, by the names under which every process finds it.
_RESUME, _FOLLOW_UP = "twiml_app.conversations:resume_dialog", "twiml_app.conversations:follow_up_dialog"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedDialog:
    """A dialog that the program wants to start."""

    name: str
    version: int
    contact: str
    #: Our number, or the messaging service that chooses one.
    sender: str
    arguments: Mapping[str, Any]
    #: What to do if a dialog is open.
    if_open: IfOpen


class OpenDialogs:
    """The dialogs of an application; texts that arrive less than ``early_s`` after a question do not answer it.

    Without ``store``, only replays have dialogs. ``is_elsewhere`` returns whether another worker has a dialog, by name
    and version; ``work`` stores what lets a dialog go on without a message. ``clock`` returns seconds since 1970.
    """

    def __init__(
        self,
        router: Router,
        store: ConversationStore | None,
        *,
        early_s: float,
        is_elsewhere: Callable[[str, int], bool] = lambda _name, _version: False,
        work: WorkStore | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._router = router
        self._dialogs = Dialogs(router, is_elsewhere)
        self._store = store
        self._work = work
        self._early_s = early_s
        self._clock = clock

    def now(self) -> float:
        """Return the time by which dialogs expire, in seconds since 1970."""
        return self._clock()

    def answer_at_once(self) -> None:
        """Take every text as an answer from now on, for a phone in this process, which answers in its own time."""
        self._early_s = 0.0

    def keep_time(self, clock: Callable[[], float], *, early_s: float) -> None:
        """Take the time from another clock from now on, such as an emulator's; texts can be early by it again."""
        self._clock = clock
        self._early_s = early_s

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
        stored, arrival = self.stored_in(turn), self._arrival(message, turn)
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

    def stored_in(self, turn: Turn) -> StoredDialog | None:
        """Return the dialog that is stored in a conversation; one whose first question did not arrive is over.

        Raises: JournalUnavailable.
        """
        dialog = turn.conversation.dialog
        stored = StoredDialog.from_json(dialog) if dialog else None
        if stored and self._store and stored.is_first and self._store.is_undelivered(stored.sent_as):
            stored = turn.conversation.dialog = None
        return stored

    def open_in(self, turn: Turn) -> StoredDialog | None:
        """Return the dialog of a conversation that waits for an answer or for work, and has not expired.

        Raises: JournalUnavailable.
        """
        stored = self.stored_in(turn)
        is_open = stored and stored.ended_at is None and stored.expires_at > self._clock()
        return stored if is_open else None

    def route_of(self, function: Handler) -> DialogRoute:
        """Return the dialog that a function was registered as.

        Raises: DialogError.
        """
        for route in self._router.dialogs:
            if route.handler is function:
                return route
        raise DialogError(f"{name_of(function)} is not a dialog of this program: register it with @router.dialog")

    def start(self, wanted: WantedDialog, turn: Turn, key: str) -> DialogTurn:
        """Start a dialog in its turn.

        Raises: DialogError; any exception of the dialog.
        """
        found = self._dialogs.find_version(wanted.name, wanted.version) or self._dialogs.newest(wanted.name)
        if found is None:
            raise DialogError(f"this program has no dialog {wanted.name}")
        started = DialogStart(wanted.contact, wanted.sender)
        said = self._dialogs.start(found, started, wanted.arguments, self._arrival(None, turn), key)
        self._keep_said(turn, said)
        return said

    def resume(self, stored: StoredDialog, outcome: Mapping[str, Any], turn: Turn) -> DialogTurn:
        """Let a dialog go on with the ``value`` or the ``error`` of the work that it waits for.

        Raises: DialogElsewhere; any exception of the dialog.
        """
        failed = "error" in outcome
        entry = Entry("work failed" if failed else "work", "", outcome["error" if failed else "value"])
        said = self._dialogs.resume(stored, entry, self._arrival(None, turn))
        self._keep_said(turn, said)
        return said

    def follow_up_of(self, stored: StoredDialog) -> str:
        """Return what is sent when a dialog has expired; empty if it is nothing."""
        route = self._dialogs.find(stored) or self._dialogs.newest(stored.name)
        return route.options.follow_up if route else ""

    def _go_on(self, stored: StoredDialog, arrival: Arrival, turn: Turn) -> Planned | Match:
        interruption = self._router.interruption(arrival.message) if stored.ended_at is None else None
        if interruption is not None:
            turn.conversation.dialog = None
            return interruption
        return Planned(self._name(stored), lambda: self._kept(turn, arrival, self._dialogs.advance(stored, arrival)))

    def _name(self, stored: StoredDialog) -> str:
        route = self._dialogs.find(stored)
        return name_of(route.handler) if route else f"dialog {stored.name}"

    def _arrival(self, message: InboundMessage | None, turn: Turn) -> Arrival:
        early_s = 0.0 if message and message.replayed else self._early_s
        return Arrival(message, self._clock(), partial(self._save, turn), turn.conversation, early_s)

    def _kept(self, turn: Turn, arrival: Arrival, said: DialogTurn) -> Any:
        """Keep a dialog for the commit of its answer, and return its reply."""
        if said.stored and said.stored.ended_at is not None and not arrival.early_s:
            said = said._replace(stored=None)  # nothing will be taken for a copy
        self._keep_said(turn, said)
        return said.reply

    def _keep_said(self, turn: Turn, said: DialogTurn) -> None:
        """Keep a dialog, and ask for what lets it go on without a message."""
        before, stored = turn.conversation.dialog, said.stored
        _keep(turn, stored)
        if stored is None or stored.open is None:
            return
        conversation, awaited = turn.conversation, stored.open.waits_for
        place = {"contact": conversation.contact, "sender": conversation.sender}
        if said.name == "waits" and awaited and awaited != _awaited(before):
            self._ask(_RESUME, "", {**place, "awaited": awaited}, stored, awaited)
        is_later = before is None or before["run"] != stored.run or before["expires_at"] != stored.expires_at
        if is_later and not awaited and self.follow_up_of(stored):
            asked = {"run": stored.run, "expires_at": stored.expires_at}
            self._ask(_FOLLOW_UP, f"follow up {stored.run} {stored.expires_at}", {**place, **asked}, stored)

    def _ask(self, function: str, key: str, named: Mapping[str, Any], stored: StoredDialog, awaited: str = "") -> None:
        """Ask for work about a dialog when it expires, or when other work that it waits for has ended."""
        work, pending = self._work, collection()
        if work is None or pending is None:
            return
        from ..journal import await_work, waiting_key  # not at the top: handlers need no database

        about = About(named["contact"], named["sender"], pending.about.origin)
        arguments = Arguments((), named).encode(function)
        piece = Piece(
            key=key or waiting_key(awaited),
            kind="dialog",
            function=function,
            arguments=arguments,
            about=about,
            at=stored.expires_at,
        )

        def write(execute: Transaction) -> None:
            work.store(execute, piece)
            if awaited:
                await_work(execute, awaited)

        pending.add(Effect("dialog", {"function": function}, write, work.wake, is_asked_for=False))

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


def _awaited(dialog: Any) -> str:
    """Return the work that a stored dialog waits for; empty if it waits for none."""
    return str(dialog["open"]["waits_for"]) if dialog and dialog["open"] else ""


def _keep(turn: Turn, stored: StoredDialog | None) -> None:
    conversation = turn.conversation
    conversation.dialog = stored.as_json() if stored else None
    conversation.dialog_until = stored.expires_at + LATE_S if stored else 0.0


def _nothing(_execute: object) -> None:
    """Store nothing."""
