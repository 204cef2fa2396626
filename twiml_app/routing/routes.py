"""Routes: a handler with the text, conditions, status, error code or opt-out word that it is registered for."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from ..alerts import Alert
from ..events import InboundMessage, StatusCallback
from ..opt_out_words import OPT_OUT_WORDS, kind_of_word
from .dialog_options import DialogOptions
from .patterns import TextPattern, first_word

Handler = Callable[..., Any]
Predicate = Callable[[InboundMessage], object]
Pattern = TextPattern | re.Pattern[str]
#: The parameter of a handler that gets the state of its conversation.
CONVERSATION: Final = "conversation"


def opt_out_kind(message: InboundMessage) -> str:
    """Return ``STOP``, ``START`` or ``HELP`` if Twilio handles the message as one, else an empty string.

    A service with Advanced Opt-Out sends the kind; otherwise the default words count.
    """
    if message.opt_out_type:
        return message.opt_out_type.upper()
    return kind_of_word(message.body)


def place_of(function: Handler) -> str:
    """Return where a handler is defined: ``file:line name``."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    where = f"{code.co_filename}:{code.co_firstlineno} " if code else ""
    return where + name_of(function)


def name_of(function: Handler) -> str:
    """Return the name of a handler for the log: ``module.function``."""
    kind = type(function)
    return f"{getattr(function, '__module__', kind.__module__)}.{getattr(function, '__qualname__', kind.__qualname__)}"


def is_stop_word(pattern: Pattern | None) -> bool:
    """Return whether a pattern is a word that Twilio handles as an opt-out."""
    if not isinstance(pattern, TextPattern) or pattern.converters:
        return False
    return any(pattern.match(word) is not None for word in OPT_OUT_WORDS["STOP"])


def capture_names(pattern: Pattern | None) -> tuple[str, ...]:
    """Return the names of a pattern's captures, which become arguments of the handler."""
    if isinstance(pattern, TextPattern):
        return tuple(pattern.converters)
    return tuple(pattern.groupindex) if pattern else ()


def takes_conversation(handler: Handler, captures: tuple[str, ...]) -> bool:
    """Return whether a handler declares a parameter ``conversation`` that its pattern does not fill."""
    if CONVERSATION in captures:
        return False
    own = list(inspect.signature(handler, follow_wrapped=False).parameters.values())[1:]
    if any(each.kind is each.VAR_KEYWORD for each in own):  # a decorator may pass on whatever it gets
        own += list(inspect.signature(handler).parameters.values())[1:]
    return any(each.name == CONVERSATION and each.kind is not each.VAR_KEYWORD for each in own)


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of a route besides its pattern; None means any."""

    #: Our number, or several: one of them must have received the message.
    to: frozenset[str] | None = None
    #: The contact's address, or several.
    from_: frozenset[str] | None = None
    #: ``True`` for any media file, ``False`` for none, or a content type such as ``image/*`` or ``image/png``.
    media: bool | str | None = None
    #: ``sms`` (also for MMS), ``whatsapp``, ``rcs`` or ``messenger``, or several.
    channel: frozenset[str] | None = None
    #: Parameters that the called URL must have, to distinguish a Redirect back to this application.
    query: Mapping[str, str] | None = None
    #: A function that is called with the message and returns whether the handler should run.
    when: Predicate | None = None

    def unmet(self, message: InboundMessage) -> str:
        """Return why a message does not meet the conditions; empty if it does."""
        if self is NO_CONDITIONS:
            return ""
        for name in ("to", "from_", "channel"):
            wanted = getattr(self, name)
            if wanted is not None and (given := getattr(message, name)) not in wanted:
                return f"{name} is {given}, not {' or '.join(sorted(wanted))}"
        if self.media is not None and not _has_media(self.media, message):
            return f"media is {self._media_of(message)}, not {self.media}"
        for name, value in (self.query or {}).items():
            if message.query.get(name) != value:
                return f"the query has no {name}={value}"
        if self.when is not None and not self.when(message):
            return f"{name_of(self.when)} returned false"
        return ""

    def describe(self) -> str:
        """Return the conditions as they are written in a decorator, for a table."""
        given = {name: getattr(self, name) for name in self.__slots__}
        return ", ".join(f"{name}={_condition_text(value)}" for name, value in given.items() if value is not None)

    @staticmethod
    def _media_of(message: InboundMessage) -> str:
        return " and ".join(each.content_type for each in message.media) or "none"


NO_CONDITIONS = Conditions()


def _has_media(wanted: bool | str, message: InboundMessage) -> bool:
    if isinstance(wanted, bool):
        return bool(message.media) == wanted
    return any(fnmatchcase(each.content_type, wanted) for each in message.media)


def _condition_text(value: object) -> str:
    if isinstance(value, frozenset):
        return " or ".join(sorted(value))
    return name_of(value) if callable(value) else str(value)


@dataclass(frozen=True, slots=True)
class DialogRoute:
    """A dialog, with what it was registered with."""

    handler: Handler
    options: DialogOptions
    #: Whether the handler gets the state of its conversation.
    stateful: bool = False

    @property
    def key(self) -> tuple[str, int]:
        """The name and the version under which it is stored."""
        return self.options.name, self.options.version


@dataclass(frozen=True, slots=True)
class MessageRoute:
    """A handler for inbound messages, with its pattern and conditions."""

    handler: Handler
    pattern: Pattern | None = None
    conditions: Conditions = NO_CONDITIONS
    default: bool = False
    #: Whether it takes reactions, and no other message.
    reaction: bool = False
    #: Whether it takes the messages that a person answers, and no other.
    handed_off: bool = False
    #: Whether the handler gets the state of its conversation.
    stateful: bool = False
    #: What runs after the answer; what it returns is sent.
    then: Handler | None = None
    #: The dialog that the message starts; None for any other handler.
    dialog: DialogRoute | None = None
    #: Whether it runs while a dialog is open, and ends that dialog.
    interrupts: bool = False

    def match(self, message: InboundMessage) -> dict[str, Any] | None:
        """Return the arguments for the handler, None if the message does not match."""
        captures = self._captures(message.body)
        return None if captures is None or self.conditions.unmet(message) else captures

    def unmet(self, message: InboundMessage) -> str:
        """Return why the message does not match; empty if it does."""
        if self._captures(message.body) is None:
            return f"the text does not match {self.source}"
        return self.conditions.unmet(message)

    @property
    def source(self) -> str:
        """The pattern as it was written."""
        if self.default:
            return "(default)"
        if self.reaction or self.handed_off:
            return "(reaction)" if self.reaction else "(handed off)"
        if isinstance(self.pattern, TextPattern):
            return f'"{self.pattern.source}"'
        return f"/{self.pattern.pattern}/" if self.pattern else "(any text)"

    @property
    def first_word(self) -> str:
        """The first word of every text that matches and has one; empty if it may be any."""
        return self.pattern.first_word if isinstance(self.pattern, TextPattern) else ""

    @property
    def key(self) -> tuple[object, ...]:
        """A key that no two routes may share: equal for routes that match the same messages."""
        return (
            _conflict_key(self.pattern),
            *(_conflict_key(getattr(self.conditions, name)) for name in Conditions.__slots__),
        )

    def _captures(self, text: str) -> dict[str, Any] | None:
        if self.pattern is None:
            return {}
        if isinstance(self.pattern, TextPattern):
            return self.pattern.match(text)
        found = self.pattern.search(text)
        return found.groupdict() if found else None


class MessageRoutes:
    """Routes in the order of registration; most of those that a text cannot match are left out by its first word."""

    def __init__(self) -> None:
        self.all: list[MessageRoute] = []
        self._keys: list[tuple[object, ...]] = []
        self._by_word: dict[str, list[MessageRoute]] = {}
        #: Those that match texts with any first word; they are in each list of ``_by_word`` too.
        self._for_any_word: list[MessageRoute] = []

    def add(self, route: MessageRoute) -> None:
        """Add a route at the end."""
        self.all.append(route)
        self._keys.append(route.key)
        if word := route.first_word:
            self._by_word.setdefault(word, [*self._for_any_word]).append(route)
            return
        for routes in (self._for_any_word, *self._by_word.values()):
            routes.append(route)

    def same_as(self, route: MessageRoute) -> MessageRoute | None:
        """Return the route that matches the same messages as another one; None if there is none."""
        key = route.key
        return self.all[self._keys.index(key)] if key in self._keys else None

    def for_text(self, text: str) -> list[MessageRoute]:
        """Return the routes that may match a text, in order."""
        word = first_word(text)
        return self._by_word.get(word, self._for_any_word) if word else self.all


def _conflict_key(value: object) -> object:
    if isinstance(value, TextPattern):
        return value.key
    return tuple(sorted(value.items())) if isinstance(value, Mapping) else value


@dataclass(frozen=True, slots=True)
class StatusRoute:
    """A handler for status callbacks with certain MessageStatus values or ErrorCodes."""

    handler: Handler
    statuses: frozenset[str] = frozenset()
    error_codes: tuple[int | range, ...] = ()

    def matches(self, status: StatusCallback) -> bool:
        """Return whether a status callback matches."""
        if status.message_status in self.statuses:
            return True
        return _has_code(self.error_codes, status.error_code)

    @property
    def source(self) -> str:
        """The statuses or codes as they were written."""
        return " or ".join([*sorted(self.statuses), *_written_codes(self.error_codes)])


@dataclass(frozen=True, slots=True)
class AlertRoute:
    """A handler for alerts with certain error codes; without codes, for all of them."""

    handler: Handler
    error_codes: tuple[int | range, ...] = ()

    def matches(self, alert: Alert) -> bool:
        """Return whether an alert matches."""
        return not self.error_codes or _has_code(self.error_codes, alert.error_code)

    @property
    def source(self) -> str:
        """The codes as they were written."""
        return " or ".join(_written_codes(self.error_codes)) or "(any alert)"


def _has_code(codes: tuple[int | range, ...], code: int | None) -> bool:
    return code is not None and any(code in each if isinstance(each, range) else code == each for each in codes)


def _written_codes(codes: tuple[int | range, ...]) -> list[str]:
    return [f"{each.start}-{each.stop - 1}" if isinstance(each, range) else str(each) for each in codes]


@dataclass(frozen=True, slots=True)
class OptOutRoute:
    """A handler that is called for opt-out, opt-in or help words."""

    handler: Handler
    kinds: frozenset[str]
