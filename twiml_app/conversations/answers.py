"""Answers: how the text, the media or the location of a message becomes the value that a dialog asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from datetime import date, datetime
from typing import Any, Final, Generic, TypeVar

from ..errors import DialogError
from ..events import InboundMedia, InboundMessage
from ..opt_out_words import kind_of_word
from ..routing import compile_pattern

T = TypeVar("T")

_YES: Final = frozenset({"yes", "y", "yeah", "yep", "yup", "sure", "ok", "okay", "👍"})
_NO: Final = frozenset({"no", "n", "nope", "nah", "👎"})
#: Without slashes: 3/4 is a day in March in one country and in April in another.
_DATES: Final = ("%Y-%m-%d", "%d.%m.%Y", "%d %B %Y", "%d %b %Y", "%B %d %Y", "%b %d %Y")
_INTEGER, _NUMBER = re.compile(r"[+-]?\d{1,15}"), re.compile(r"[+-]?\d{1,15}(?:[.,]\d{1,15})?")


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A kind of answer."""

    #: What it is, such as ``int``; a stored answer of another kind is not used.
    described: str
    #: Returns the value of a message, None if the message does not answer.
    read: Callable[[InboundMessage], T | None]
    #: Returns the value as JSON values.
    to_json: Callable[[T], Any] = _same
    from_json: Callable[[Any], T] = _same


@dataclass(frozen=True, slots=True)
class Location:
    """A place that a contact shared on WhatsApp."""

    latitude: float
    longitude: float
    address: str = ""  #: The address, if the place has one.
    label: str = ""  #: The name of the place, if it has one.


def choice(*options: str) -> Answer[str]:
    """Return the answer that is one of some texts; it is given as it is written here, in whatever case it was typed.

    Raises: DialogError, for an option that Twilio takes as STOP or HELP.
    """
    if not options:
        raise DialogError('choice() needs the texts to choose from, such as choice("small", "large")')
    for option in options:
        refuse_reserved_word(option, "a choice")
    known = {plain(option): option for option in options}
    return Answer(f"choice({', '.join(options)})", lambda message: known.get(plain(message.body)))


def refuse_reserved_word(text: str, what: str) -> None:
    """Refuse a text that no dialog would ever get.

    Raises: DialogError.
    """
    if (kind := kind_of_word(text)) in ("STOP", "HELP"):
        raise DialogError(f"{text!r} cannot be {what}: Twilio takes it as {kind}, so the dialog would not get it")


def plain(text: str) -> str:
    """Return a text without what people type differently: case, white space, closing punctuation."""
    return " ".join(text.split()).rstrip(".!? ").casefold()


def answer_of(kind: Any) -> Answer[Any]:
    """Return the kind of answer that ``ask`` was given.

    Raises: DialogError; RegistrationError, for a text pattern that cannot be read.
    """
    if isinstance(kind, Answer):
        return kind
    if isinstance(kind, str):
        pattern = compile_pattern(kind)
        return Answer(f'"{kind}"', lambda message: pattern.match(message.body))
    if isinstance(kind, re.Pattern):
        return Answer(f"/{kind.pattern}/", lambda message: _groups(kind, message.body))
    if isinstance(kind, type) and kind in _KINDS:
        return _KINDS[kind]
    names = ", ".join(each.__name__ for each in _KINDS)
    raise DialogError(f"ask() takes one of {names}, a choice, or a text pattern, not {kind!r}")


def _text(message: InboundMessage) -> str | None:
    return message.body.strip() or None


def _groups(pattern: re.Pattern[str], text: str) -> Mapping[str, Any] | None:
    found = pattern.search(text)
    return found.groupdict() if found else None


def _integer(message: InboundMessage) -> int | None:
    text = plain(message.body)
    return int(text) if _INTEGER.fullmatch(text) else None


def _number(message: InboundMessage) -> float | None:
    text = plain(message.body)
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None


def _yes_or_no(message: InboundMessage) -> bool | None:
    text = plain(message.body)
    return True if text in _YES else False if text in _NO else None


def _date(message: InboundMessage) -> date | None:
    text = " ".join(message.body.replace(",", " ").split()).rstrip("!?")
    for written in _DATES:
        try:
            return datetime.strptime(text, written).date()
        except ValueError:
            continue
    return None


def _media(message: InboundMessage) -> tuple[InboundMedia, ...] | None:
    return message.media or None


def _location(message: InboundMessage) -> Location | None:
    if message.latitude is None or message.longitude is None:
        return None
    return Location(message.latitude, message.longitude, message.address, message.label)


#: A text, which is what a plain ``yield`` asks for.
TEXT: Final[Answer[str]] = Answer("text", _text)
_KINDS: Final[Mapping[type, Answer[Any]]] = {
    str: TEXT,
    int: Answer("int", _integer),
    float: Answer("float", _number),
    bool: Answer("yes or no", _yes_or_no),
    date: Answer("date", _date, date.isoformat, date.fromisoformat),
    InboundMedia: Answer(
        "media",
        _media,
        lambda media: [[each.url, each.content_type] for each in media],
        lambda rows: tuple(InboundMedia(*row) for row in rows),
    ),
    Location: Answer("location", _location, lambda place: [*astuple(place)], lambda row: Location(*row)),
}
