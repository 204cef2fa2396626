"""Find unbounded repeats in a regular expression that can share the same characters of a text.

Two such repeats make a match try every way to divide the characters between them: quadratic time, or exponential time
if one is inside the other. Repeats may be divided by characters that one of them cannot take, such as the blank in
``\\w+\\s\\w+``. Characters are compared by samples, and repeated groups by the characters that occur in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

#: Characters that stand for all others, besides those in the expression.
_SAMPLES = frozenset(map(chr, range(128))) | frozenset("éßİıſ٣²’–−…\u00a0\u2003€漢😀")
#: With more ways to get from one repeat to the next, the characters between them are ignored.
_MOST_WAYS = 200
_UNBOUNDED = (1 << 32) - 1
_END_OF_UNICODE = 0x110000

Characters = frozenset[str]


@dataclass(frozen=True, slots=True)
class _Repeat:
    """An unbounded repeat: the characters that it can take, and sets of which each round takes one character."""

    characters: Characters
    needs: frozenset[Characters] = frozenset()

    def meets(self, later: _Repeat) -> bool:
        """Return whether some characters can be divided between this repeat and a later one in several ways."""
        common = self.characters & later.characters
        return bool(common) and all(need & common for need in self.needs | later.needs)

    def after(self, characters: Characters) -> _Repeat | None:
        """Return the repeat after a character that follows it; None if it cannot take that character."""
        shared = characters & self.characters
        if not shared:
            return None
        return self if shared == self.characters else replace(self, needs=self.needs | {shared})


_Open = frozenset[_Repeat]
_NONE: frozenset[Any] = frozenset()


@dataclass(frozen=True, slots=True)
class _Walked:
    """What a part of an expression leaves to the parts after it."""

    #: The repeats that can still give characters back, up to here.
    open: _Open
    characters: Characters = _NONE
    #: Sets of which the part takes at least one character; without any, it cannot fail or is not known to.
    needs: frozenset[Characters] = _NONE
    #: Whether two repeats have met, which is slow if anything after them fails.
    met: bool = False
    can_fail: bool = False


def overlapping_repeats(pattern: re.Pattern[str], *, whole: bool = False) -> bool:
    """Return whether an expression has unbounded repeats, next to or inside each other, that can share characters.

    Repeats that nothing follows are quick in a search, but not if the ``whole`` text has to match.
    """
    tree = import_module("re._parser").parse(pattern.pattern, pattern.flags)
    walk = _Walk(_SAMPLES | {chr(each) for each in _numbers(tree) if 0 <= each < _END_OF_UNICODE})
    walked = walk.sequence(tree, _NONE, pattern.flags)
    return walk.found or (whole and walked.met)


def _numbers(tree: Any) -> Iterator[int]:
    """Yield every number in a parse tree, among which are the literal characters and the ends of ranges."""
    if isinstance(tree, int):
        yield int(tree)
    elif tree is not None:
        for each in tree:
            yield from _numbers(each)


class _Walk:
    """A walk through a parse tree, from its start to its end."""

    def __init__(self, samples: Characters) -> None:
        self._samples = samples
        self.found = False

    def sequence(self, nodes: Any, before: _Open, flags: int) -> _Walked:
        """Walk nodes that follow each other."""
        all_ = _Walked(before)
        for operation, argument in nodes:
            node = self._node(str(operation), argument, all_.open, flags)
            self.found |= all_.met and node.can_fail
            all_ = _Walked(
                node.open,
                all_.characters | node.characters,
                all_.needs | node.needs,
                all_.met or node.met,
                all_.can_fail or node.can_fail,
            )
        return all_

    def _node(self, operation: str, argument: Any, before: _Open, flags: int) -> _Walked:
        if operation in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            characters = self._characters(operation, argument, flags)
            return _Walked(_passed(before, [characters]), characters, frozenset({characters}), can_fail=True)
        if operation.endswith("_REPEAT"):
            return self._repeat(operation, argument, before, flags)
        if operation == "BRANCH":
            return self._branch(argument[1], before, flags)
        if operation == "GROUPREF_EXISTS":
            return self._branch([argument[1], argument[2] or ()], before, flags)
        if operation == "SUBPATTERN":
            return self.sequence(argument[3], before, (flags | argument[1]) & ~argument[2])
        if operation == "ATOMIC_GROUP":
            inside = self.sequence(argument, before, flags)
            return replace(inside, open=_passed(before, inside.needs))
        if operation.startswith("ASSERT"):
            return _Walked(before, met=self.sequence(argument[1], before, flags).met, can_fail=True)
        return _Walked(before, can_fail=True)

    def _branch(self, branches: Iterable[Any], before: _Open, flags: int) -> _Walked:
        each = [self.sequence(nodes, before, flags) for nodes in branches]
        needs = [frozenset[str]().union(*branch.needs) for branch in each]
        return _Walked(
            _limited(frozenset().union(*(branch.open for branch in each))),
            frozenset().union(*(branch.characters for branch in each)),
            frozenset({frozenset().union(*needs)}) if all(needs) else _NONE,
            any(branch.met for branch in each),
            all(branch.can_fail for branch in each),
        )

    def _repeat(self, kind: str, argument: Any, before: _Open, flags: int) -> _Walked:
        least, most, nodes = argument
        once = self.sequence(nodes, before if most == 1 else _NONE, flags)
        # A second round shows which repeats meet those of the round before.
        again = self.sequence(nodes, before | once.open, flags) if most > 1 else once
        own = frozenset({_Repeat(once.characters, once.needs)}) if most >= _UNBOUNDED else _NONE
        met = again.met or any(one.meets(other) for one in before for other in own)
        passed = _passed(before, once.needs) if least else before
        left = passed if kind == "POSSESSIVE_REPEAT" else passed | own | again.open
        needs = once.needs if least else _NONE
        return _Walked(_limited(left), once.characters, needs, met, bool(least) and once.can_fail)

    def _characters(self, operation: str, argument: Any, flags: int) -> Characters:
        """Return the samples that a node for one character matches."""
        kind = re.compile(_expression(operation, argument), flags & (re.IGNORECASE | re.ASCII | re.DOTALL))
        return frozenset(filter(kind.fullmatch, self._samples))


def _expression(operation: str, argument: Any) -> str:
    """Return the expression of a node for one character."""
    if operation == "ANY":
        return "."
    if operation == "NOT_LITERAL":
        return f"[^{_item('LITERAL', argument)}]"
    if operation == "LITERAL":
        return _item(operation, argument)
    return "[" + "".join(_item(str(each), value) for each, value in argument) + "]"


def _item(operation: str, argument: Any) -> str:
    """Return a part of a set of characters, as it is written in brackets."""
    if operation == "NEGATE":
        return "^"
    if operation == "CATEGORY":
        name = str(argument).removeprefix("CATEGORY_")
        return "\\" + (name[4].upper() if name.startswith("NOT_") else name[0].lower())
    ends = argument if operation == "RANGE" else (argument,)
    return "-".join(f"\\U{each:08x}" for each in ends)


def _passed(before: _Open, needs: Iterable[Characters]) -> _Open:
    """Return the repeats that are still open after characters that a text must have."""
    for characters in needs:
        before = frozenset(after for each in before if (after := each.after(characters)))
    return _limited(before)


def _limited(ways: _Open) -> _Open:
    """Return the repeats without what lies between them if there are too many of them to compare."""
    return ways if len(ways) <= _MOST_WAYS else frozenset(_Repeat(each.characters) for each in ways)
