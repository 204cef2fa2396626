"""The journal that the receiver uses: claim, finish and fail events, and find the answer for a fallback request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar, cast

from ..config import Settings
from ..errors import JournalUnavailable, RequestRefused, StillRunning
from ..events import Event, InboundMessage, StatusCallback
from ..receiver import Claim, Outcome, StoredReply
from ..webhook import WebhookRequest
from .deadlines import seconds_left
from .engine import Engine
from .lock_claims import LockClaim, LockClaims
from .readiness import Readiness
from .received_events import DAY_S
from .refusals import insert_refusal
from .row_claims import Busy, RowClaim, RowClaims
from .rows import DONE, FAILED
from .upkeep import Upkeep

#: How many duplicates may wait at the same time; new events need threads too.
MAX_WAITING = 4
POLL_S = 0.05
#: How long a refused request may wait until it is stored, in seconds.
_REFUSAL_WAIT_S = 1.0

T = TypeVar("T")


class DurableJournal:
    """Claims events and keeps their answers in a database.

    ``clock`` returns seconds since 1970; ``monotonic`` returns seconds for time limits; ``sleep`` waits between two
    checks of a claim that another request holds; ``on_upkeep`` is called about every minute, in a request.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        on_upkeep: Callable[[], object] = lambda: None,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._row_claims = RowClaims(engine, settings, clock)
        self._lock_claims = LockClaims(engine, settings, clock)
        #: How many threads may wait for other requests, so that new events find one.
        self.may_wait = threading.BoundedSemaphore(MAX_WAITING)
        self._upkeep = Upkeep(engine, clock, on_upkeep)
        self._readiness = Readiness(engine)
        self._refused_at = 0.0

    def claim(
        self, request: WebhookRequest, event: Event, *, wait_s: float, by_token: bool = False
    ) -> Claim | StoredReply:
        """Claim an event, or return the answer that it already got; ``by_token`` as in the protocol.

        Raises: JournalUnavailable; StillRunning; Forbidden.
        """
        ends_at = self._monotonic() + wait_s
        self._upkeep.run_if_due()

        def look(left_s: float) -> Claim | StoredReply | Busy:
            guards = None if isinstance(event, StatusCallback) else self._engine.guards(wait_s=left_s)
            left_s = self._left(ends_at)
            if guards is None:
                return self._row_claims.claim(request, event, wait_s=left_s, by_token=by_token)
            return self._lock_claims.claim(guards, request, event, wait_s=left_s)

        return cast(Claim | StoredReply, self._until_free(look, ends_at))

    def finish(self, claim: Claim, outcome: Outcome, *, wait_s: float) -> None:
        """Store the answer; it is durable when this returns.

        Raises: JournalUnavailable; ClaimLost.
        """
        self._end(claim, outcome, DONE, wait_s)

    def fail(self, claim: Claim, outcome: Outcome, *, wait_s: float) -> None:
        """Release the claim, so that a retry runs the handler again.

        Raises: JournalUnavailable; ClaimLost.
        """
        self._end(claim, outcome, FAILED, wait_s)

    def stored_reply(self, message: InboundMessage, *, wait_s: float) -> StoredReply | None:
        """Return the answer of the URL that a fallback request names; wait for one that is still being made.

        Raises: JournalUnavailable; StillRunning.
        """
        if not message.message_sid:
            return None

        def look(left_s: float) -> StoredReply | Busy | None:
            guards = self._engine.guards(wait_s=left_s)
            if guards is None:
                return self._row_claims.find_answer(message, wait_s=left_s)
            return self._lock_claims.find_answer(guards, message, wait_s=left_s)

        return self._until_free(look, self._monotonic() + wait_s)

    def keep_refusal(self, request: WebhookRequest, refused: RequestRefused) -> None:
        """Store a refused request: at most one per second and only the latest, so that nobody can fill the disk."""
        now = self._clock()
        if 0 <= now - self._refused_at < 1:
            return
        self._refused_at = now
        keep_until = now + self._settings.retention_days * DAY_S
        with suppress(JournalUnavailable):
            self._engine.run(
                lambda execute: insert_refusal(execute, request, refused, now, keep_until),
                durable=False,
                wait_s=_REFUSAL_WAIT_S,
            )

    def check(self) -> None:
        """Check that the store can be reached and written to.

        Raises: JournalUnavailable.
        """
        self._readiness.check()

    def _end(self, claim: Claim, outcome: Outcome, state: str, wait_s: float) -> None:
        if isinstance(claim, LockClaim):
            self._lock_claims.end(claim, outcome, state, wait_s=wait_s)
        else:
            self._row_claims.end(cast(RowClaim, claim), outcome, state, wait_s=wait_s)

    def _until_free(self, look: Callable[[float], T | Busy], ends_at: float) -> T:
        """Look until no other request is processing the event; ``look`` gets the seconds that are left.

        Raises: StillRunning; JournalUnavailable.
        """
        found = look(self._left(ends_at))
        if not isinstance(found, Busy):
            return found
        with self._waiting_slot():
            while (left_s := ends_at - self._monotonic()) > POLL_S:
                self._sleep(POLL_S)
                found = look(left_s)
                if not isinstance(found, Busy):
                    return found
        raise StillRunning("another request is still processing this event")

    def _left(self, ends_at: float) -> float:
        return seconds_left(ends_at, least_s=POLL_S, clock=self._monotonic)

    @contextmanager
    def _waiting_slot(self) -> Iterator[None]:
        if not self.may_wait.acquire(blocking=False):
            raise StillRunning(f"{MAX_WAITING} requests are already waiting")
        try:
            yield
        finally:
            self.may_wait.release()
