"""Compares a run with undisturbed ones: is it what the person could have seen without the fault?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .runs import Run, Turn
from .trials import Promise

_DIGIT = re.compile(r"\d")
#: The longest text, and the longest error, that is quoted.
_QUOTED, _QUOTED_ERROR = 40, 160


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
    def of(cls, run: Run, other: Run) -> Reference | None:
        """Return what is common to two runs; None if more differs than words with digits."""
        replies = [_common(a.replies, b.replies) for a, b in zip(run.turns, other.turns, strict=True)]
        sent = _common([text for _, text in run.sent], [text for _, text in other.sent])
        recipients = [to for to, _ in run.sent]
        if sent is None or recipients != [to for to, _ in other.sent] or any(each is None for each in replies):
            return None
        return cls(tuple(each or () for each in replies), tuple(zip(recipients, sent, strict=True)))


def _common(texts: Sequence[str], others: Sequence[str]) -> tuple[Expected, ...] | None:
    """Return what is common to the texts of two runs; None if they differ."""
    if len(texts) != len(others):
        return None
    found = [Expected.of(text, other) for text, other in zip(texts, others, strict=True)]
    return None if any(each is None for each in found) else tuple(each for each in found if each)


def learn(run: Run, other: Run, limit_s: float) -> tuple[Reference | None, str]:
    """Return the reference of two undisturbed runs with different people, or what is wrong without any fault."""
    problem = _without_fault(run, limit_s) or _without_fault(other, limit_s)
    if problem:
        return None, problem
    reference = Reference.of(run, other)
    return reference, "" if reference else _difference_of_people(run, other)


def _without_fault(run: Run, limit_s: float) -> str:
    """Return what is wrong with a run by itself; empty if nothing is."""
    for index, turn in enumerate(run.turns, 1):
        if turn.seconds > limit_s:
            return f"{_name(index, turn)} took {turn.seconds:.1f} s, and Twilio waits {limit_s:g} s"
        if turn.problems:
            return f"{_name(index, turn)} failed: {_quoted(turn.problems[0], _QUOTED_ERROR)}"
    return "" if run.is_over else _ENDLESS


def _difference_of_people(run: Run, other: Run) -> str:
    for index, (a, b) in enumerate(zip(run.turns, other.turns, strict=True), 1):
        if _common(a.replies, b.replies) is None:
            return (
                f"{_name(index, a)} got {_list(b.replies)} from a second person, and {_list(a.replies)} from the first"
            )
    return f"{len(run.sent)} messages were sent for the first person, and {len(other.sent)}, or others, for the second"


_ENDLESS = "it does not come to an end: messages lead to more messages"


def judge(promise: Promise, reference: Reference, run: Run) -> str:
    """Return what is wrong with a run under a fault; empty if it is what was promised."""
    return next(_problems(promise, reference, run), "")


def _problems(promise: Promise, reference: Reference, run: Run) -> Iterator[str]:
    for index, turn in enumerate(run.turns, 1):
        if turn.refused:
            yield f"{_name(index, turn)} was answered with {_list(turn.refused)}, and should have been refused"
        if turn.handled > 1:
            yield f"{_name(index, turn)} was handled {turn.handled} times"
    if not run.is_over:
        yield _ENDLESS
        return
    if promise == "answered":
        yield from _answered(reference, run)
        return
    for index, (turn, expected) in enumerate(zip(run.turns, reference.replies, strict=True), 1):
        yield from _replies(promise, _name(index, turn), turn, expected)
    if promise in ("undisturbed", "refused", "sent", "sent once"):
        yield from _sent(reference, run, may_miss=promise == "sent once")


def _replies(promise: Promise, name: str, turn: Turn, expected: tuple[Expected, ...]) -> Iterator[str]:
    """Compare the replies to one text."""
    if promise == "in parts" and turn.further:
        most = max(1, len(expected))
        if any(len(replies) > most for replies in (turn.replies, *turn.further)):
            yield f"a part of {name} got several replies"
        return
    if len(turn.replies) != len(expected):
        why = f" ({_quoted(turn.problems[0], _QUOTED_ERROR)})" if turn.problems and not turn.replies else ""
        yield f"{name} got {_list(turn.replies)} instead of {_list(expected)}{why}"
    elif promise not in ("sent", "sent once") and not _fit(expected, turn.replies):
        yield f"{name} got {_difference(expected, turn.replies)}"
    for replies in turn.further if promise == "copied" else ():
        if replies and not _fit(expected, replies):
            yield f"the copy of {name} got {_list(replies)}"


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
    for index, turn in enumerate(run.turns, 1):
        if len(turn.replies) > most:
            yield f"{_name(index, turn)} got {_list(turn.replies)}"
    if any(count > most for count in run.automatic):
        yield f"an automatic reply got {max(run.automatic)} replies"


def _name(number: int, turn: Turn) -> str:
    return f"text {number} {_quoted(turn.text)}"


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
