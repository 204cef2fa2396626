"""One turn of a dialog: run its function over what is stored, and on to the next question."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, Protocol, cast

from ..errors import DialogError, NoAnswer, StepFailed
from ..events import InboundMessage
from ..pending import Collection, collection
from ..routing import CONVERSATION, DialogRoute
from .conversation import Conversation
from .questions import Asked, Prompt, StepCall, WaitCall, as_asked, describe, json_text
from .stored import DialogStart, Entry, OpenQuestion, StoredDialog, text_of

#: How long after a question a text does not answer it, in seconds.
EARLY_S: Final = 3.0


class Save(Protocol):
    """Stores a dialog at once; None if it did not start yet.

    ``with_effects`` stores the state and what was asked for until then too; otherwise that is not done yet.
    """

    def __call__(self, stored: StoredDialog | None, /, *, with_effects: bool) -> object:
        """Store it."""


class DialogTurn(NamedTuple):
    """What a message leads to."""

    #: What is sent, like the return value of a handler.
    reply: Any
    #: The dialog from now on; None if it is over.
    stored: StoredDialog | None
    #: What happened, for the log.
    name: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message, and what it meets."""

    #: None where the program starts a dialog, or lets it go on.
    received: InboundMessage | None
    #: Seconds since 1970.
    now: float
    save: Save
    #: The state of the conversation, which a dialog may declare as ``conversation``.
    state: Conversation = field(default_factory=lambda: Conversation("", ""))
    #: How long after a question a text is taken for a copy, or for the rest, of the text before it, in seconds.
    early_s: float = EARLY_S

    @property
    def message(self) -> InboundMessage:
        """The message, where one has arrived."""
        return cast(InboundMessage, self.received)


@dataclass(frozen=True, slots=True)
class Finished:
    """The return value of a dialog."""

    reply: Any


class Differs(DialogError):
    """Running a dialog again leads to another question or step than the one that is stored."""

    def __init__(self, stored: str, found: str) -> None:
        super().__init__(f"stored is {stored!r}, but the program now has {found!r}")
        self.stored = stored


class Run:
    """Runs the function of a dialog for one message; ``durable`` is the dialog as the database has it."""

    def __init__(
        self, route: DialogRoute, stored: StoredDialog, arrival: Arrival, *, durable: StoredDialog | None
    ) -> None:
        self.stored = stored
        self._expires_s = route.options.expires_s
        self._durable = self._before_failure = durable
        self._now, self._save, self._state = arrival.now, arrival.save, arrival.state
        arguments = dict(stored.arguments)
        if route.stateful:  # it takes the same way again only with the state of its start
            arrival.state.clear()
            arrival.state.update(stored.state)
            arguments[CONVERSATION] = arrival.state
        self._generator: Generator[Any, Any, Any] = route.handler(_first_message(stored, arrival), **arguments)
        #: The question before the open one.
        self.asked_before: Asked[Any] | None = None
        self._effects_before = 0

    def to_the_end_of_the_log(self, *, checking: bool = False) -> Any:
        """Run over what is stored, and return the open question.

        If the last turn was interrupted, return what comes after its last entry. ``checking`` stops there.

        Raises: Differs; any exception of the dialog.
        """
        stored = self.stored
        last = len(stored.log)
        item = self._resume(None, is_new=not checking and self._is_new(0))
        for index, entry in enumerate(stored.log, 1):
            self._require_same(entry.about, item)
            if checking and index == last and not stored.open:
                return item
            item = self._resume(self._restored(entry, item), is_new=not checking and self._is_new(index))
        if stored.open:
            self._require_same(stored.open.about, item)
        return item

    def _is_new(self, index: int) -> bool:
        """Return whether what is asked for before an entry has not been stored yet."""
        if index < len(self.stored.log):
            return self.stored.log[index].is_pending
        return self.stored.open is None

    def answered(self, value: Any, entry: Entry) -> Any:
        """Add an answer, and return what comes next."""
        self.stored = self.stored.added(entry)
        pending = collection()
        self._effects_before = len(pending.effects) if pending else 0
        return self._resume(value, is_new=True)

    def on(self, item: Any) -> DialogTurn:
        """Run steps until the next question or the end.

        Raises: any exception of the dialog.
        """
        while isinstance(item, StepCall):
            item = self._step(item)
        if isinstance(item, WaitCall):
            return self._waiting(item)
        if isinstance(item, Finished):
            return DialogTurn(item.reply, replace(self.stored.settled(), open=None, ended_at=self._now), "finished")
        asked, pending = as_asked(item), collection()
        is_direct = bool(self.stored.log) and self.stored.log[-1].kind == "answer"
        is_direct = is_direct and (len(pending.effects) if pending else 0) == self._effects_before
        question = OpenQuestion(describe(item), self._now, is_direct=is_direct)
        stored = replace(self.stored.settled(), open=question, expires_at=self._now + self._expires_s)
        stored.as_json()  # a dialog that is too large fails before its question is sent
        return DialogTurn(asked.prompt, stored, "asked")

    def _waiting(self, item: WaitCall) -> DialogTurn:
        """Return the turn of a dialog that waits for work.

        Raises: DialogError, unless the work was asked for just before.
        """
        pending = collection()
        if pending and not any(effect.key == item.work.id for effect in pending.effects):
            raise DialogError("wait_for takes work that was asked for just before: yield from wait_for(enqueue(…))")
        question = OpenQuestion(describe(item), self._now, waits_for=item.work.id)
        stored = replace(self.stored.settled(), open=question, expires_at=self._now + self._expires_s)
        stored.as_json()
        return DialogTurn(None, stored, "waits")

    def close(self) -> None:
        """End the function where it waits."""
        self._generator.close()

    def _step(self, call: StepCall) -> Any:
        about, key = describe(call), f"{self.stored.run}:{len(self.stored.log)}"
        failed: StepFailed | None = None
        try:
            result = json.loads(_called(call, key))
            entry = Entry("step", about, result)
        except DialogError:
            raise
        except Exception as error:
            failed = StepFailed(f"{type(error).__name__}: {error}")
            failed.__cause__ = error
            entry = Entry("failure", about, str(failed), is_pending=True)
        self.stored = self.stored.added(entry)
        if failed is None:
            self.stored = self.stored.settled()
        self._save(self.stored, with_effects=failed is None)
        self._before_failure, self._durable = self._durable, self.stored
        return self._resume(failed or result, is_new=True)

    def _resume(self, value: Any, *, is_new: bool) -> Any:
        """Let the function run on; what it asks for counts only if it has not come this far before."""
        if is_new:
            try:
                return self._next(value)
            except StepFailed as error:
                if error is value:  # nobody caught it: the step is tried again
                    self._save(self._before_failure, with_effects=False)
                raise
        pending, until = collection(), self._state.handed_off_until
        with Collection(pending.event if pending else None):
            item = self._next(value)
        self._state.handed_off_until = until  # it was handed off before, and perhaps resumed
        return item

    def _next(self, value: Any) -> Any:
        try:
            if not isinstance(value, NoAnswer | StepFailed):
                return self._generator.send(value)
            return self._generator.throw(value)
        except StopIteration as stop:
            return Finished(stop.value)

    @staticmethod
    def _require_same(about: str, item: Any) -> None:
        found = "the end" if isinstance(item, Finished) else describe(item)
        if about != found:
            raise Differs(about, found)

    def _restored(self, entry: Entry, item: Any) -> Any:
        if entry.kind in ("step", "work"):
            return entry.value
        if entry.kind == "work failed":
            return StepFailed(entry.value)
        if entry.kind == "failure":
            self._before_failure = replace(self.stored, log=self.stored.log[: self.stored.log.index(entry)])
            return StepFailed(entry.value)
        self.asked_before = as_asked(item)
        if entry.kind == "no answer":
            return no_answer(self.asked_before.prompt)
        return self.asked_before.answer.from_json(entry.value)


def _first_message(stored: StoredDialog, arrival: Arrival) -> InboundMessage | DialogStart:
    """Return what started a dialog; the message that starts it now can still download its media files."""
    if stored.started:
        return stored.started
    message = arrival.received or stored.message
    if tuple(message.form.items()) == stored.form:
        return message
    return replace(stored.message, replayed=message.replayed)


def no_answer(prompt: Prompt) -> NoAnswer:
    """Return the exception that a question raises after too many texts that did not answer."""
    return NoAnswer(f"no text answered {prompt!r}")


def answer_entry(kind: Any, item: Any, message: InboundMessage, value: Any = None) -> Entry:
    """Return the entry of a message that answered, or that was one too many."""
    return Entry(kind, describe(item), value, message.message_sid, text_of(message))


def _called(call: StepCall, key: str) -> str:
    """Call the function of a step, and return its result as JSON; what it asks for counts only if it succeeds.

    Raises: DialogError, for a result that JSON cannot keep; any exception of the function.
    """
    named, outer = dict(call.named), collection()
    if _takes_key(call.function):
        named.setdefault("idempotency_key", key)
    with Collection(outer.event if outer else None, refusal=outer.refusal if outer else "") as inner:
        result = json_text(call.function(*call.arguments, **named), "the result")
    for effect in inner.effects if outer else ():
        outer.add(effect)  # type: ignore[union-attr]
    return result


def _takes_key(function: Callable[..., Any]) -> bool:
    """Return whether a function declares the parameter ``idempotency_key``."""
    try:
        return "idempotency_key" in inspect.signature(function).parameters
    except ValueError:  # a builtin whose parameters are unknown
        return False
