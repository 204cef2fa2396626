"""Whether a message belongs to a conversation: its turn, its state, its open dialog, and who answers it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from ..config import Settings
from ..enqueueing import enqueue_reply
from ..errors import CannotStore
from ..events import InboundMessage
from ..pending import Collection, Effect
from ..routing import CONVERSATION, Match, Router, name_of
from ..webhook import WebhookRequest
from .turns import Conversations, OpenDialogs, Planned, Postponed, Turn
from .wait_budget import WaitBudget


class Asked(NamedTuple):
    """A message that is being answered."""

    request: WebhookRequest
    message: InboundMessage
    collected: Collection
    #: None where nothing waits for the journal.
    budget: WaitBudget | None


class Conversing:
    """What a receiver does with the conversations of its messages, if it keeps any."""

    def __init__(
        self, router: Router, settings: Settings, conversations: Conversations | None, dialogs: OpenDialogs | None
    ) -> None:
        #: Whether nothing may be stored, as in a replay.
        self.is_rehearsal = False
        self._router = router
        self._settings = settings
        self._conversations = conversations
        self._dialogs = dialogs

    @property
    def has_dialogs(self) -> bool:
        """Whether a message may be for an open dialog."""
        return self._dialogs is not None

    def handed_off(self, asked: Asked) -> Match | None:
        """Return the match of a message that a person answers; without its handler, there is no query.

        Raises: JournalUnavailable.
        """
        route = self._router.handed_off_route
        stores = self._stores(asked)
        if route is None or self._conversations is None or (stores and asked.collected.refusal):
            return None
        ask = partial(self._conversations.is_handed_off, asked.message, stores=stores)
        is_so = asked.budget.spend(lambda wait_s: ask(wait_s=wait_s)) if asked.budget else ask(wait_s=0.0)
        return Match(route, {}) if is_so else None

    def _stores(self, asked: Asked) -> bool:
        return not (self.is_rehearsal or asked.message.replayed)

    def is_open(self, asked: Asked) -> bool:
        """Return whether a message may be for an open dialog.

        Raises: JournalUnavailable.
        """
        dialogs, message = self._dialogs, asked.message
        if dialogs is None:
            return False
        if not self._stores(asked):  # the conversations of replays are in memory
            return True
        return asked.budget is not None and asked.budget.spend(lambda wait_s: dialogs.may_take(message, wait_s=wait_s))

    def begin(self, asked: Asked) -> Turn | Postponed:
        """Wait for the turn of a message.

        Raises: StillRunning; JournalUnavailable; CannotStore.
        """
        stores = self._stores(asked)
        problem = asked.collected.refusal or ("" if self._conversations else "this receiver keeps none")
        if self._conversations is None or (problem and stores):
            raise CannotStore(f"a dialog, or a handler with `conversation`, cannot be stored: {problem}")
        base_url = asked.request.base_url(self._settings.public_url)
        begin = partial(self._conversations.begin, asked.message, stores=stores, base_url=base_url)
        # A quarter is left for storing the answer.
        return asked.budget.spend(lambda wait_s: begin(wait_s=wait_s * 0.75)) if asked.budget else begin(wait_s=0.0)

    def effects_of(self, turn: Turn) -> tuple[Effect, ...]:
        """Return what a handler changed in its conversation.

        Raises: StateError; CannotStore, if nobody would get the messages that are handed off.
        """
        conversation = turn.conversation
        is_new = conversation.is_handed_off and conversation.hand_off_is_changed
        if is_new and self._router.handed_off_route is None:
            raise CannotStore(
                "a conversation was handed off, and nobody would get its messages: register @router.handed_off"
            )
        return turn.effects()

    def plan(self, message: InboundMessage, found: Match | None, turn: Turn | None) -> Planned | None:
        """Return how a message is answered; None if no handler and no dialog takes it.

        Raises: any exception of a condition of a route.
        """
        is_handed_off = found is not None and found.route is self._router.handed_off_route
        planned = self._dialogs.plan(message, turn) if turn and self._dialogs and not is_handed_off else found
        if planned is None or isinstance(planned, Planned):
            return planned
        arguments = dict(planned.arguments)
        if turn and planned.route.stateful:
            arguments[CONVERSATION] = turn.conversation
        return Planned(name_of(planned.route.handler), partial(_run, planned, message, arguments))


def _run(found: Match, message: InboundMessage, arguments: Mapping[str, Any]) -> Any:
    """Run a handler, and ask for what it does after the answer."""
    returned = found.route.handler(message, **arguments)
    if found.route.then is not None:
        enqueue_reply(found.route.then, message, found.arguments)
    return returned
