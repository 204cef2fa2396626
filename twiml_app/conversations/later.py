"""Turns of conversations in work: messages that were postponed, and dialogs that start or go on without a message."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from ..active_app import active_extension
from ..errors import AnswerFailed, DialogElsewhere, DialogError, NotYet, ReplyError
from ..events import InboundMessage
from ..logs import log_event
from ..pending import Effect, collection
from ..receiver import Outcome, Turn, to_response
from ..twiml import MessagingResponse
from ..verbs import Message, Sms
from .conversations import conversation_key
from .open_dialogs import OpenDialogs, WantedDialog
from .runs import DialogTurn
from .turns import StoredTurn

if TYPE_CHECKING:
    from ..journal import ConversationStore

#: How long work waits until it looks again whether it has the turn, and for a worker that has the dialog, in seconds.
TURN_S, ELSEWHERE_S = 0.25, 0.25
#: How long work waits until a person has handed a conversation back, and for a dialog that is open, in seconds.
HANDED_OFF_S, QUEUED_S = 60.0, 15.0


class Deliver(Protocol):
    """Asks for a message to a contact."""

    def __call__(self, contact: str, sender: str, reply: Message, key: str) -> object:
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
        dialogs: OpenDialogs | None = None,
        *,
        hours: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._answer = answer
        self._deliver = deliver
        self._dialogs = dialogs
        self._hours = hours
        self._clock = clock

    def answer(self, message: InboundMessage, base_url: str, key: str) -> None:
        """Answer a message that was postponed, in its turn, as work with a key.

        Raises: NotYet; AnswerFailed; ReplyError; JournalUnavailable.
        """
        contact, sender = conversation_key(message)
        with self._turn(contact, sender, key, is_message=True) as turn:
            outcome = self._answer(message, base_url, turn)
            if outcome.response.status == 503:
                raise NotYet("another worker has to answer", wait_s=ELSEWHERE_S)
            if outcome.response.status >= 500:
                raise AnswerFailed(f"{outcome.handler or 'a handler'} failed: see the log")
            self._send(contact, sender, MessagingResponse.parse(outcome.response.body), key)
            self._end(turn, outcome.effects)

    def start(self, wanted: WantedDialog, key: str) -> None:
        """Start a dialog, in its turn, as work with a key.

        Raises: NotYet; any exception of the dialog; CannotSend; CannotStore; JournalUnavailable.
        """
        with self._turn(wanted.contact, wanted.sender, key) as turn:
            open_ = self._dialogs_of_program.open_in(turn)
            if open_ and wanted.if_open == "queue":
                self._put_back(turn, QUEUED_S)
            if open_ and wanted.if_open == "refuse":
                fields = {"name": wanted.name, "outcome": "not started", "problem": f"{open_.name} is open"}
                log_event(logging.WARNING, "dialog", fields)
                self._end(turn, ())
            else:
                self._go_on(turn, self._dialogs_of_program.start(wanted, turn, key), key)

    def resume(self, contact: str, sender: str, awaited: str, outcome: Mapping[str, Any] | None, key: str) -> None:
        """Let a dialog go on that waits for work; without an outcome, that has not ended.

        Raises: NotYet; any exception of the dialog; CannotSend; CannotStore; JournalUnavailable.
        """
        with self._turn(contact, sender, key) as turn:
            open_ = self._dialogs_of_program.open_in(turn)
            if open_ is None or open_.open is None or open_.open.waits_for != awaited:
                self._end(turn, ())
            elif outcome is None:
                self._put_back(turn, open_.expires_at - self._clock() + 1)
            else:
                self._go_on(turn, self._dialogs_of_program.resume(open_, outcome, turn), key)

    def follow_up(self, contact: str, sender: str, asked: tuple[str, float], key: str) -> None:
        """Send the text for a question that nobody answered; ``asked`` is the run of its dialog, and when it expires.

        Raises: NotYet; CannotSend; CannotStore; JournalUnavailable.
        """
        with self._turn(contact, sender, key) as turn:
            stored = self._dialogs_of_program.stored_in(turn)
            if stored is not None and stored.ended_at is None and (stored.run, stored.expires_at) == asked:
                text = self._dialogs_of_program.follow_up_of(stored)
                self._send(contact, sender, to_response(text, handler=stored.name), key)
            self._end(turn, ())

    @property
    def _dialogs_of_program(self) -> OpenDialogs:
        """The dialogs.

        Raises: DialogError, if this program has none any more.
        """
        if self._dialogs is None:
            raise DialogError("this program has no dialogs: deploy one that has them, or retry the work then")
        return self._dialogs

    def _go_on(self, turn: StoredTurn, said: DialogTurn, key: str) -> None:
        conversation = turn.conversation
        response = to_response(said.reply, handler=said.stored.name if said.stored else "a dialog")
        self._send(conversation.contact, conversation.sender, response, key)
        self._end(turn, turn.effects())

    def _put_back(self, turn: StoredTurn, wait_s: float) -> None:
        """Give the turn up, and try again later.

        Raises: NotYet.
        """
        turn.give_up()
        raise NotYet("it is too early", wait_s=wait_s)

    @contextmanager
    def _turn(self, contact: str, sender: str, key: str, *, is_message: bool = False) -> Iterator[StoredTurn]:
        """Take the turn of work with a key; if the work fails, it is given up.

        Other work than that of a message waits while a person answers.

        Raises: NotYet, if it is not its turn: it keeps its place; JournalUnavailable.
        """
        drawn = self._store.draw_for_work(contact, sender, key)
        if drawn is None or not drawn.is_next:
            raise NotYet("an earlier message of the conversation is still being answered", wait_s=TURN_S)
        turn = StoredTurn(self._store, drawn.ticket, drawn.row, hours=self._hours, clock=self._clock)
        try:
            if turn.conversation.is_handed_off and not is_message:
                self._put_back(turn, HANDED_OFF_S)
            yield turn
        except NotYet:
            raise
        except DialogElsewhere as error:
            turn.give_up()
            raise NotYet(str(error), wait_s=ELSEWHERE_S) from error
        except BaseException:
            turn.give_up()
            raise

    def _send(self, contact: str, sender: str, response: MessagingResponse, key: str) -> None:
        """Ask for the messages of a reply, each of which is sent once.

        Raises: ReplyError; CannotSend; CannotStore; MediaError; ConfigurationError.
        """
        for index, verb in enumerate(response.verbs):
            reply = Message(verb.text) if isinstance(verb, Sms) else verb
            if not isinstance(reply, Message):
                problem = f"gave {type(verb).__name__}, which cannot be sent later"
                raise ReplyError(problem, handler="the answer to a message")
            self._deliver(contact, sender, reply, f"{key} {index}")

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


def start_dialog(*, idempotency_key: str, **wanted: Any) -> None:
    """Start a dialog that the program asked for; this is work.

    Raises: NotYet; any exception of the dialog; CannotSend; CannotStore; JournalUnavailable.
    """
    active_extension().later.start(WantedDialog(**wanted), idempotency_key)


def resume_dialog(
    *, contact: str, sender: str, awaited: str, idempotency_key: str, outcome: Mapping[str, Any] | None = None
) -> None:
    """Let a dialog go on after the work that it waits for; this is work.

    Raises: NotYet; any exception of the dialog; CannotSend; CannotStore; JournalUnavailable.
    """
    active_extension().later.resume(contact, sender, awaited, outcome, idempotency_key)


def follow_up_dialog(*, contact: str, sender: str, run: str, expires_at: float, idempotency_key: str) -> None:
    """Send the follow-up text of a dialog that has expired; this is work.

    Raises: NotYet; CannotSend; CannotStore; JournalUnavailable.
    """
    active_extension().later.follow_up(contact, sender, (run, expires_at), idempotency_key)
