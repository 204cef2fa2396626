"""Faults that were asked for: rules that say what should go wrong, for whom, and how often.

Each part of the emulator calls ``Faults.take`` at the place where its faults happen. Without rules that costs nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Self

from ..errors import ConfigurationError
from .fault_kinds import FAULT_KINDS, FaultKind
from .numbers import require_number
from .resources import MessageRecord

#: How many rules are kept, and how many that are used up; of those the oldest are deleted first.
MAX_RULES = 100
MAX_COUNT = 999_999_999
MAX_ERROR_CODE = 99_999
#: The HTTP statuses of errors.
MIN_STATUS, MAX_STATUS = 400, 599
#: The longest time that a fault lasts.
MAX_SECONDS = 600.0
#: The longest text of an option.
MAX_CHARACTERS = 1600

EVENTS = ("message", "status")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to happen: its kind, which is a name in ``FAULT_KINDS``, how often, and for whom; empty means for all.

    With ``count`` it happens that often, otherwise until it is removed. With a ``probability`` below 1, a random
    generator that starts from ``seed`` decides each time, so that every run is the same.
    """

    kind: str
    count: int | None = None
    probability: float = 1.0
    seed: int = 0
    #: The other person's number, and ours.
    contact: str = ""
    number: str = ""
    #: The SID of an account.
    account_sid: str = ""
    #: A part of the method, a space and the path of a request, such as ``POST`` or ``Messages.json``.
    path: str = ""
    #: The webhooks it happens to: ``message`` or ``status``.
    event: str = ""
    #: Options of a few kinds, which have a default.
    error_code: int = 0
    status: int = 0
    seconds: float = 0.0
    text: str = ""


@dataclass(frozen=True, slots=True)
class FaultRule:
    """A fault that was added, its id, and how often it has happened."""

    id: int
    fault: Fault
    happened: int = 0

    @property
    def left(self) -> int | None:
        """How often it will happen; None for until it is removed."""
        return None if self.fault.count is None else self.fault.count - self.happened


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Something that a fault can happen to."""

    contact: str = ""
    number: str = ""
    account_sid: str = ""
    path: str = ""
    event: str = ""

    @classmethod
    def of(cls, message: MessageRecord, *, path: str = "", event: str = "") -> Self:
        """Return the occasion of a message, or of a webhook about it."""
        contact, number, account_sid = message.contact, message.number, message.account_sid
        return cls(contact=contact, number=number, account_sid=account_sid, path=path, event=event)

    def is_meant_by(self, fault: Fault) -> bool:
        """Return whether a fault is for this occasion."""
        return (
            fault.contact in ("", self.contact)
            and fault.number in ("", self.number)
            and fault.account_sid in ("", self.account_sid)
            and fault.event in ("", self.event)
            and fault.path in self.path
        )


class Faults:
    """The rules in force, in the order in which they were added; thread-safe."""

    def __init__(self) -> None:
        #: Called after every change of the rules, and each time that one happens; it must be quick.
        self.on_change: Callable[[], None] | None = None
        self._rules: dict[int, FaultRule] = {}
        self._used_up: deque[FaultRule] = deque(maxlen=MAX_RULES)
        self._random: dict[int, Random] = {}
        self._added = 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def __len__(self) -> int:
        return len(self._rules)

    def add(self, fault: Fault | str) -> FaultRule:
        """Add a fault, or the one with this name, which then happens until it is removed.

        Raises: ConfigurationError.
        """
        checked = _checked(Fault(fault) if isinstance(fault, str) else fault)
        with self._lock:
            if len(self._rules) >= MAX_RULES:
                raise ConfigurationError("fault", f"there are {MAX_RULES} already: remove one")
            self._added += 1
            rule = self._rules[self._added] = FaultRule(self._added, checked)
            self._random[rule.id] = Random(f"{checked.kind} {checked.seed}")  # noqa: S311  the same in every run
        self._changed()
        return rule

    def all(self) -> list[FaultRule]:
        """Return the rules, oldest first; those that are used up are among them."""
        with self._lock:
            return sorted([*self._used_up, *self._rules.values()], key=lambda rule: rule.id)

    def repeat(self, kind: str, count: int, *, status: int = 0) -> None:
        """Let a fault happen to the next ``count`` occasions, instead of what was asked for of this kind before.

        Raises: ConfigurationError.
        """
        self.clear(kind)
        if count:
            self.add(Fault(kind, count=count, status=status))

    def remove(self, number: int) -> bool:
        """Remove the rule with this id; returns whether it was in force."""
        with self._lock:
            self._random.pop(number, None)
            is_removed = self._rules.pop(number, None) is not None
        self._changed()
        return is_removed

    def clear(self, kind: str = "") -> None:
        """Remove the rules of a kind, or all rules and what is known of those that are used up."""
        with self._lock:
            if not kind:
                self._used_up.clear()
            for rule in [*self._rules.values()]:
                if kind in ("", rule.fault.kind):
                    del self._rules[rule.id], self._random[rule.id]
        self._changed()

    @contextmanager
    def during(self, fault: Fault | None) -> Iterator[None]:
        """Have a fault only during a block; without one, nothing is different.

        Raises: ConfigurationError.
        """
        if fault is None:
            yield
            return
        rule = self.add(fault)
        try:
            yield
        finally:
            self.remove(rule.id)

    def take(self, *kinds: str, occasion: Occasion) -> Fault | None:
        """Return the first fault of these kinds that happens on an occasion, and count it; None if there is none."""
        if not self._rules:
            return None
        with self._lock:
            for rule in self._rules.values():
                if rule.fault.kind in kinds and occasion.is_meant_by(rule.fault) and self._is_drawn(rule):
                    self._note(rule)
                    break
            else:
                return None
        self._changed()
        return rule.fault

    def _changed(self) -> None:
        if self.on_change:
            self.on_change()

    def wait(self, seconds: float) -> None:
        """Wait for some seconds of real time, or until the emulator is stopped."""
        self._stopped.wait(seconds)

    def stop(self) -> None:
        """End every wait."""
        self._stopped.set()

    def _is_drawn(self, rule: FaultRule) -> bool:
        return rule.fault.probability >= 1 or self._random[rule.id].random() < rule.fault.probability

    def _note(self, rule: FaultRule) -> None:
        noted = replace(rule, happened=rule.happened + 1)
        if noted.left == 0:
            del self._rules[rule.id], self._random[rule.id]
            self._used_up.append(noted)
        else:
            self._rules[rule.id] = noted


def _checked(fault: Fault) -> Fault:
    """Return a fault with its numbers in Twilio's format, and with the defaults of its kind.

    Raises: ConfigurationError.
    """
    kind = FAULT_KINDS.get(fault.kind)
    if kind is None:
        raise ConfigurationError("fault", f"{fault.kind!r} is not one of: {', '.join(FAULT_KINDS)}")
    for option, problem in (*_mistakes(fault), *_without_effect(fault, kind)):
        raise ConfigurationError(option, problem)
    return replace(
        fault,
        contact=fault.contact and require_number(fault.contact),
        number=fault.number and require_number(fault.number),
        error_code=fault.error_code or kind.error_code,
        status=fault.status or kind.status,
        seconds=fault.seconds or kind.seconds,
        text=fault.text or kind.text,
    )


def _mistakes(fault: Fault) -> Iterator[tuple[str, str]]:
    """Yield the options whose values are out of bounds, each with the problem."""
    if fault.count is not None and not 1 <= fault.count <= MAX_COUNT:
        yield "count", f"{fault.count} is not a number from 1 to {MAX_COUNT}"
    if not 0 < fault.probability <= 1:  # nor NaN
        yield "probability", f"{fault.probability} is not a number above 0 and up to 1"
    if fault.event not in ("", *EVENTS):
        yield "event", f"{fault.event!r} is not one of: {', '.join(EVENTS)}"
    if not 0 <= fault.seconds <= MAX_SECONDS:
        yield "seconds", f"{fault.seconds} is not a number from 0 to {MAX_SECONDS:g}"
    if not 0 <= fault.error_code <= MAX_ERROR_CODE:
        yield "error_code", f"{fault.error_code} is not a number from 1 to {MAX_ERROR_CODE}"
    if fault.status and not MIN_STATUS <= fault.status <= MAX_STATUS:
        yield "status", f"{fault.status} is not a number from {MIN_STATUS} to {MAX_STATUS}"
    for name in ("account_sid", "path", "text"):
        if len(getattr(fault, name)) > MAX_CHARACTERS:
            yield name, f"it can have at most {MAX_CHARACTERS} characters"


def _without_effect(fault: Fault, kind: FaultKind) -> Iterator[tuple[str, str]]:
    """Yield the options that are given, but that the kind does not have."""
    has_path, has_event = kind.place in ("api", "webhook"), kind.place == "webhook"
    known = {"path": has_path, "event": has_event}
    known |= {name: bool(getattr(kind, name)) for name in ("error_code", "status", "seconds", "text")}
    for name, is_known in known.items():
        if getattr(fault, name) and not is_known:
            yield name, f"it has no effect on {fault.kind}: leave it out"
