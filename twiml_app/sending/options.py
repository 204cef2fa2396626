"""When a message leaves, until when, and what the program wants to know about it later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..errors import CannotSend
from .content import MAX_METADATA_BYTES, json_object

MAX_KEY_CHARACTERS = 200
#: How far ahead a message may be scheduled, in seconds.
MAX_AHEAD_S = 366 * 86400.0
#: How long Twilio, the network and this program try, if the message itself sets no limit, in seconds.
TRYING_S = 86400.0


@dataclass(frozen=True, slots=True)
class Options:
    """The checked options of a message; times are in seconds since 1970."""

    key: str | None
    due_at: float
    expires_at: float | None
    #: When the program stops trying; ``expires_at`` if it is set.
    give_up_at: float
    #: JSON.
    metadata: str
    if_unknown: str

    @classmethod
    def checked(cls, key: Any, at: Any, expires: Any, metadata: Any, if_unknown: Any, now: float) -> Options:
        """Return the options of a message.

        Raises: CannotSend.
        """
        due_at = max(now, _moment("at", at, now)) if at is not None else now
        expires_at = None if expires is None else _moment("expires", expires, now)
        if expires_at is not None and expires_at <= due_at:
            raise CannotSend("expires", "is not later than the time at which the message leaves")
        if if_unknown not in ("report", "repeat"):
            raise CannotSend("if_unknown", f"is {if_unknown!r}: give 'report' or 'repeat'")
        written = "{}" if metadata is None else json_object("metadata", metadata, MAX_METADATA_BYTES)
        give_up_at = due_at + TRYING_S if expires_at is None else expires_at
        return cls(require_key(key) if key else None, due_at, expires_at, give_up_at, written, if_unknown)


def require_key(key: Any) -> str:
    """Return a key.

    Raises: CannotSend.
    """
    if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY_CHARACTERS or not key.isprintable():
        raise CannotSend("key", f"is {key!r}: give a str of 1 to {MAX_KEY_CHARACTERS} printable characters")
    return key


def _moment(argument: str, value: Any, now: float) -> float:
    if not isinstance(value, datetime):
        raise CannotSend(argument, f"is {type(value).__name__}: give a datetime with a time zone")
    if value.tzinfo is None or value.utcoffset() is None:
        raise CannotSend(argument, "is a datetime without a time zone: give one, such as datetime.now(UTC)")
    moment = value.timestamp()
    if moment > now + MAX_AHEAD_S:
        raise CannotSend(argument, f"is more than {MAX_AHEAD_S / 86400:.0f} days ahead")
    return moment
