"""The parameters of a request to the REST API: read them, or refuse them with Twilio's error codes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from ...caller import is_http_url
from ...errors import ApiError
from ..quoting import shown

#: The longest URL of a status callback, https://www.twilio.com/docs/api/errors/21609
MAX_URL_CHARACTERS = 4000
INVALID_PARAMETER = 20001
INVALID_URL = 21502

#: Mountain time: a few of Twilio's examples use it.
_MST = timezone(timedelta(hours=-7))
#: The documentation of 2015 says "up to the fourth decimal".
_AMOUNT = re.compile(r"[0-9]+(\.[0-9]{0,4})?|\.[0-9]{1,4}")
_ISO_8601 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T.+")
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no", "")


class Parameters:
    """The parameters of one request; names can be repeated."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in order."""
        return tuple(self._values)

    def all(self, name: str) -> list[str]:
        """Return all values of a name that are not empty."""
        return [value for value in self._values.get(name, ()) if value]

    def text(self, name: str, default: str = "") -> str:
        """Return the first value of a name."""
        return next(iter(self._values.get(name, ())), default)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean.

        Raises: ApiError.
        """
        text = self.text(name, str(default)).lower()
        if text not in (*_TRUE, *_FALSE):
            raise ApiError(INVALID_PARAMETER, f"{name} is {shown(text)!r}: it must be true or false.")
        return text in _TRUE

    def choice(self, name: str, allowed: Sequence[str], code: int = INVALID_PARAMETER) -> str:
        """Return one of the allowed values, or an empty string if none is given.

        Raises: ApiError.
        """
        text = self.text(name)
        if text and text not in allowed:
            raise ApiError(code, f"{name} is {shown(text)!r}: it must be {' or '.join(allowed)}.")
        return text

    def method(self, name: str) -> str:
        """Return an HTTP method, POST if none is given.

        Raises: ApiError.
        """
        text = self.text(name).upper() or "POST"
        if text not in ("GET", "POST"):
            raise ApiError(INVALID_PARAMETER, f"{name} is {shown(text)!r}: it must be GET or POST.")
        return text

    def sid(self, name: str, prefix: str, code: int) -> str:
        """Return a SID, or an empty string if none is given.

        Raises: ApiError.
        """
        text = self.text(name)
        if text and not re.fullmatch(f"{prefix}[0-9a-fA-F]{{32}}", text):
            raise ApiError(code, f"{name} {shown(text)} is not valid: it must be {prefix} and 32 hexadecimal digits.")
        return text

    def integer(self, name: str, least: int, most: int, code: int) -> int | None:
        """Return a whole number within bounds, or None if none is given.

        Raises: ApiError.
        """
        text = self.text(name)
        if not text:
            return None
        if not re.fullmatch("[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise ApiError(code, f"{name} is {shown(text)!r}: it must be a number from {least} to {most}.")
        return int(text)

    def price(self, name: str, code: int) -> float | None:
        """Return an amount of money above zero, or None if none is given.

        Raises: ApiError.
        """
        text = self.text(name)
        if not text:
            return None
        amount = float(text) if _AMOUNT.fullmatch(text) else 0.0
        if not 0 < amount < math.inf:
            raise ApiError(code, f"{name} is {shown(text)!r}: it must be a positive number with up to four decimals.")
        return amount

    def url(self, name: str, code: int) -> str:
        """Return a URL that can be called, or an empty string if none is given; its host must have no underscore.

        Raises: ApiError.
        """
        text = self.text(name).strip()
        if text and not _is_callable(text):
            raise ApiError(code, f"The {name} URL is not a valid URL.")
        return text

    def moment(self, name: str, code: int) -> float:
        """Return a date and time as seconds since the epoch.

        Raises: ApiError.
        """
        moment = read_moment(self.text(name))
        if moment is None:
            raise ApiError(code, f"{name} is {shown(self.text(name))!r}: write it as 2026-05-15T14:30:00Z.")
        return moment

    def iso_moment(self, name: str, code: int) -> float:
        """Return a date and time as seconds since the epoch, in ISO 8601 and no other format.

        Raises: ApiError.
        """
        if not _ISO_8601.fullmatch(self.text(name)):
            raise ApiError(code, f"{name} is {shown(self.text(name))!r}: write it as 2026-05-15T14:30:00Z.")
        return self.moment(name, code)


def _is_callable(url: str) -> bool:
    if not is_http_url(url) or len(url) > MAX_URL_CHARACTERS:
        return False
    return "_" not in (urlsplit(url).hostname or "") and not re.search(r"\s", url)


def read_moment(text: str) -> float | None:
    """Return a date as seconds since the epoch; clients write it in ISO 8601, RFC 2822, or month first."""
    text = text.strip()
    for read in (datetime.fromisoformat, parsedate_to_datetime, _read_american):
        try:
            moment = read(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, OverflowError):
            continue
    return None


def _read_american(text: str) -> datetime:
    """Read a date as in ``06/11/2019 22:05:25 MST``.

    Raises: ValueError.
    """
    date = text.partition(" MST")[0]
    moment = datetime.strptime(date, "%m/%d/%Y %H:%M:%S" if " " in date else "%m/%d/%Y")
    return moment.replace(tzinfo=_MST if len(date) < len(text) else UTC)
