"""Tickets: the messages of one conversation are answered one after the other, in the order in which they drew one.

A ticket is a row, and the lowest one of a conversation has the turn. That of a process which died is removed by the
next one that waits behind it. A ticket may belong to a piece of work instead of a request: it stands until that ends.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ..errors import ClaimLost, JournalUnavailable
from ..pending import Effect, Transaction
from .conversation_rows import (
    ConversationRow,
    conversations_of,
    find_conversation,
    resume_conversations,
    save_conversation,
)
from .engine import WAIT_S, Engine
from .ledger import filed
from .opt_out_rows import service_of
from .stores import Execute

#: How long a ticket is valid at most, in seconds: far longer than any request.
TICKET_S = 3600.0
#: The same for one of a piece of work: for longer than work is tried.
WORK_TICKET_S = 3 * 86400.0
_AHEAD = "SELECT id, owner, work FROM conversation_tickets WHERE contact = ? AND sender = ? AND id < ?"
_DRAW = (
    "INSERT INTO conversation_tickets (contact, sender, owner, work, drawn_at, keep_until) VALUES (?, ?, ?, ?, ?, ?)"
    " RETURNING id"
)
_BUSY = (
    "SELECT 1 FROM conversations WHERE contact = ? AND sender = ? AND dialog IS NOT NULL"
    " UNION ALL SELECT 1 FROM conversation_tickets WHERE contact = ? AND sender = ? LIMIT 1"
)
#: It changes nothing: PostgreSQL locks the row until the end of the transaction.
_KEEP = "UPDATE conversation_tickets SET drawn_at = drawn_at WHERE id = ? AND owner = ? RETURNING id"
_OPEN = (
    "SELECT contact, sender, dialog FROM conversations WHERE (contact, sender) > (?, ?) AND dialog IS NOT NULL"
    " ORDER BY contact, sender LIMIT 500"
)
_HAND_OVER = (
    "UPDATE conversation_tickets SET owner = 0, work = ?, keep_until = ? WHERE id = ? AND owner = ? RETURNING id"
)
_TAKE = "UPDATE conversation_tickets SET owner = ? WHERE contact = ? AND sender = ? AND work = ? RETURNING id"
_IS_WORK = "SELECT 1 FROM work WHERE key = ? AND state IN ('waiting', 'running')"
#: The messages of a first question, of which there are at most ten, by their keys.
_UNDELIVERED = (
    "SELECT 1 FROM sends LEFT JOIN ledger ON ledger.sid = sends.message_sid"
    " WHERE sends.key IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " AND (sends.state IN ('failed', 'refused', 'expired', 'cancelled') OR ledger.status IN ('failed', 'undelivered'))"
)
_REMOVE = "DELETE FROM conversation_tickets WHERE id = ? AND owner = ?"


@dataclass(frozen=True, slots=True)
class Ticket:
    """The place of a message in the queue of its conversation."""

    id: int
    owner: int
    contact: str
    sender: str
    #: The key of the piece of work that it belongs to; empty for a request.
    work: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A ticket that was drawn."""

    ticket: Ticket
    #: Whether it has the turn already.
    is_next: bool
    #: What is kept about the conversation, if it has the turn and anything is kept.
    row: ConversationRow | None = None


@dataclass(slots=True)
class _Attempt:
    """One attempt to draw a ticket; its transaction may run twice, or after it was given up."""

    tickets: set[int] = field(default_factory=set)
    is_given_up: bool = False


class ConversationStore:
    """Keeps conversations and their tickets in the journal; ``clock`` returns seconds since 1970."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock
        #: The tickets of this process whose requests are being answered. Several threads use these sets without a
        #: lock: each of their methods is one step.
        self._held: set[int] = set()
        #: Those that could not be removed.
        self._orphans: set[Ticket] = set()

    def draw(self, contact: str, sender: str, *, wait_s: float) -> Drawn | None:
        """Draw a ticket; None if another process is drawing one of the same conversation: try again.

        Raises: JournalUnavailable.
        """
        attempt, orphans = _Attempt(), self._orphans.copy()
        key = filed(contact), filed(sender)

        def draw(execute: Execute) -> Drawn | None:
            for orphan in orphans:
                execute(_REMOVE, (orphan.id, orphan.owner))
            # In PostgreSQL, a lower ticket might otherwise be committed after a higher one.
            return self._draw(execute, attempt, *key) if self._engine.store.try_lock(execute, "\n".join(key)) else None

        try:
            # Not durable: after a power cut, the process that waits is gone too.
            drawn = self._engine.run(draw, durable=False, wait_s=wait_s)
        except JournalUnavailable:
            attempt.is_given_up = True
            self._held -= attempt.tickets
            raise
        self._held -= attempt.tickets - ({drawn.ticket.id} if drawn else set())
        self._orphans -= orphans
        return drawn

    def draw_for_work(self, contact: str, sender: str, key: str) -> Drawn | None:
        """Take over the ticket of a piece of work that runs, or draw its first; None if another process draws one.

        Each attempt is another owner, so that one whose lease has run out cannot store anything.

        Raises: JournalUnavailable.
        """
        place, owner = (filed(contact), filed(sender)), -1 - secrets.randbits(62)

        def draw(execute: Execute) -> Drawn | None:
            if not self._engine.store.try_lock(execute, "\n".join(place)):
                return None
            now = self._clock()
            taken = execute(_TAKE, (owner, *place, key)) or execute(
                _DRAW, (*place, owner, key, now, now + WORK_TICKET_S)
            )
            return self._drawn(execute, Ticket(taken[0][0], owner, *place, work=key))

        return self._engine.run(draw, durable=False)

    def hand_over(self, execute: Transaction, ticket: Ticket, key: str) -> None:
        """Give the ticket of a request to a piece of work, in the transaction that stores the work.

        Raises: ClaimLost.
        """
        until = self._clock() + WORK_TICKET_S
        if not execute(_HAND_OVER, (key, until, ticket.id, ticket.owner)):
            raise ClaimLost("another process took over the conversation, or it was erased")

    def has_turn(self, ticket: Ticket, *, wait_s: float) -> bool:
        """Return whether a ticket has the turn; those before it whose process has died are removed.

        Raises: JournalUnavailable.
        """
        ahead = self._engine.read(lambda execute: self._living(execute, ticket), wait_s=wait_s)
        if ahead and all(is_alive for *_, is_alive in ahead):
            return False
        return not ahead or self._engine.run(
            lambda execute: self._remove_dead(execute, ticket), durable=False, wait_s=wait_s
        )

    def find(self, contact: str, sender: str, *, wait_s: float = WAIT_S) -> ConversationRow | None:
        """Return what is kept about a conversation; None if it is nothing.

        Raises: JournalUnavailable.
        """
        return self._engine.read(lambda execute: find_conversation(execute, contact, sender), wait_s=wait_s)

    def all_of(self, contact: str) -> list[ConversationRow]:
        """Return every conversation of a contact, the latest first.

        Raises: JournalUnavailable.
        """
        return self._engine.read(lambda execute: conversations_of(execute, contact))

    def resume(self, contact: str) -> int:
        """Let the handlers answer a contact again, and return how many conversations a person was answering.

        Raises: JournalUnavailable.
        """
        return self._engine.run(lambda execute: resume_conversations(execute, contact, self._clock()))

    def is_busy(self, contact: str, sender: str, *, wait_s: float) -> bool:
        """Return whether a dialog of a conversation is open, or one of its messages is being answered.

        Raises: JournalUnavailable.
        """
        key = (filed(contact), filed(sender))
        return bool(self._engine.read(lambda execute: execute(_BUSY, key * 2), wait_s=wait_s))

    def is_undelivered(self, key: str) -> bool:
        """Return whether a message of a first question was not sent or not delivered, by the key of the question.

        Raises: JournalUnavailable.
        """
        keys = [f"{key} {index}" for index in range(10)]
        return bool(self._engine.read(lambda execute: execute(_UNDELIVERED, keys)))

    def sender_of(self, number: str) -> str:
        """Return the messaging service of a number if it is known, else the number.

        Raises: JournalUnavailable.
        """
        return self._engine.read(lambda execute: service_of(execute, number)) or number

    def save(self, ticket: Ticket, row: ConversationRow, effects: Sequence[Effect], *, hands_off: bool) -> None:
        """Store a conversation and some effects before its turn ends.

        Raises: ClaimLost; JournalUnavailable.
        """

        def save(execute: Execute) -> None:
            if not execute(_KEEP, (ticket.id, ticket.owner)):
                raise ClaimLost("another process took over the conversation while a handler ran, or it was erased")
            save_conversation(execute, row, hands_off=hands_off, now=self._clock())
            for effect in effects:
                effect.write(execute)

        self._engine.run(save)

    def open_dialogs(self) -> Iterator[str]:
        """Yield each open dialog as JSON.

        Raises: JournalUnavailable.
        """
        after = ("", "")
        while rows := self._engine.read(lambda execute, after=after: execute(_OPEN, after)):  # type: ignore[misc]
            yield from (dialog for *_, dialog in rows)
            after = rows[-1][0], rows[-1][1]

    def end(
        self, execute: Transaction, ticket: Ticket, row: ConversationRow | None, *, hands_off: bool = False
    ) -> None:
        """End a turn in the transaction that stores its answer, and store the conversation, if one is given.

        Raises: ClaimLost.
        """
        if not execute(f"{_REMOVE} RETURNING id", (ticket.id, ticket.owner)):
            raise ClaimLost("another process took over the conversation while a handler ran, or it was erased")
        if row is not None:
            save_conversation(execute, row, hands_off=hands_off, now=self._clock())

    def forget(self, ticket: Ticket) -> None:
        """Forget a ticket that was removed."""
        self._held.discard(ticket.id)

    def give_up(self, ticket: Ticket) -> None:
        """Remove a ticket; if the journal cannot be written to, that is done later."""
        self._held.discard(ticket.id)
        self._orphans.add(ticket)
        with suppress(JournalUnavailable):
            self._engine.run(lambda execute: execute(_REMOVE, (ticket.id, ticket.owner)), durable=False)
            self._orphans.discard(ticket)

    def _draw(self, execute: Execute, attempt: _Attempt, contact: str, sender: str) -> Drawn:
        now, owner = self._clock(), self._engine.store.owner
        drawn = execute(_DRAW, (contact, sender, owner, "", now, now + TICKET_S))
        ticket = Ticket(drawn[0][0], owner, contact, sender)
        self._held.add(ticket.id)
        attempt.tickets.add(ticket.id)
        if attempt.is_given_up:  # it is removed as that of a dead request
            self._held.discard(ticket.id)
        return self._drawn(execute, ticket)

    def _drawn(self, execute: Execute, ticket: Ticket) -> Drawn:
        if not self._remove_dead(execute, ticket):
            return Drawn(ticket, is_next=False)
        return Drawn(ticket, is_next=True, row=find_conversation(execute, ticket.contact, ticket.sender))

    def _living(self, execute: Execute, ticket: Ticket) -> list[tuple[int, int, bool]]:
        """Return the id and the owner of each ticket before one, and whether its request is still being answered."""
        ahead = execute(_AHEAD, (ticket.contact, ticket.sender, ticket.id))
        return [(id_, owner, self._is_held(execute, id_, owner, work)) for id_, owner, work in ahead]

    def _is_held(self, execute: Execute, ticket: int, owner: int, work: str) -> bool:
        store = self._engine.store
        if work:
            return bool(execute(_IS_WORK, (work,)))
        return ticket in self._held if owner in store.own_owners else store.is_alive(execute, owner)

    def _remove_dead(self, execute: Execute, ticket: Ticket) -> bool:
        """Remove the tickets of dead requests before one, and return whether it has the turn now."""
        ahead = self._living(execute, ticket)
        for id_, owner, is_alive in ahead:
            if not is_alive:
                execute(_REMOVE, (id_, owner))
        return not any(is_alive for *_, is_alive in ahead)
