"""Compares a run with undisturbed ones: is it what the person could have seen without the fault?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from .runs import Run, Turn
from .trials import Promise

_DIGIT = re.compile(r"\d")
#: The longest text that is quoted.
_QUOTED = 40


@dataclass(frozen=True, slots=True)
class Expected:
    """A text that the program sends, as a pattern: words with digits may differ from run to run."""

    words: tuple[str, ...]
    varying: frozenset[int] = frozenset()

    @classmethod
    def of(cls, text: str, other: str) -> Expected | None:
        """Return what is common to the same text in two runs; None if more differs than words with digits."""
        first, second = text.split(), other.split()
        if len(first) != len(second):
            return None
        varying = frozenset(index for index, pair in enumerate(zip(first, second, strict=True)) if len({*pair}) > 1)
        if not all(_DIGIT.search(first[index]) and _DIGIT.search(second[index]) for index in varying):
            return None
        return cls(tuple(first), varying)

    def fits(self, text: str) -> bool:
        """Return whether a text is this one."""
        words = text.split()
        return len(words) == len(self.words) and all(
            word == self.words[index] or (index in self.varying and _DIGIT.search(word))
            for index, word in enumerate(words)
        )

    def __str__(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class Reference:
    """What an undisturbed conversation shows: the replies to each text, and the messages that are sent besides."""

    replies: tuple[tuple[Expected, ...], ...]
    sent: tuple[tuple[str, Expected], ...]

    @classmethod
    def of(cls, run: Run) -> Reference:
        """Return the reference that one run makes."""
        return cls(
            tuple(tuple(Expected(tuple(text.split())) for text in turn.replies) for turn in run.turns),
            tuple((to, Expected(tuple(text.split()))) for to, text in run.sent),
        )

    def widened(self, run: Run, other: Run) -> Reference:
        """Return the reference of two runs that agree, apart from words with digits."""
        replies = tuple(
            tuple(found for pair in zip(a.replies, b.replies, strict=True) if (found := Expected.of(*pair)))
            for a, b in zip(run.turns, other.turns, strict=True)
        )
        pairs = zip(run.sent, other.sent, strict=True)
        return Reference(
            replies, tuple((to, Expected.of(text, again) or Expected(())) for (to, text), (_, again) in pairs)
        )


def learn(run: Run, other: Run, limit_s: float) -> tuple[Reference | None, str]:
    """Return the reference of two undisturbed runs with different people, or what is wrong without any fault."""
    for turn in (*run.turns, *other.turns):
        if turn.seconds > limit_s:
            return None, f"{_name(run, turn)} took {turn.seconds:.1f} s, and Twilio waits {limit_s:g} s"
        if turn.problems:
            return None, f"{_name(run, turn)} failed: {_quoted(turn.problems[0], 200)}"
    if not (run.is_over and other.is_over):
        return None, _ENDLESS
    for a, b in zip(run.turns, other.turns, strict=True):
        is_alike = len(a.replies) == len(b.replies) and all(map(Expected.of, a.replies, b.replies))
        if not is_alike:
            return (
                None,
                f"{_name(run, a)} got {_list(b.replies)} from a second person, and {_list(a.replies)} from the first",
            )
    is_alike = [to for to, _ in run.sent] == [to for to, _ in other.sent]
    if not is_alike or not all(Expected.of(a, b) for (_, a), (_, b) in zip(run.sent, other.sent, strict=True)):
        return None, f"{len(run.sent)} messages were sent for the first person, and others for the second"
    return Reference.of(run).widened(run, other), ""


_ENDLESS = "it does not come to an end: messages lead to more messages"


def judge(promise: Promise, reference: Reference, run: Run) -> str:
    """Return what is wrong with a run under a fault; empty if it is what was promised."""
    return next(_problems(promise, reference, run), "")


def _problems(promise: Promise, reference: Reference, run: Run) -> Iterator[str]:
    for turn in run.turns:
        if turn.refused:
            yield f"{_name(run, turn)} was answered with {_list(turn.refused)}, and should have been refused"
        if turn.handled > 1:
            yield f"{_name(run, turn)} was handled {turn.handled} times"
    if not run.is_over:
        yield _ENDLESS
        return
    if promise == "answered":
        yield from _answered(reference, run)
        return
    for turn, expected in zip(run.turns, reference.replies, strict=True):
        yield from _replies(promise, run, turn, expected)
    if promise in ("undisturbed", "refused", "sent", "sent once"):
        yield from _sent(reference, run, may_miss=promise == "sent once")


def _replies(promise: Promise, run: Run, turn: Turn, expected: tuple[Expected, ...]) -> Iterator[str]:
    """Compare the replies to one text."""
    if promise == "in parts" and turn.further:
        most = max(1, len(expected))
        if any(len(replies) > most for replies in (turn.replies, *turn.further)):
            yield f"a part of {_name(run, turn)} got several replies"
        return
    if len(turn.replies) != len(expected):
        why = f" ({_quoted(turn.problems[0], 120)})" if turn.problems and not turn.replies else ""
        yield f"{_name(run, turn)} got {_list(turn.replies)} instead of {_list(expected)}{why}"
    elif promise not in ("sent", "sent once") and not _fit(expected, turn.replies):
        yield f"{_name(run, turn)} got {_difference(expected, turn.replies)}"
    for replies in turn.further if promise == "copied" else ():
        if replies and not _fit(expected, replies):
            yield f"the copy of {_name(run, turn)} got {_list(replies)}"


def _fit(expected: tuple[Expected, ...], texts: tuple[str, ...]) -> bool:
    return len(expected) == len(texts) and all(each.fits(text) for each, text in zip(expected, texts, strict=True))


def _sent(reference: Reference, run: Run, *, may_miss: bool) -> Iterator[str]:
    """Compare the messages that were sent through the REST API, in any order."""
    before, now = Counter(to for to, _ in reference.sent), Counter(to for to, _ in run.sent)
    for to in {**before, **now}:
        if now[to] > before[to]:
            text = next(text for other, text in reversed(run.sent) if other == to)
            yield f"{_quoted(text)} was sent: {now[to]} messages to {_person(to)} instead of {before[to]}"
        if now[to] < before[to] and not may_miss:
            yield f"{now[to]} messages to {_person(to)} were sent instead of {before[to]}"


def _person(to: str) -> str:
    return to if to == "the contact" else "somebody else"


def _answered(reference: Reference, run: Run) -> Iterator[str]:
    """Check that nothing was answered more than usual."""
    most = max((len(expected) for expected in reference.replies), default=0) or 1
    for turn in run.turns:
        if len(turn.replies) > most:
            yield f"{_name(run, turn)} got {_list(turn.replies)}"
    if any(count > most for count in run.automatic):
        yield f"an automatic reply got {max(run.automatic)} replies"


def _name(run: Run, turn: Turn) -> str:
    index = next((index for index, each in enumerate(run.turns) if each is turn), None)
    number = f" {index + 1}" if index is not None else ""
    return f"text{number} {_quoted(turn.text)}"


def _list(texts: tuple[object, ...]) -> str:
    return " and ".join(_quoted(str(text)) for text in texts) or "no reply"


def _difference(expected: tuple[Expected, ...], texts: tuple[str, ...]) -> str:
    """Return the first reply that differs next to the expected one, each from a little before the difference."""
    wanted, found = next(pair for pair in zip(expected, texts, strict=True) if not pair[0].fits(pair[1]))
    before, now = str(wanted), " ".join(found.split())
    common = next((index for index, pair in enumerate(zip(before, now, strict=False)) if len({*pair}) > 1), len(now))
    start = before.rfind(" ", 0, common) + 1
    if start < _QUOTED // 2:
        return f"{_quoted(now)} instead of {_quoted(before)}"
    return f"{_quoted('…' + now[start:])} instead of {_quoted('…' + before[start:])}"


def _quoted(text: str, most: int = _QUOTED) -> str:
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= most else f'"{line[: most - 1]}…"'
