"""Run one piece of work: call its function, and store the end of the attempt with what the function asked for."""

from __future__ import annotations

import inspect
import json
import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from ..enqueueing import Arguments, decode_arguments, extra_arguments, find_function
from ..errors import ClaimLost, DialogError, JournalUnavailable, NotYet, ReplyError
from ..events import InboundMessage
from ..inbound_media import MediaSource
from ..journal import (
    GAVE_UP,
    MAX_ERROR,
    WAITING,
    WORKED,
    Attempt,
    Engine,
    Execute,
    WorkRow,
    end_attempt,
    end_waiting,
    put_back_work,
)
from ..logs import log_event, logger
from ..pending import About, Collection, Effect
from ..receiver import to_response
from ..verbs import Message
from .event_loop import EventLoop

#: How long to wait before the end of an attempt is stored again, in seconds: the function is not run again for that.
_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
#: How long the occurrence of a schedule is kept when it is done, in seconds.
_OCCURRENCE_KEPT_S = 86400.0

#: Sends one message to the contact of an inbound message, from the number that was texted.
Deliver = Callable[[InboundMessage, Message], object]


@dataclass(frozen=True, slots=True)
class Retries:
    """How often work that fails is tried, and after how long: 15 s, 1 min, 4 min … 17 h, about a day in all."""

    attempts: int = 8
    first_s: float = 15.0
    factor: float = 4.0

    def delay_s(self, attempt: int) -> float:
        """Return how long to wait after an attempt."""
        return self.first_s * self.factor ** (attempt - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What work runs in: the context of the application, and what happens with exceptions and replies."""

    #: The context of the application.
    context: Callable[[], AbstractContextManager[object]]
    #: Called with every exception that a function raises.
    on_exception: Callable[[Exception], object]
    deliver: Deliver
    #: Where the media files of a message come from.
    media_source: Callable[[InboundMessage], MediaSource] | None = None
    #: How long finished work is kept, in seconds.
    keep_s: float = 86400.0
    #: Seconds since 1970.
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], object] = time.sleep
    retries: Retries = Retries()


class Runner:
    """Runs pieces that this process has claimed."""

    def __init__(self, engine: Engine, surroundings: Surroundings) -> None:
        self._engine = engine
        self._around = surroundings
        self._event_loop = EventLoop()

    def run(self, row: WorkRow, *, not_before: float = 0.0) -> BaseException | None:
        """Run a piece, store the end of the attempt, and return the exception of the function.

        A piece that cannot run yet is put back, until ``not_before`` or later, in seconds since 1970.

        Raises: JournalUnavailable, if the end of the attempt cannot be stored.
        """
        try:
            effects, outcome = self._call(row)
            self._end(row, WORKED, effects, outcome=outcome)
        except ClaimLost as error:
            log_event(logging.ERROR, "work", {"id": row.key, "function": row.function, "problem": error})
        except NotYet as early:
            due_at = max(self._around.clock() + early.wait_s, not_before)
            self._persist(lambda execute: put_back_work(execute, row, due_at))
            return early
        except (Exception, SystemExit) as error:  # whatever a function raises, the attempt has ended
            self._failed(row, error)
            return error
        else:
            for effect in effects:
                effect.committed()
        return None

    def _call(self, row: WorkRow) -> tuple[tuple[Effect, ...], Any]:
        """Call the function in the context of the application; return what it asked for, and an awaited result.

        Raises: UnknownWork; ReplyError; CannotStore; DialogError; whatever the function raises.
        """
        arguments = decode_arguments(row.arguments, self._around.media_source)
        about = About(row.contact, row.number, row.origin)
        with self._around.context(), Collection(arguments.event, about=about) as collected:
            function = find_function(row.function)
            extras = extra_arguments(function, idempotency_key=row.key, attempt=row.attempt)
            returned = function(*arguments.positional, **(arguments.named or {}), **extras)
            if inspect.iscoroutine(returned):
                returned = self._event_loop.run(returned)
            if row.kind == "reply":
                self._reply(row, arguments, returned)
        return tuple(collected.effects), _as_json(row.function, returned) if row.kind == "awaited" else None

    def _reply(self, row: WorkRow, arguments: Arguments, returned: Any) -> None:
        """Send what a function returned to the contact of its message.

        Raises: ReplyError; CannotStore.
        """
        response = to_response(returned, handler=row.function)
        for verb in response.verbs:
            if not isinstance(verb, Message) or not isinstance(arguments.event, InboundMessage):
                problem = f"returned {type(verb).__name__}: later replies are a str, a Message or a list of these"
                raise ReplyError(problem, handler=row.function)
            self._around.deliver(arguments.event, verb)

    def _failed(self, row: WorkRow, error: BaseException) -> None:
        """Store that an attempt failed, so that the piece is run again, unless it was the last attempt.

        Raises: JournalUnavailable.
        """
        is_useless = row.kind == "message" or (row.kind == "awaited" and isinstance(error, DialogError))
        is_last = is_useless or row.attempt >= self._around.retries.attempts
        state = GAVE_UP if is_last else WAITING
        logger.error("%s failed: %s", row.function, type(error).__name__, exc_info=error)
        try:
            if isinstance(error, Exception):
                self._around.on_exception(error)
        except Exception as failure:  # an error tracker that is down must not end the thread
            logger.error("the exception hook raised %s", type(failure).__name__, exc_info=failure)
        try:
            self._end(row, state, (), describe(error))
        except ClaimLost as lost:
            log_event(logging.ERROR, "work", {"id": row.key, "function": row.function, "problem": lost})

    def _end(
        self, row: WorkRow, state: str, effects: tuple[Effect, ...], error: str = "", *, outcome: Any = None
    ) -> None:
        """Store the end of an attempt, and its effects, in one transaction.

        Raises: ClaimLost; JournalUnavailable; whatever an effect raises.
        """
        now = self._around.clock()
        ended = Attempt(row.attempt, row.due_at, now, "done" if state == WORKED else "failed", error[:MAX_ERROR])
        due_at = now + self._around.retries.delay_s(row.attempt) if state == WAITING else now
        kept_s = _OCCURRENCE_KEPT_S if row.kind == "scheduled" and state == WORKED else self._around.keep_s
        keep_until = row.keep_until if state == WAITING else now + kept_s

        def write(execute: Execute) -> None:
            if not end_attempt(execute, row, ended, state=state, due_at=due_at, keep_until=keep_until):
                raise ClaimLost("another process took this work over, or it was erased: nothing of it is stored")
            for effect in effects:
                effect.write(execute)
            if row.kind == "awaited" and state != WAITING:
                end_waiting(execute, row.key, {"value": outcome} if state == WORKED else {"error": error}, now)

        self._persist(write)
        level = logging.INFO if state == WORKED else logging.WARNING
        ms = round((now - row.due_at) * 1000, 1)
        fields = {"id": row.key, "function": row.function, "attempt": row.attempt, "outcome": state, "ms": ms}
        log_event(level, "work", fields)

    def _persist(self, write: Callable[[Execute], object]) -> None:
        """Run a transaction, and try again while the journal is not available.

        Raises: JournalUnavailable; whatever the transaction raises.
        """
        for pause_s in _PAUSES_S:
            try:
                self._engine.run(write)
            except JournalUnavailable as error:
                log_event(logging.ERROR, "journal", {"problem": error})
                self._around.sleep(pause_s)
            else:
                return
        self._engine.run(write)

    def close(self) -> None:
        """Stop the event loop."""
        self._event_loop.close()


def _as_json(function: str, result: Any) -> Any:
    """Return the result of work that a dialog waits for.

    Raises: DialogError, if JSON cannot keep it.
    """
    try:
        kept = json.loads(json.dumps(result, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        kept = not result
    if kept != result:
        advice = "return str, int, float, bool, None, lists, or dicts with str keys"
        raise DialogError(f"{function} returned {type(result).__name__}, which JSON cannot keep: {advice}")
    return kept


def describe(error: BaseException) -> str:
    """Return an error as text, even if its ``__str__`` raises."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__
