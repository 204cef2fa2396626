"""``enqueue`` and its relatives: have a function run after the answer, outside of the request."""

from __future__ import annotations

import inspect
import json
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, Generic, Protocol, TypeVar, overload

from ..active_app import active_extension
from ..errors import CannotStore
from ..events import InboundMessage
from ..pending import About, Effect, Transaction, collection
from .arguments import Arguments
from .functions import WorkFunction, function_name, work_parameters

#: How far away a time may be, in seconds: ten years.
MAX_DELAY_S = 10 * 366 * 86400.0

NO_JOURNAL = "work was asked for, but the application has no journal to store it in: set TWIML_DATABASE_URL"


T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EnqueuedWork(Generic[T_co]):
    """Work that was asked for, and whose function returns a ``T_co``."""

    #: Its id in the journal, and the ``idempotency_key`` that the function gets if it asks for one.
    id: str
    #: The function and its arguments, to recognize it when a dialog runs again.
    call: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One piece of work, before it is stored."""

    key: str
    #: ``work``; ``awaited``, if a dialog waits for it; ``reply``, if what the function returns is sent; ``message``,
    #: for a message that is answered later; ``dialog``, for what starts a dialog or lets it go on.
    kind: str
    function: str
    #: As JSON.
    arguments: str
    about: About
    #: When it is to run, in seconds since 1970; without it, ``delay_s`` seconds after it is stored.
    at: float | None = None
    delay_s: float = 0.0

    def summary(self) -> Mapping[str, Any]:
        """Return what is shown and compared."""
        when: dict[str, Any] = {"in_s": self.delay_s} if self.delay_s else {}
        if self.at is not None:
            when = {"at": datetime.fromtimestamp(self.at, UTC).isoformat()}
        return {"function": self.function, "arguments": json.loads(self.arguments), **when}


class WorkStore(Protocol):
    """Where work is stored: ``app.extensions["twiml"].work``."""

    def store(self, execute: Transaction, piece: Piece) -> object:
        """Store a piece of work in a transaction."""

    def commit(self, effect: Effect) -> None:
        """Store an effect at once."""

    def wake(self) -> object:
        """Look for work that is due."""


@overload
def enqueue(function: Callable[..., Coroutine[Any, Any, T]], /, *args: Any) -> EnqueuedWork[T]: ...


@overload
def enqueue(function: Callable[..., T], /, *args: Any) -> EnqueuedWork[T]: ...


def enqueue(function: WorkFunction, /, *args: Any) -> EnqueuedWork[Any]:
    """Run a function after the answer, outside of the request: at least once, and again if it fails.

    In a handler, it is stored together with the answer, or not at all; elsewhere in the application's context, at once.
    The function is stored by its name, and the arguments as JSON: plain values, and the events of handlers. A function
    that declares the keyword-only parameters ``idempotency_key`` or ``attempt`` gets them.

    Raises: CannotStore; JournalUnavailable, outside of handlers.
    """
    return enqueue_piece(_piece(function, Arguments(args)))


@overload
def enqueue_in(
    delay: float | timedelta, function: Callable[..., Coroutine[Any, Any, T]], /, *args: Any
) -> EnqueuedWork[T]: ...


@overload
def enqueue_in(delay: float | timedelta, function: Callable[..., T], /, *args: Any) -> EnqueuedWork[T]: ...


def enqueue_in(delay: float | timedelta, function: WorkFunction, /, *args: Any) -> EnqueuedWork[Any]:
    """Run a function as ``enqueue`` does, after a delay in seconds, or a ``timedelta``.

    Raises: CannotStore; JournalUnavailable, outside of handlers.
    """
    seconds = delay.total_seconds() if isinstance(delay, timedelta) else delay
    return enqueue_piece(_piece(function, Arguments(args), delay_s=_number(seconds, "the delay")))


@overload
def enqueue_at(
    when: datetime | float, function: Callable[..., Coroutine[Any, Any, T]], /, *args: Any
) -> EnqueuedWork[T]: ...


@overload
def enqueue_at(when: datetime | float, function: Callable[..., T], /, *args: Any) -> EnqueuedWork[T]: ...


def enqueue_at(when: datetime | float, function: WorkFunction, /, *args: Any) -> EnqueuedWork[Any]:
    """Run a function as ``enqueue`` does, at a time with a time zone, or in seconds since 1970.

    Raises: CannotStore; JournalUnavailable, outside of handlers.
    """
    if isinstance(when, datetime) and when.utcoffset() is None:
        raise CannotStore(
            f"{when} has no time zone, so it is not known when that is: give one, such as"
            ' datetime(2027, 1, 31, 8, 0, tzinfo=ZoneInfo("Europe/Berlin"))'
        )
    seconds = when.timestamp() if isinstance(when, datetime) else when
    return enqueue_piece(_piece(function, Arguments(args), at=_number(seconds, "the time", most=_LATEST)))


def enqueue_reply(function: WorkFunction, message: InboundMessage, captures: Mapping[str, Any]) -> EnqueuedWork[Any]:
    """Run a function with what the handler got, and send what it returns to the contact.

    Raises: CannotStore; JournalUnavailable, outside of handlers.
    """
    return enqueue_piece(_piece(function, Arguments((message,), captures), kind="reply"))


#: The year 9999.
_LATEST = 253370764800.0


def _number(value: object, name: str, most: float = MAX_DELAY_S) -> float:
    """Return a number of seconds.

    Raises: CannotStore.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or not 0 <= value <= most:
        raise CannotStore(f"{name} is {value!r}: give seconds from 0 to {most:.0f}, or the types of datetime")
    return float(value)


def _piece(
    function: WorkFunction, arguments: Arguments, *, kind: str = "work", at: float | None = None, delay_s: float = 0.0
) -> Piece:
    """Return a piece of work about the contact of the running handler, or else of the first event among its arguments.

    Raises: CannotStore.
    """
    name = function_name(function)
    _require_fit(function, name, arguments)
    collected = collection()
    return Piece(
        key=secrets.token_hex(16),
        kind=kind,
        function=name,
        arguments=arguments.encode(name),
        about=collected.about if collected else About.of(arguments.event),
        at=at,
        delay_s=delay_s,
    )


def _require_fit(function: WorkFunction, name: str, arguments: Arguments) -> None:
    """Refuse arguments that the function does not accept: nobody would see the error.

    Raises: CannotStore.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a builtin whose parameters are unknown
        return
    extras = dict.fromkeys(work_parameters(function))
    try:
        signature.bind(*arguments.positional, **(arguments.named or {}), **extras)
    except TypeError as error:
        raise CannotStore(f"{name} does not accept the arguments that it is enqueued with: {error}") from error


def enqueue_piece(piece: Piece) -> EnqueuedWork[Any]:
    """Add a piece of work to what the running handler asks for, or else store it at once.

    Raises: CannotStore; JournalUnavailable.
    """
    work: WorkStore | None = active_extension().work
    collected = collection()
    if collected is not None:
        collected.add(_effect(piece, work))
    elif work is not None:
        work.commit(_effect(piece, work))
    else:
        raise CannotStore(NO_JOURNAL)
    return EnqueuedWork(piece.key, f"{piece.function} {piece.arguments}")


def _effect(piece: Piece, work: WorkStore | None) -> Effect:
    """Return the effect that stores a piece of work; without a store, it is only shown, as in a replay."""
    write: Callable[[Transaction], object] = _refuse if work is None else lambda execute: work.store(execute, piece)
    return Effect(piece.kind, piece.summary(), write, _nothing if work is None else work.wake, key=piece.key)


def _refuse(_: Transaction) -> None:
    raise CannotStore(NO_JOURNAL)


def _nothing() -> None:
    return
