"""Claims as locks: an event is claimed without a transaction, and stored with its answer in one.

The lock is one byte of a file, which the system releases at the instant a process dies, so a retry is answered at once.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from ..config import Settings
from ..errors import ClaimLost, JournalUnavailable
from ..events import Event, InboundMessage
from ..receiver import Claim, Outcome, StoredReply
from ..webhook import WebhookRequest
from .deadlines import seconds_left
from .engine import Engine
from .ledger import filed
from .received_events import ReceivedEvent, event_key, event_target_of_url, lock_offset
from .row_claims import Busy
from .rows import (
    DONE,
    FAILED,
    LATELY,
    SELECT_ANSWERS,
    answered_values,
    keeps_request,
    lately,
    store,
    stored_response,
    write_effects,
)
from .stores import Execute, Guards
from .worker_files import Slot

#: How many answers that could not be stored are kept, until they can be.
MAX_UNSAVED = 100
_BY_KEY = "SELECT state, answer_status, answer_type, answer, handler FROM exchanges WHERE key = ?"
_BY_KEY_AND_LATELY = f"{_BY_KEY} UNION ALL SELECT NULL, count, NULL, NULL, said FROM ({LATELY})"  # noqa: S608


class Held(NamedTuple):
    """What a claim holds: the lock of its event, and a slot in the file of its process."""

    guards: Guards
    offset: int
    slot: Slot
    #: The process that made it: a forked child must not end it.
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LockClaim(Claim):
    """A claim by the lock of its event."""

    received: ReceivedEvent
    held: Held


@dataclass(frozen=True, slots=True)
class _Unsaved:
    """An answer that could not be stored; its slot still contains the request."""

    values: tuple[object, ...]
    guards: Guards
    slot: Slot


class LockClaims:
    """Claims events with locks, which other processes and threads cannot take meanwhile."""

    def __init__(self, engine: Engine, settings: Settings, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        #: Several threads use it without a lock: each of its methods is one step.
        self._unsaved: dict[int, _Unsaved] = {}
        self._numbers = itertools.count()
        self._is_suspect = False

    def claim(
        self, guards: Guards, request: WebhookRequest, event: Event, *, wait_s: float
    ) -> Claim | StoredReply | Busy:
        """Claim an event, or return its stored answer.

        Raises: JournalUnavailable.
        """
        ends_at = time.monotonic() + wait_s
        key, now = event_key(request, event), self._clock()
        received = ReceivedEvent.of(key, request, event, now, self._settings)
        offset = lock_offset(received.sid, received.target)
        if not _acquire(guards, offset):
            return Busy()
        try:
            found = self._engine.read(
                lambda execute: _look(execute, key, event, now, self._settings.loop_limit), wait_s=wait_s
            )
            if not isinstance(found, StoredReply):
                self._check_if_suspect(ends_at)
                held = Held(guards, offset, _put(guards, received.trace()), os.getpid())
                return LockClaim(received=received, held=held, recent_digests=found)
        except BaseException:
            guards.events.release(offset)
            raise
        guards.events.release(offset)
        return found

    def end(self, claim: LockClaim, outcome: Outcome, state: str, *, wait_s: float) -> None:
        """Store an event with its answer, and release its lock.

        Raises: JournalUnavailable; ClaimLost.
        """
        held = claim.held
        if held.pid != os.getpid():
            raise ClaimLost("a forked child cannot end the request of its parent")
        keeps = keeps_request(self._settings, claim.received.kind, outcome, state)
        values = partial(answered_values, claim.received, keeps_request=keeps, now=self._clock())
        try:
            self._store(held, values(outcome, state), outcome, wait_s)
        except JournalUnavailable:
            self._is_suspect = True
            self._keep(_Unsaved(values(outcome._replace(name="not stored"), FAILED), held.guards, held.slot))
            raise
        finally:
            held.guards.events.release(held.offset)

    def find_answer(self, guards: Guards, message: InboundMessage, *, wait_s: float) -> StoredReply | Busy | None:
        """Return the answer that the failed URL gave to a message, if there is one by now.

        Raises: JournalUnavailable.
        """
        sid, target = filed(message.message_sid), event_target_of_url(message.error_url)
        offset = lock_offset(sid, target)
        if not _acquire(guards, offset):
            return Busy()
        try:
            rows = self._engine.read(lambda execute: execute(SELECT_ANSWERS, (sid, target)), wait_s=wait_s)
        finally:
            guards.events.release(offset)
        if not rows:
            return None
        _, state, _, *answer, handler = rows[0]
        return StoredReply(stored_response(*answer), handler) if state == DONE else None

    def _check_if_suspect(self, ends_at: float) -> None:
        """Check that the journal can be written to before another handler runs, if the last answer was not stored.

        Raises: JournalUnavailable.
        """
        if self._is_suspect:
            self._engine.check(wait_s=seconds_left(ends_at))
            self._is_suspect = False

    def _store(self, held: Held, values: tuple[object, ...], outcome: Outcome, wait_s: float) -> None:
        """Write the values of a row with the effects of its outcome, and the rows that could not be stored before.

        Raises: JournalUnavailable; ClaimLost.
        """
        unsaved = self._unsaved.copy()

        def write(execute: Execute) -> bool:
            for each in unsaved.values():
                store(execute, each.values)
            return store(execute, values) and write_effects(execute, outcome.effects, outcome.turn)

        is_stored = self._engine.run(write, wait_s=wait_s)
        held.guards.worker.clear(held.slot)
        self._forget(unsaved)
        if not is_stored:
            raise ClaimLost("another process answered the event while its handler ran")

    def _keep(self, unsaved: _Unsaved) -> None:
        self._unsaved[next(self._numbers)] = unsaved
        self._forget(sorted(self._unsaved.copy())[:-MAX_UNSAVED])

    def _forget(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            if each := self._unsaved.pop(number, None):
                each.guards.worker.clear(each.slot)


def _look(execute: Execute, key: str, event: Event, now: float, least: int) -> StoredReply | dict[str, int]:
    """Return the stored answer of an event, or what its contact was sent lately."""
    if not isinstance(event, InboundMessage):
        rows = execute(_BY_KEY, (key,))
    else:
        rows = execute(_BY_KEY_AND_LATELY, (key, *lately(event, now, least)))
    for state, status, content_type, answer, handler in rows:
        if state == DONE:
            return StoredReply(stored_response(status, content_type, answer), handler)
    return {said: count for state, count, _, _, said in rows if state is None}


def _acquire(guards: Guards, offset: int) -> bool:
    """Take the lock of an event, and return whether it was free.

    Raises: JournalUnavailable.
    """
    try:
        return guards.events.acquire(offset)
    except OSError as error:
        raise JournalUnavailable(f"the event cannot be locked: {error}") from error


def _put(guards: Guards, record: bytes) -> Slot:
    """Write the trace of a request.

    Raises: JournalUnavailable.
    """
    try:
        return guards.worker.put(record)
    except OSError as error:
        raise JournalUnavailable(f"the journal cannot be written to: {error}") from error
