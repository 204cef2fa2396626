"""Match a pattern by sets of positions, in a time that is proportional to the length of the text for every pattern.

First, from the end of the text to its start, each step of the pattern gets the set of positions where it may start so
that all later steps match. Then, from the start, each step takes the first of its possible ends that is in the set of
the next step: nothing is tried twice. A set is one integer, in which bit ``size - position`` is set for each of its
positions, so that a shift to the left moves a whole set towards the start of the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

_BLANK = re.compile(r"\s")


class View:
    """A text with the sets of positions of its characters."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.size = len(text)
        self._characters = set(text)
        self._known: dict[re.Pattern[str], int] = {}

    def of(self, character: re.Pattern[str]) -> int:
        """Return the positions of the characters that an expression for one character matches."""
        known = self._known.get(character)
        if known is None:
            table = {ord(each): "1" if character.fullmatch(each) else "0" for each in self._characters}
            known = self._known[character] = int("0" + self.text.translate(table), 2) << 1
        return known

    def bit(self, position: int) -> int:
        """Return the set of one position."""
        return 1 << (self.size - position)

    def end_of_text(self, closing: re.Pattern[str]) -> int:
        """Return the positions from which only closing characters follow."""
        characters = self.of(closing) >> 1
        # Adding 1 turns the run of ones at the right end into zeros.
        return characters ^ (characters + 1)


class Step(Protocol):
    """A part of a pattern."""

    def starts(self, view: View, ends: int) -> int:
        """Return the positions where the step can start so that it ends in one of a set of positions."""

    def end(self, view: View, start: int, ends: int, /) -> int:
        """Return the end that is preferred for a start, out of a set that contains one."""


@dataclass(frozen=True, slots=True)
class Character:
    """One literal character."""

    expression: re.Pattern[str]

    def starts(self, view: View, ends: int) -> int:
        """Return the positions of the character before the ends."""
        return view.of(self.expression) & (ends << 1)

    def end(self, _view: View, start: int, _ends: int, /) -> int:
        """Return the position after the character."""
        return start + 1


@dataclass(frozen=True, slots=True)
class Blanks:
    """A whole run of white space, after another character."""

    def starts(self, view: View, ends: int) -> int:
        """Return the starts of the runs that end in one of the ends."""
        blanks = view.of(_BLANK)
        # A bit added at the last character of a run is carried to the position before its first one.
        carried = (blanks + ((ends & ~blanks) << 1 & blanks)) & ~blanks
        return (carried & ((2 << view.size) - 1)) >> 1

    def end(self, view: View, start: int, _ends: int, /) -> int:
        """Return the end of the run."""
        return view.size - len(view.text[start:].lstrip())


@dataclass(frozen=True, slots=True)
class Text:
    """Any characters, as few as possible, of which the first is not white space."""

    def starts(self, view: View, ends: int) -> int:
        """Return the positions before the last end, except for those of white space."""
        last = ends & -ends
        return ~view.of(_BLANK) & ((2 << view.size) - (last << 1)) if ends else 0

    def end(self, view: View, start: int, ends: int, /) -> int:
        """Return the first end after the start."""
        later = ends & (view.bit(start) - 1)
        return view.size - later.bit_length() + 1


@dataclass(frozen=True, slots=True)
class Run:
    """A limited number of characters of one kind, as many as possible."""

    expression: re.Pattern[str]
    character: re.Pattern[str]
    most: int

    def starts(self, view: View, ends: int) -> int:
        """Return the positions from which one to ``most`` characters lead to an end."""
        characters, found = view.of(self.character), 0
        for _ in range(self.most):
            ends = characters & (ends << 1)
            if not ends:
                break
            found |= ends
        return found

    def end(self, view: View, start: int, ends: int, /) -> int:
        """Return the last end that can be reached."""
        return _last_end(self.expression, view, start, ends)


@dataclass(frozen=True, slots=True)
class Number:
    """A number: an optional sign, digits, and if it is not whole a point and more digits; as long as possible."""

    expression: re.Pattern[str]
    digits: Run
    sign: re.Pattern[str]
    #: None for a whole number.
    point: re.Pattern[str] | None

    def starts(self, view: View, ends: int) -> int:
        """Return the starts of the numbers that lead to an end."""
        if self.point:
            ends |= view.of(self.point) & (self.digits.starts(view, ends) << 1)
        digits = self.digits.starts(view, ends)
        return digits | (view.of(self.sign) & (digits << 1))

    def end(self, view: View, start: int, ends: int, /) -> int:
        """Return the last end that can be reached."""
        return _last_end(self.expression, view, start, ends)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several sequences of literal characters and white space; the first that matches."""

    choices: Sequence[Sequence[Character | Blanks]]

    def starts(self, view: View, ends: int) -> int:
        """Return the starts of all choices that lead to an end."""
        found = 0
        for steps in self.choices:
            found |= _sets(steps, view, ends)[0]
        return found

    def end(self, view: View, start: int, ends: int, /) -> int:
        """Return the end of the first choice that leads to an end."""
        first = next(steps for steps in self.choices if _sets(steps, view, ends)[0] & view.bit(start))
        for step in first:
            start = step.end(view, start, ends)
        return start


def _last_end(expression: re.Pattern[str], view: View, start: int, ends: int) -> int:
    """Return the last end of an expression that matches a limited number of characters."""
    found = expression.match(view.text, start)
    end = found.end() if found else start
    while end > start and not (ends & view.bit(end) and expression.fullmatch(view.text, start, end)):
        end -= 1
    return end


def _sets(steps: Sequence[Step], view: View, ends: int) -> list[int]:
    """Return the set of starts of each step, and the set of ends of the last one."""
    sets = [ends]
    for step in reversed(steps):
        sets.append(ends := step.starts(view, ends) if ends else 0)
    return sets[::-1]


@dataclass(frozen=True, slots=True)
class Steps:
    """A whole pattern: white space, its steps, and closing characters."""

    #: White space and the literal characters before the first capture, and the longest ones after it: most texts for
    #: other handlers lack one of them, which is quicker to find than the sets.
    head: re.Pattern[str]
    longest: re.Pattern[str]
    steps: tuple[Step, ...]
    #: The places of the captures among the steps.
    captures: tuple[int, ...]
    closing: re.Pattern[str]

    def match(self, text: str) -> list[str] | None:
        """Return what each capture takes of a text, None if the pattern does not match the whole text."""
        if not self.head.match(text) or not self.longest.search(text):
            return None
        view = View(text)
        start = view.size - len(text.lstrip())
        first, *sets = _sets(self.steps, view, view.end_of_text(self.closing))
        if not first & view.bit(start):
            return None
        places = [start]
        for step, ends in zip(self.steps, sets, strict=True):
            places.append(step.end(view, places[-1], ends))
        return [text[places[each] : places[each + 1]] for each in self.captures]
