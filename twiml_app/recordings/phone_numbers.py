"""Finds phone numbers in runs of digits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.util import find_spec
from itertools import islice
from typing import Any, NamedTuple, Protocol

from ..errors import ConfigurationError

#: The country of numbers in national format if an exchange has no other number.
DEFAULT_REGION = "US"
_FEWEST_DIGITS = 7
_INTERNATIONAL = re.compile(r"(?<![0-9+])(?P<prefix>\+|00|011)[\W_]{0,2}(?=[1-9])")
#: Groups of digits as people write them, but not a date or an amount.
_GROUPS = re.compile(r"(?<![0-9])[0-9]{1,5}(?:[ .\-/()_]{1,3}[0-9]{1,5}){1,6}(?![0-9])")
_DATE = re.compile(
    r"(?<![0-9])(?:(?:19|20)[0-9]{2}(?P<a>[-/.])[01]?[0-9](?P=a)[0-3]?[0-9](?: +[0-2]?[0-9](?::[0-5][0-9]){1,2})?"
    r"|[0-3]?[0-9](?P<b>[-/.])[0-3]?[0-9](?P=b)(?:19|20)[0-9]{2})(?![0-9])"
)
_AMOUNT = re.compile(r"[0-9]{1,3}(?P<mark>[., ])[0-9]{3}(?:(?P=mark)[0-9]{3})*(?:[.,][0-9]{1,2})?")
#: What replaces a number that was found; not a letter that begins an extension.
_FOUND = "q"
_LONG = re.compile(r"(?<![0-9])[1-9][0-9]{10,14}(?![0-9])")
#: Several small numbers, one after the other.
_LIST = re.compile(r"(?:[0-9]+ +)*[0-9]{1,2}(?: +[0-9]+)*")
_GROUP = re.compile(r"[0-9]+")
_MOST_DIGITS = 15
_MOST_GROUPS = 8


class PhoneNumber(NamedTuple):
    """A phone number in a run of digits; its parts are without plus and punctuation."""

    start: int
    end: int
    #: With country code.
    full: str
    #: Without country code.
    national: str


class NumberFinder(Protocol):
    """Finds the phone numbers in a text that consists of digits and punctuation."""

    def region(self, number: str, /) -> str:
        """Return the country of a number with plus; empty if there is none."""

    def national(self, number: str, /) -> str:
        """Return the digits of a number with plus, without its country code; empty if it cannot be a number."""

    def find(self, run: str, regions: tuple[str, ...], /) -> tuple[PhoneNumber, ...]:
        """Return the numbers in a run of digits, in order."""


class AnyDigits:
    """Takes every run of seven or more digits for a number; needs no tables of the world's numbers."""

    def region(self, _: str, /) -> str:
        """Return no country."""
        return ""

    def national(self, _: str, /) -> str:
        """Return nothing: country codes are not known."""
        return ""

    def find(self, run: str, _: tuple[str, ...], /) -> tuple[PhoneNumber, ...]:
        """Return the whole run, unless it has fewer than seven digits."""
        return _whole(run)


class ParsedNumbers:
    """Finds numbers with the library ``phonenumbers``, which is imported on first use."""

    def region(self, number: str) -> str:
        """Return the country of a number with plus."""
        return _region(number)

    def national(self, number: str) -> str:
        """Return the digits of a number with plus, without its country code."""
        return _national(number)

    def find(self, run: str, regions: tuple[str, ...]) -> tuple[PhoneNumber, ...]:
        """Return the valid numbers of any region, and what is grouped like a possible number."""
        return _find(run, regions)


def number_finder() -> NumberFinder:
    """Return the finder that knows the world's numbers; without ``phonenumbers``, the one that takes any digits."""
    return ParsedNumbers() if find_spec("phonenumbers") else AnyDigits()


def require_phone_numbers() -> None:
    """Check that the library that finds phone numbers in texts is installed.

    Raises: ConfigurationError, if the extra ``dev`` is not installed.
    """
    if not find_spec("phonenumbers"):
        raise ConfigurationError("export", "it needs the extra dependencies: pip install 'twiml-app[dev]'")


def _whole(run: str) -> tuple[PhoneNumber, ...]:
    digits = _digits(run)
    if len(digits) < _FEWEST_DIGITS:
        return ()
    places = [place for place, character in enumerate(run) if character in "0123456789"]
    return (PhoneNumber(places[0], places[-1] + 1, digits, digits),)


@lru_cache(maxsize=10_000)
def _region(number: str) -> str:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ""
    by_code = phonenumbers.region_code_for_country_code(parsed.country_code or 1)
    found = str(phonenumbers.region_code_for_number(parsed) or by_code)
    return found if found in phonenumbers.SUPPORTED_REGIONS else ""


@lru_cache(maxsize=10_000)
def _national(number: str) -> str:
    import phonenumbers

    try:
        return str(phonenumbers.national_significant_number(phonenumbers.parse(number)))
    except phonenumbers.NumberParseException:
        return ""


@lru_cache(maxsize=10_000)
def _find(run: str, regions: tuple[str, ...]) -> tuple[PhoneNumber, ...]:
    """Find numbers from the most certain to the least; later ones only in what is left."""
    if len(_digits(run)) < _FEWEST_DIGITS:
        return ()
    found: list[PhoneNumber] = []
    rest = run
    for step in (_international, _dates, _valid, _oddly_written, _without_plus, _grouped):
        for number in step(rest, regions):
            if _FOUND in rest[number.start : number.end]:
                continue
            found += [number] if number.full else []
            rest = rest[: number.start] + _FOUND * (number.end - number.start) + rest[number.end :]
    return tuple(sorted(found))


def _international(run: str, _: tuple[str, ...]) -> Iterator[PhoneNumber]:
    """Yield the numbers that begin with a plus or with zeros in its place."""
    for prefix in _INTERNATIONAL.finditer(run):
        groups = [found.span() for found in islice(_GROUP.finditer(run, prefix.end()), _MOST_GROUPS)]
        found = _longest(run, groups, "+", "ZZ") or _longest(run, groups, "+", "ZZ", possible=True)
        if found is None and prefix["prefix"] == "+" and _FEWEST_DIGITS <= groups[0][1] - groups[0][0] <= _MOST_DIGITS:
            digits = run[slice(*groups[0])]
            found = PhoneNumber(*groups[0], digits, digits)
        yield from [found] if found else []


def _dates(run: str, _: tuple[str, ...]) -> Iterator[PhoneNumber]:
    """Yield dates as numbers without digits, so that they are kept."""
    return (PhoneNumber(*found.span(), "", "") for found in _DATE.finditer(run))


def _valid(run: str, regions: tuple[str, ...]) -> Iterator[PhoneNumber]:
    for region in regions:
        yield from _matches(run, region)


def _oddly_written(run: str, regions: tuple[str, ...]) -> Iterator[PhoneNumber]:
    """Yield what would be a valid number with other punctuation, or if no other number were next to it."""
    groups = [found.span() for found in _GROUP.finditer(run)]
    for region in regions:
        for index in range(len(groups)):
            found = _longest(run, groups[index : index + _MOST_GROUPS], "", region)
            yield from [found] if found else []


def _without_plus(run: str, _: tuple[str, ...]) -> Iterator[PhoneNumber]:
    """Yield the numbers with country code whose plus is missing, as in a contact's id on WhatsApp."""
    for found in _LONG.finditer(run):
        for number in _matches(f"+{found[0]}", "ZZ"):
            yield PhoneNumber(*found.span(), number.full, number.national)


def _grouped(run: str, regions: tuple[str, ...]) -> Iterator[PhoneNumber]:
    for found in _GROUPS.finditer(run):
        if len(_digits(found[0])) < _FEWEST_DIGITS or _AMOUNT.fullmatch(found[0]) or _LIST.fullmatch(found[0]):
            continue
        plain = re.sub(r"[^0-9]+", "-", found[0])
        numbers = [number for region in regions for number in _matches(plain, region, possible=True)]
        full, national = (numbers[0].full, numbers[0].national) if numbers else ("", "")
        if full and numbers[0].end - numbers[0].start == len(plain):
            yield PhoneNumber(*found.span(), full, national)


def _matches(run: str, region: str, *, possible: bool = False) -> Iterator[PhoneNumber]:
    import phonenumbers

    leniency = phonenumbers.Leniency.POSSIBLE if possible else phonenumbers.Leniency.VALID
    for match in phonenumbers.PhoneNumberMatcher(run, region, leniency):
        places = [place for place in range(match.start, match.end) if run[place] in "0123456789"]
        yield _as_found(places[0], places[-1] + 1, match.number)


def _longest(
    run: str, groups: Sequence[tuple[int, int]], plus: str, region: str, *, possible: bool = False
) -> PhoneNumber | None:
    """Return the longest number that consists of the first groups of digits."""
    import phonenumbers

    is_number = phonenumbers.is_possible_number if possible else phonenumbers.is_valid_number
    start = groups[0][0]
    for _, end in reversed(groups):
        digits = _digits(run[start:end])
        if _FOUND in run[start:end] or not _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS:
            continue
        try:
            number = phonenumbers.parse(plus + digits, region)
        except phonenumbers.NumberParseException:
            continue
        if is_number(number):
            return _as_found(start, end, number)
    return None


def _as_found(start: int, end: int, number: Any) -> PhoneNumber:
    import phonenumbers

    full = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).lstrip("+")
    return PhoneNumber(start, end, full, phonenumbers.national_significant_number(number))


def _digits(text: str) -> str:
    return "".join(character for character in text if character in "0123456789")
