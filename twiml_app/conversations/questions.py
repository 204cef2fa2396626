"""What a dialog yields: questions for the contact, and steps that run once."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar, overload

from ..enqueueing import EnqueuedWork
from ..errors import DialogError
from ..events import InboundMedia
from ..routing import name_of
from ..twiml import MessagingResponse
from ..verbs import Message
from .answers import TEXT, Answer, Location, answer_of

T = TypeVar("T")
P = ParamSpec("P")

#: What is sent to ask.
Prompt: TypeAlias = str | Message | Sequence[str | Message]
#: How often a question is asked before the dialog gives up.
DEFAULT_ATTEMPTS = 5
#: How much of a question is stored to recognize it; of a longer one, a digest is stored as well.
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """A question with a kind of answer; ``ask`` makes it."""

    prompt: Prompt
    answer: Answer[T]
    #: What is sent after a text that does not answer; None repeats the question.
    reprompt: Prompt | None = None
    #: How many texts may fail to answer.
    attempts: int = DEFAULT_ATTEMPTS
    #: How long a further text is joined to the answer, in seconds.
    collect_s: float = 0.0


@dataclass(frozen=True, slots=True)
class StepCall:
    """A function to call once; ``step`` makes it."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WaitCall:
    """Work to wait for; ``wait_for`` makes it."""

    work: EnqueuedWork[Any]


Question: TypeAlias = str | Message | Sequence[str | Message] | Asked[Any] | StepCall | WaitCall
#: What a dialog returns, which is sent like the return value of any handler.
Reply: TypeAlias = str | Message | Sequence[str | Message] | MessagingResponse | None
#: What a dialog is: a generator that yields questions, gets texts, and returns the last reply.
Dialog: TypeAlias = Generator[Question, str, Reply]
#: What ``ask`` and ``step`` return, for ``yield from``.
Asking: TypeAlias = Generator[Question, Any, T]


@overload
def ask(
    question: Prompt,
    answer: type[bool],
    *,
    reprompt: Prompt | None = None,
    attempts: int = DEFAULT_ATTEMPTS,
) -> Asking[bool]: ...


@overload
def ask(
    question: Prompt,
    answer: type[InboundMedia],
    *,
    reprompt: Prompt | None = None,
    attempts: int = DEFAULT_ATTEMPTS,
) -> Asking[tuple[InboundMedia, ...]]: ...


@overload
def ask(
    question: Prompt,
    answer: str | re.Pattern[str],
    *,
    reprompt: Prompt | None = None,
    attempts: int = DEFAULT_ATTEMPTS,
) -> Asking[dict[str, Any]]: ...


@overload
def ask(
    question: Prompt,
    answer: type[str] = str,
    *,
    reprompt: Prompt | None = None,
    attempts: int = DEFAULT_ATTEMPTS,
    collect_s: float = 0.0,
) -> Asking[str]: ...


@overload
def ask(
    question: Prompt,
    answer: type[int],
    *,
    reprompt: Prompt | None = None,
    attempts: int = DEFAULT_ATTEMPTS,
) -> Asking[int]: ...


@overload
def ask(
    question: Prompt,
    answer: type[float],
    *,
    reprompt: Prompt | None = None,
    attempts: int = DEFAULT_ATTEMPTS,
) -> Asking[float]: ...


@overload
def ask(
    question: Prompt,
    answer: type[date],
    *,
    reprompt: Prompt | None = None,
    attempts: int = DEFAULT_ATTEMPTS,
) -> Asking[date]: ...


@overload
def ask(
    question: Prompt,
    answer: type[Location],
    *,
    reprompt: Prompt | None = None,
    attempts: int = DEFAULT_ATTEMPTS,
) -> Asking[Location]: ...


@overload
def ask(
    question: Prompt,
    answer: Answer[T],
    *,
    reprompt: Prompt | None = None,
    attempts: int = DEFAULT_ATTEMPTS,
) -> Asking[T]: ...


def ask(
    question: Prompt,
    answer: Any = str,
    *,
    reprompt: Prompt | None = None,
    attempts: int = DEFAULT_ATTEMPTS,
    collect_s: float = 0.0,
) -> Asking[Any]:
    """Ask a question: ``count = yield from ask("How many?", int)``.

    ``answer`` is ``str``, ``int``, ``float``, ``bool`` for yes or no, ``datetime.date``, ``InboundMedia``,
    ``Location``, a ``choice``, or a text pattern such as ``"<int:count> <item>"``. A text that does not answer gets
    the ``reprompt``, by default the question again. After ``attempts`` of them, NoAnswer is raised here. Texts that
    arrive up to ``collect_s`` seconds after the next question are joined to the answer, for people who write one
    thought in three.

    Raises: DialogError, for a kind of answer that does not exist.
    """
    asked = Asked(question, answer_of(answer), reprompt, attempts, collect_s)
    if attempts < 1:
        raise DialogError(f"attempts must be at least 1, not {attempts}")
    if collect_s and asked.answer is not TEXT:
        raise DialogError("only the answers of ask(…, str) can be joined: leave collect_s out")
    return _yielded(asked)


def step(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Asking[T]:
    """Call a function once, however often the dialog runs again: ``order = yield from step(create_order, size)``.

    Its result is stored before the dialog goes on, so it and its arguments must be JSON values. If it raises,
    StepFailed is raised here. Where the process is killed before the result is stored, the function is called again.
    """
    return _yielded(StepCall(function, args, kwargs))


def wait_for(work: EnqueuedWork[T]) -> Asking[T]:
    """Wait until work has ended, and return what its function returned: ``yield from wait_for(enqueue(make_pdf))``.

    The result must be a JSON value. If the work is given up, StepFailed is raised here. Texts that arrive meanwhile get
    the text ``busy`` of the dialog.
    """
    return _yielded(WaitCall(work))


def _yielded(item: Question) -> Asking[Any]:
    return (yield item)


def as_asked(item: Any) -> Asked[Any]:
    """Return a question that a dialog yielded, with its kind of answer.

    Raises: DialogError, for anything else.
    """
    if isinstance(item, Asked):
        return item
    if isinstance(item, str | Message) or (isinstance(item, list | tuple) and item):
        return Asked(item, TEXT)
    raise DialogError(
        "a dialog yields questions, such as a str or yield from ask(…), and yield from step(…), not"
        f" {type(item).__name__}"
    )


def describe(item: Any) -> str:
    """Return what is stored to recognize a question or a step when the dialog runs again.

    Raises: DialogError, for anything else, and for a step whose arguments are not JSON values.
    """
    if isinstance(item, StepCall):
        given = [json_text(each, "an argument") for each in item.arguments]
        given += [f"{name}={json_text(value, 'an argument')}" for name, value in sorted(item.named.items())]
        return _cut(f"step {name_of(item.function)}({', '.join(given)})")
    if isinstance(item, WaitCall):
        return _cut(f"work {item.work.call}")
    asked = as_asked(item)
    return _cut(f"{asked.answer.described}: {prompt_text(asked.prompt)}")


def prompt_text(prompt: Prompt) -> str:
    """Return the texts and the media of a question as one line."""
    messages = [prompt] if isinstance(prompt, str | Message) else prompt
    parts = [[each] if isinstance(each, str) else [each.text, *each.media] for each in messages]
    return " ".join(part for each in parts for part in each)


def json_text(value: Any, what: str) -> str:
    """Return a value as JSON.

    Raises: DialogError, if it would come back as something else.
    """
    try:
        written = json.dumps(value, allow_nan=False)
        is_kept = json.loads(written) == value
    except (TypeError, ValueError, RecursionError):
        is_kept = False
    if not is_kept:
        problem = f"{what} of a step is {type(value).__name__}, which JSON cannot keep"
        raise DialogError(f"{problem}: use str, int, float, bool, None, lists, and dicts with str keys")
    return written


def _cut(text: str) -> str:
    if len(text) <= _SHOWN:
        return text
    return f"{text[:_SHOWN]}… #{hashlib.sha256(text.encode()).hexdigest()[:16]}"
