"""The journal that the receiver uses: claim, finish and fail events, and find the answer for a fallback request."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from ..config import Settings
from ..errors import ClaimLost, JournalUnavailable, RequestRefused, StillRunning
from ..events import Event, InboundMessage, StatusCallback, UnknownEvent
from ..receiver import Claim, Outcome, StoredReply
from ..webhook import WebhookRequest
from .engine import Engine, Execute
from .ledger import filed, record_status
from .refusals import insert_refusal
from .retention import Retention
from .rows import (
    DAY_S,
    DONE,
    FAILED,
    RUNNING,
    SELECT,
    ExchangeRow,
    event_key,
    event_target_of_url,
    said_lately,
    stored_response,
)

#: A duplicate waits this long for the answer to the first request, within Twilio's timeout of 15 seconds,
#: https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides.
WAIT_LIMIT_S = 10.0
#: How many duplicates may wait at the same time; new events need threads too.
MAX_WAITING = 4
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class _Busy:
    """Another request is still processing the event."""


class DurableJournal:
    """Claims events and keeps their answers in a database.

    ``clock`` returns seconds since 1970; ``sleep`` waits between two checks of a claim that another request holds.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._running: set[int] = set()
        self._orphans: set[int] = set()
        self._may_wait = threading.BoundedSemaphore(MAX_WAITING)
        self._retention = Retention(engine, clock)
        self._refused_at = 0.0

    def claim(self, request: WebhookRequest, event: Event) -> Claim | StoredReply:
        """Claim an event, or return the answer that it already got.

        Raises: JournalUnavailable; StillRunning.
        """
        self._retention.sweep_sometimes()
        key, orphans, mine = event_key(request, event), set(self._orphans), set[int]()

        def look(execute: Execute) -> Claim | StoredReply | _Busy:
            self._release(execute, orphans)
            return self._claim(execute, key, request, event, mine)

        try:
            # Not durable: after a power cut, the process that made the claim is gone too.
            claimed = self._engine.run(look, durable=False)
            self._orphans -= orphans
            return self._wait(look) if isinstance(claimed, _Busy) else claimed
        except JournalUnavailable:
            self._running -= mine
            raise

    def finish(self, claim: Claim, outcome: Outcome) -> None:
        """Store the answer; it is durable when this returns.

        Raises: JournalUnavailable; ClaimLost.
        """
        self._end(claim, outcome, DONE)

    def fail(self, claim: Claim, outcome: Outcome) -> None:
        """Release the claim, so that a retry runs the handler again.

        Raises: JournalUnavailable.
        """
        self._end(claim, outcome, FAILED)

    def stored_reply(self, message: InboundMessage) -> StoredReply | None:
        """Return the answer of the URL that a fallback request names; wait for one that is still being made.

        Raises: JournalUnavailable; StillRunning.
        """
        if not message.message_sid:
            return None

        def look(execute: Execute) -> StoredReply | _Busy | None:
            return self._answer_of(execute, message)

        found = self._engine.run(look, durable=False)
        return self._wait(look) if isinstance(found, _Busy) else found

    def keep_refusal(self, request: WebhookRequest, refused: RequestRefused) -> None:
        """Store a refused request: at most one per second and only the latest, so that nobody can fill the disk."""
        now = self._clock()
        if 0 <= now - self._refused_at < 1:
            return
        self._refused_at = now
        with suppress(JournalUnavailable):
            keep_until = now + self._settings.retention_days * DAY_S
            self._engine.run(lambda execute: insert_refusal(execute, request, refused, now, keep_until), durable=False)

    def check(self) -> None:
        """Check that the store can be reached and written to.

        Raises: JournalUnavailable.
        """
        self._engine.check()

    def _claim(
        self, execute: Execute, key: str, request: WebhookRequest, event: Event, mine: set[int]
    ) -> Claim | StoredReply | _Busy:
        now = self._clock()
        row = ExchangeRow.of_event(key, request, event, now, self._engine.owner, self._settings)
        inserted = row.insert(execute)
        claimed = self._take(execute, key, mine) if inserted is None else self._hold(inserted, mine)
        if not isinstance(claimed, Claim) or isinstance(event, UnknownEvent):
            return claimed
        if isinstance(event, InboundMessage):
            return replace(claimed, recent_digests=said_lately(execute, event, now))
        return replace(claimed, late=bool(event.message_sid) and self._record(execute, event, now))

    def _take(self, execute: Execute, key: str, mine: set[int]) -> Claim | StoredReply | _Busy:
        """Return the stored answer, or take over the claim of a request that failed or whose process died."""
        exchange, state, owner, *answer, handler = execute(SELECT, (key,))[0]
        if state == DONE:
            return StoredReply(stored_response(*answer), handler)
        if state == RUNNING and exchange not in mine and self._is_held(exchange, owner):
            return _Busy()
        taken = execute(
            "UPDATE exchanges SET state = ?, owner = ? WHERE id = ? AND state = ? AND owner = ? RETURNING id",
            (RUNNING, self._engine.owner, exchange, state, owner),
        )
        return self._hold(exchange, mine) if taken else _Busy()

    def _is_held(self, exchange: int, owner: int) -> bool:
        if self._engine.is_own(owner):
            return exchange in self._running
        return self._engine.is_alive(owner)

    def _hold(self, exchange: int, mine: set[int]) -> Claim:
        """Record that this process holds an exchange, and in ``mine`` that this request does."""
        self._running.add(exchange)
        mine.add(exchange)
        return Claim(exchange, self._engine.owner)

    def _release(self, execute: Execute, orphans: set[int]) -> None:
        """Release claims whose result could not be stored: no other process does, as long as this one runs."""
        for exchange in orphans - self._running:
            release = "UPDATE exchanges SET state = ? WHERE id = ? AND state = ? AND owner = ?"
            execute(release, (FAILED, exchange, RUNNING, self._engine.owner))

    def _record(self, execute: Execute, status: StatusCallback, now: float) -> bool:
        keep_until = now + self._settings.retention_days * DAY_S
        return record_status(execute, status, now, keep_until)

    def _end(self, claim: Claim, outcome: Outcome, state: str) -> None:
        """Store how a claim ended; if that fails, the claim is released as soon as the journal can be written to."""
        try:
            if not self._engine.run(lambda execute: self._write_end(execute, claim, outcome, state)):
                raise ClaimLost("another process took over the event while its handler ran, or the event was erased")
        except JournalUnavailable:
            self._orphans.add(claim.exchange_id)
            raise
        finally:
            self._running.discard(claim.exchange_id)

    def _write_end(self, execute: Execute, claim: Claim, outcome: Outcome, state: str) -> bool:
        response = outcome.response
        written = execute(
            "UPDATE exchanges SET state = ?, answer_status = ?, answer_type = ?, answer = ?, handler = ?, outcome = ?,"
            " results = ?, milliseconds = ?, said = ? WHERE id = ? AND owner = ? RETURNING id",
            (
                state,
                response.status,
                response.content_type,
                response.body,
                outcome.handler,
                outcome.name,
                json.dumps(dict(outcome.results)) if outcome.results else None,
                outcome.milliseconds,
                outcome.digest,
                claim.exchange_id,
                claim.owner,
            ),
        )
        if not self._keeps_request(outcome, state):
            forget = "UPDATE exchanges SET body = NULL, headers = NULL, url = NULL, keep_until = ? WHERE id = ?"
            only = " AND kind = 'status'" if self._settings.record == "messages" else ""
            execute(forget + only, (self._clock() + DAY_S, claim.exchange_id))
        return bool(written)

    def _keeps_request(self, outcome: Outcome, state: str) -> bool:
        return self._settings.record == "all" or state == FAILED or outcome.name in ("failed", "apologized", "overdue")

    def _answer_of(self, execute: Execute, message: InboundMessage) -> StoredReply | _Busy | None:
        """Return the answer that the failed URL gave to a message, if there is one by now."""
        rows = execute(
            "SELECT id, state, owner, answer_status, answer_type, answer, handler FROM exchanges"
            " WHERE sid = ? AND target = ? AND kind = 'message' AND endpoint = 'message' ORDER BY id DESC",
            (filed(message.message_sid), event_target_of_url(message.error_url)),
        )
        if not rows:
            return None
        exchange, state, owner, *answer, handler = rows[0]
        if state == DONE:
            return StoredReply(stored_response(*answer), handler)
        return _Busy() if state == RUNNING and self._is_held(exchange, owner) else None

    def _wait(self, look: Callable[[Execute], object]) -> Any:
        """Check again until the claim has ended.

        Raises: StillRunning; JournalUnavailable.
        """
        with self._waiting_slot():
            for _ in range(int(WAIT_LIMIT_S / POLL_S)):
                self._sleep(POLL_S)
                found = self._engine.run(look, durable=False)
                if not isinstance(found, _Busy):
                    return found
        raise StillRunning("another request is still processing this event")

    @contextmanager
    def _waiting_slot(self) -> Iterator[None]:
        if not self._may_wait.acquire(blocking=False):
            raise StillRunning(f"{MAX_WAITING} requests are already waiting")
        try:
            yield
        finally:
            self._may_wait.release()
