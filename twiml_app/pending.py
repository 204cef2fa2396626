"""What a handler asks for besides its reply, such as work or a message, on its way to the journal's one commit.

A context variable carries it, so handlers need no parameter for it, and the receiver needs to know nothing about it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar, Token
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from .errors import CannotStore
from .events import Event, InboundMessage, StatusCallback

#: How much one handler may ask for.
MAX_EFFECTS = 1000


class Transaction(Protocol):
    """Runs one statement of a transaction, with ``?`` for each parameter, and returns its rows."""

    def __call__(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run the statement."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that a handler asked for."""

    #: What kind of thing it is, such as ``work`` or ``send``.
    kind: str
    #: What it does, as JSON values: shown to people, and compared in replays.
    summary: Mapping[str, Any]
    #: Stores it, in the transaction that stores the answer; it may be called again if that transaction is repeated.
    write: Callable[[Transaction], object]
    #: Called once it is stored; it must neither wait nor raise.
    committed: Callable[[], object]
    #: Whether a handler asked for it; otherwise it follows from the event, and is neither shown nor compared.
    is_asked_for: bool = True
    #: The id of the work; empty for other things.
    key: str = ""

    def described(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"kind": self.kind, **self.summary}


@dataclass(frozen=True, slots=True)
class About:
    """Whom an effect is about: stored with it, so that it can be found and erased; all empty if it is not known."""

    #: The other person's address, and ours.
    contact: str = ""
    number: str = ""
    #: MessageSid of the event that started it.
    origin: str = ""

    @classmethod
    def of(cls, event: Event | None) -> Self:
        """Return whom an event is about."""
        if isinstance(event, InboundMessage | StatusCallback):
            return cls(event.contact, event.number, event.message_sid)
        return cls()


class Collection:
    """Collects the effects of one handler while it is the context of a ``with`` statement.

    Without ``about``, the effects are about the same people as the event.
    """

    __slots__ = ("_about", "_token", "effects", "event", "refusal")

    def __init__(self, event: Event | None = None, *, refusal: str = "", about: About | None = None) -> None:
        #: The event that is being handled; None outside of webhooks.
        self.event = event
        #: Why nothing can be stored; empty if it can.
        self.refusal = refusal
        self._about = about
        self.effects: list[Effect] = []
        self._token: Token[Collection | None] | None = None

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _raised: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _current.reset(self._token)

    @property
    def about(self) -> About:
        """Whom the effects are about."""
        return self._about or About.of(self.event)

    def add(self, effect: Effect) -> None:
        """Add an effect.

        Raises: CannotStore, if there is nowhere to store it, or if the handler asked for too much.
        """
        if self.refusal:
            raise CannotStore(f"{effect.kind} was asked for, but it cannot be stored: {self.refusal}")
        if len(self.effects) >= MAX_EFFECTS:
            raise CannotStore(f"one handler may ask for {MAX_EFFECTS} pieces of work and messages, and not for more")
        self.effects.append(effect)


_current: ContextVar[Collection | None] = ContextVar("twiml_pending", default=None)


def collection() -> Collection | None:
    """Return what collects the effects of the running handler; None outside of handlers."""
    return _current.get()
