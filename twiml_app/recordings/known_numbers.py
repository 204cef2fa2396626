"""The numbers of our contacts and our own, found in texts however they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .fakes import Fakes
from .phone_numbers import NumberFinder, PhoneNumber

#: A run of digits with punctuation between them.
_RUN = re.compile(r"(?:\+\W?|\W\+)?[0-9](?:[\W_]{0,3}[0-9]){4,}")
#: A shorter number is replaced only if it is a whole run of digits.
_SEARCHABLE_LENGTH = 7
#: The lengths of a number that is written without its country, or without its area.
_INSIDE_A_COUNTRY = (10, 9)
_INSIDE_AN_AREA = (8, 7)
_FOUND = "q"
#: A letter of Japanese words, but a hyphen in numbers.
_JAPANESE_DASH = "ー"

Replaced = tuple[int, int, str]


class KnownNumbers:
    """Replaces numbers in texts; those of contacts are known, and others are found."""

    def __init__(self, fakes: Fakes, finder: NumberFinder) -> None:
        self._fakes = fakes
        self._finder = finder
        #: The replacement per digits of a number, with and without country code.
        self._known: dict[str, str] = {}
        #: The replacement per last digits of a number.
        self._local: dict[str, str] = {}
        self._lengths: list[int] = []

    def add(self, digits: str, *, own: bool = False) -> None:
        """Search for a number; our own ones are kept."""
        made = digits if own else self._fakes.number(digits)
        self._add(digits, made)
        national = self._finder.national(f"+{digits}")
        if len(national) >= _SEARCHABLE_LENGTH and digits.endswith(national):
            self._add(national, national if own else made[-10:])
        for length in _INSIDE_A_COUNTRY if len(digits) > max(_INSIDE_A_COUNTRY) else ():
            self._add(digits[-length:], made[-length:])
        for length in _INSIDE_AN_AREA if len(digits) > max(_INSIDE_A_COUNTRY) else ():
            self._local.setdefault(digits[-length:], made[-length:])

    def add_id(self, digits: str, replacement: str) -> None:
        """Search for an address that consists of digits but is not a phone number."""
        self._add(digits, replacement)

    def _add(self, digits: str, made: str) -> None:
        if self._known.setdefault(digits, made) == made and len(digits) not in self._lengths:
            self._lengths.append(len(digits))
            self._lengths.sort(reverse=True)

    def find(self, text: str, regions: tuple[str, ...]) -> Iterator[Replaced]:
        """Yield the places of numbers in a folded text, and their replacements."""
        for found in _RUN.finditer(text.replace(_JAPANESE_DASH, "-")):
            for start, end, made in self._in_run(found[0], regions):
                yield found.start() + start, found.start() + end, made

    def _in_run(self, run: str, regions: tuple[str, ...]) -> Iterator[Replaced]:
        """Yield whole contacts first, then other numbers, then contacts without their area."""
        rest = run
        for step in (self._contacts, self._others, self._neighbours):
            found = [*step(rest, regions)]
            yield from found
            for start, end, _ in found:
                rest = rest[:start] + _FOUND * (end - start) + rest[end:]

    def _contacts(self, run: str, _: tuple[str, ...]) -> Iterator[Replaced]:
        places = [place for place, character in enumerate(run) if character in "0123456789"]
        digits = "".join(run[place] for place in places)
        start = 0
        while start < len(places):
            length = next((each for each in self._lengths if self._is_contact(digits, start, each)), 0)
            if length:
                first, end = places[start], places[start + length - 1] + 1
                made = self._known[digits[start : start + length]]
                yield first, end, run[first:end] if made == digits[start : start + length] else made
            start += length or 1

    def _is_contact(self, digits: str, start: int, length: int) -> bool:
        if length > len(digits) - start or digits[start : start + length] not in self._known:
            return False
        return length >= _SEARCHABLE_LENGTH or length == len(digits)

    def _others(self, run: str, regions: tuple[str, ...]) -> Iterator[Replaced]:
        for piece in re.finditer(rf"[^{_FOUND}]+", run):
            for number in self._finder.find(piece[0], regions):
                written = re.sub(r"[^0-9]", "", piece[0][number.start : number.end])
                start, end = piece.start() + number.start, piece.start() + number.end
                made = self._replacement(number, written)
                yield start, end, run[start:end] if made == written else made

    def _replacement(self, number: PhoneNumber, written: str) -> str:
        """Return the replacement of a number, with or without country code as it is written."""
        if written in self._local:
            return self._local[written]
        made = self._known.get(number.full) or self._fakes.number(number.full)
        if written.endswith(number.full):
            return written[: -len(number.full)] + made[-max(len(number.full), _SEARCHABLE_LENGTH) :]
        prefix = written[: -len(number.national)] if written.endswith(number.national) else ""
        own = made == number.full
        return prefix + (number.national if own else made[-min(len(number.national), 10) :])

    def _neighbours(self, run: str, _: tuple[str, ...]) -> Iterator[Replaced]:
        """Yield the contacts that are written without their area code, as whole groups of digits."""
        groups = [found.span() for found in re.finditer("[0-9]+", run)]
        done = 0
        for index, (start, _end) in enumerate(groups):
            for _next, end in groups[index : index + 4] if start >= done else ():
                written = re.sub(r"[^0-9]", "", run[start:end])
                if _FOUND not in run[start:end] and (made := self._local.get(written)):
                    yield start, end, run[start:end] if made == written else made
                    done = end
                    break
