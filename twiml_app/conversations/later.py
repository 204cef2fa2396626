"""Turns of conversations in work: messages that were postponed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from ..active_app import active_extension
from ..errors import AnswerFailed, NotYet, ReplyError
from ..events import InboundMessage
from ..pending import Effect, collection
from ..receiver import Outcome, Turn
from ..twiml import MessagingResponse
from ..verbs import Message, Sms, Verb
from .conversations import conversation_key
from .turns import StoredTurn

if TYPE_CHECKING:
    from ..journal import ConversationStore

#: How long work waits until it looks again whether it has the turn, and for a worker that has the dialog, in seconds.
TURN_S, ELSEWHERE_S = 0.25, 0.25


class Deliver(Protocol):
    """Asks for a message to the contact of an inbound one."""

    def __call__(self, message: InboundMessage, reply: Message, key: str) -> object:
        """Ask for it, once for each key."""


class LaterTurns:
    """The turns of conversations that work takes; ``clock`` returns seconds since 1970.

    ``answer`` answers a message in its turn, with the base URL of the application.
    """

    def __init__(
        self,
        store: ConversationStore,
        answer: Callable[[InboundMessage, str, Turn], Outcome],
        deliver: Deliver,
        *,
        hours: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._answer = answer
        self._deliver = deliver
        self._hours = hours
        self._clock = clock

    def answer(self, message: InboundMessage, base_url: str, key: str) -> None:
        """Answer a message that was postponed, in its turn, as work with a key.

        Raises: NotYet; AnswerFailed; ReplyError; JournalUnavailable.
        """
        with self.turn(message, key) as turn:
            outcome = self._answer(message, base_url, turn)
            if outcome.response.status == 503:
                raise NotYet("another worker has to answer", wait_s=ELSEWHERE_S)
            if outcome.response.status >= 500:
                raise AnswerFailed(f"{outcome.handler or 'a handler'} failed: see the log")
            self._send(message, MessagingResponse.parse(outcome.response.body).verbs, outcome.handler, key)
            self._end(turn, outcome.effects)

    @contextmanager
    def turn(self, message: InboundMessage, key: str) -> Iterator[StoredTurn]:
        """Take the turn of work with a key; if the work fails, it is given up.

        Raises: NotYet, if it is not its turn: it keeps its place; JournalUnavailable.
        """
        drawn = self._store.draw_for_work(*conversation_key(message), key)
        if drawn is None or not drawn.is_next:
            raise NotYet("an earlier message of the conversation is still being answered", wait_s=TURN_S)
        turn = StoredTurn(self._store, drawn.ticket, drawn.row, hours=self._hours, clock=self._clock)
        try:
            yield turn
        except NotYet:
            raise
        except BaseException:
            turn.give_up()
            raise

    def _send(self, message: InboundMessage, verbs: tuple[Verb, ...], handler: str, key: str) -> None:
        """Ask for the messages of a reply, each of which is sent once.

        Raises: ReplyError; CannotSend; CannotStore; MediaError; ConfigurationError.
        """
        for index, verb in enumerate(verbs):
            reply = Message(verb.text) if isinstance(verb, Sms) else verb
            if not isinstance(reply, Message):
                problem = f"returned {type(verb).__name__} for a message that was answered later: that cannot be sent"
                raise ReplyError(problem, handler=handler)
            self._deliver(message, reply, f"{key} {index}")

    @staticmethod
    def _end(turn: StoredTurn, effects: tuple[Effect, ...]) -> None:
        """Store effects, and end the turn, together with the work that runs."""
        pending = collection()
        for effect in (*effects, Effect("turn", {}, turn.write, turn.committed, is_asked_for=False)):
            if pending:
                pending.add(effect)


def answer_postponed(message: InboundMessage, *, base_url: str, idempotency_key: str) -> None:
    """Answer a message whose turn did not come in time; this is work.

    Raises: NotYet; AnswerFailed; ReplyError; JournalUnavailable; CannotStore.
    """
    active_extension().later.answer(message, base_url, idempotency_key)
