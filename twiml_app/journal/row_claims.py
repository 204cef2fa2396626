"""Claims as rows: an event is claimed in one transaction, and its answer is stored in another.

Used for status callbacks, whose ledger entry must be there before a later callback is handled, and for every event
where the store cannot lock a single event.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..alerts import Alert
from ..config import Settings
from ..errors import ClaimLost, Forbidden, JournalUnavailable
from ..events import Event, InboundMessage, StatusCallback, UnknownEvent
from ..receiver import Claim, Outcome, StoredReply
from ..webhook import WebhookRequest
from .engine import Engine
from .ledger import cause_of, filed, record_status
from .received_events import DAY_S, ReceivedEvent, event_key, event_target_of_url
from .rows import (
    DONE,
    FAILED,
    RUNNING,
    SELECT,
    SELECT_ANSWERS,
    answer_values,
    insert_running,
    keeps_request,
    said_lately,
    stored_response,
    write_effects,
)
from .send_rows import join_status
from .stores import Execute


@dataclass(frozen=True, slots=True)
class Busy:
    """Another request is still processing the event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowClaim(Claim):
    """A claim whose row names this process."""

    exchange_id: int
    owner: int
    #: The process that made it: a forked child must not end it.
    pid: int


@dataclass(slots=True)
class _Attempt:
    """One attempt of a request to claim its event; its transaction may run twice, or after it was given up."""

    key: str
    request: WebhookRequest
    event: Event
    by_token: bool = False
    exchanges: set[int] = field(default_factory=set)
    is_given_up: bool = False


class RowClaims:
    """Claims events with rows in state ``running``, which name the process that answers them."""

    def __init__(self, engine: Engine, settings: Settings, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._running: set[int] = set()
        self._orphans: set[int] = set()

    def claim(
        self, request: WebhookRequest, event: Event, *, wait_s: float, by_token: bool = False
    ) -> Claim | StoredReply | Busy:
        """Claim an event, or return its stored answer; ``by_token`` as in the protocol.

        Raises: JournalUnavailable; Forbidden.
        """
        attempt, orphans = _Attempt(event_key(request, event), request, event, by_token), set(self._orphans)

        def look(execute: Execute) -> Claim | StoredReply | Busy:
            _require_own_token(execute, attempt)
            self._release(execute, orphans)
            return self._claim(execute, attempt)

        try:
            # Not durable: after a power cut, the process that made the claim is gone too.
            claimed = self._engine.run(look, durable=False, wait_s=wait_s)
        except (JournalUnavailable, Forbidden):
            attempt.is_given_up = True
            self._running -= attempt.exchanges
            raise
        self._orphans -= orphans
        return claimed

    def end(self, claim: RowClaim, outcome: Outcome, state: str, *, wait_s: float) -> None:
        """Store how a claim ended; if that fails, the claim is released as soon as the journal can be written to.

        Raises: JournalUnavailable; ClaimLost.
        """
        if claim.pid != os.getpid():
            raise ClaimLost("a forked child cannot end the request of its parent")
        try:
            if not self._engine.run(lambda execute: self._write_end(execute, claim, outcome, state), wait_s=wait_s):
                raise ClaimLost("another process took over the event while its handler ran, or the event was erased")
        except JournalUnavailable:
            self._orphans.add(claim.exchange_id)
            raise
        finally:
            self._running.discard(claim.exchange_id)

    def find_answer(self, message: InboundMessage, *, wait_s: float) -> StoredReply | Busy | None:
        """Return the answer that the failed URL gave to a message, if there is one by now.

        Raises: JournalUnavailable.
        """
        return self._engine.run(lambda execute: self._answer_of(execute, message), durable=False, wait_s=wait_s)

    def _claim(self, execute: Execute, attempt: _Attempt) -> Claim | StoredReply | Busy:
        now, event = self._clock(), attempt.event
        received = ReceivedEvent.of(attempt.key, attempt.request, event, now, self._settings)
        inserted = insert_running(execute, received, self._engine.store.owner)
        claimed = self._take(execute, attempt) if inserted is None else self._hold(inserted, attempt)
        if not isinstance(claimed, Claim) or isinstance(event, UnknownEvent | Alert):
            return claimed
        if isinstance(event, InboundMessage):
            return replace(claimed, recent_digests=said_lately(execute, event, now, self._settings.loop_limit))
        keep_until = now + self._settings.retention_days * DAY_S
        late = bool(event.message_sid) and record_status(execute, event, now, keep_until)
        _require_own_token(execute, attempt)  # another process may have written the entry since this began
        if not event.send_id:
            return replace(claimed, late=late)
        metadata = join_status(execute, event, now, keep_until, by_token=attempt.by_token)
        return replace(claimed, late=late, metadata=metadata)

    def _take(self, execute: Execute, attempt: _Attempt) -> RowClaim | StoredReply | Busy:
        """Return the stored answer, or take over the claim of a request that failed or whose process died."""
        exchange, state, owner, *answer, handler = execute(SELECT, (attempt.key,))[0]
        if state == DONE:
            return StoredReply(stored_response(*answer), handler)
        if state == RUNNING and exchange not in attempt.exchanges and self._is_held(execute, exchange, owner):
            return Busy()
        taken = execute(
            "UPDATE exchanges SET state = ?, owner = ?, outcome = '' WHERE id = ? AND state = ? AND owner = ?"
            " RETURNING id",
            (RUNNING, self._engine.store.owner, exchange, state, owner),
        )
        return self._hold(exchange, attempt) if taken else Busy()

    def _is_held(self, execute: Execute, exchange: int, owner: int) -> bool:
        store = self._engine.store
        return exchange in self._running if owner in store.own_owners else store.is_alive(execute, owner)

    def _hold(self, exchange: int, attempt: _Attempt) -> RowClaim:
        """Record that this process holds an exchange, unless the request does not wait for it any more."""
        self._running.add(exchange)
        attempt.exchanges.add(exchange)
        if attempt.is_given_up:
            self._running.discard(exchange)
        return RowClaim(exchange_id=exchange, owner=self._engine.store.owner, pid=os.getpid())

    def _release(self, execute: Execute, orphans: set[int]) -> None:
        """Release claims whose result could not be stored: no other process does, as long as this one runs."""
        for exchange in orphans - self._running:
            release = "UPDATE exchanges SET state = ? WHERE id = ? AND state = ? AND owner = ?"
            execute(release, (FAILED, exchange, RUNNING, self._engine.store.owner))

    def _write_end(self, execute: Execute, claim: RowClaim, outcome: Outcome, state: str) -> bool:
        written = execute(
            "UPDATE exchanges SET state = ?, answer_status = ?, answer_type = ?, answer = ?, handler = ?, outcome = ?,"
            " results = ?, milliseconds = ?, said = ?, effects = ? WHERE id = ? AND owner = ? RETURNING kind",
            (state, *answer_values(outcome), claim.exchange_id, claim.owner),
        )
        if written and not keeps_request(self._settings, written[0][0], outcome, state):
            forget = "UPDATE exchanges SET body = NULL, headers = NULL, url = NULL, keep_until = ? WHERE id = ?"
            execute(forget, (self._clock() + DAY_S, claim.exchange_id))
        return bool(written) and write_effects(execute, outcome.effects, outcome.turn)

    def _answer_of(self, execute: Execute, message: InboundMessage) -> StoredReply | Busy | None:
        rows = execute(SELECT_ANSWERS, (filed(message.message_sid), event_target_of_url(message.error_url)))
        if not rows:
            return None
        exchange, state, owner, *answer, handler = rows[0]
        if state == DONE:
            return StoredReply(stored_response(*answer), handler)
        return Busy() if state == RUNNING and self._is_held(execute, exchange, owner) else None


def _require_own_token(execute: Execute, attempt: _Attempt) -> None:
    """Check that a status token is not of another inbound message or send than the ledger has for the MessageSid.

    Raises: Forbidden; the transaction is then rolled back.
    """
    event = attempt.event
    if not attempt.by_token or not isinstance(event, StatusCallback) or not event.message_sid:
        return
    answered, send_id = cause_of(execute, event.message_sid)
    if answered not in ("", filed(event.in_reply_to)) or send_id not in ("", filed(event.send_id)):
        cause = f"a reply to {answered}" if answered else f"of the send {send_id}"
        problem = f"{event.message_sid} is {cause}, and the token is of {event.in_reply_to or event.send_id}"
        raise Forbidden("the token of the status URL is of another message", reason=problem)
