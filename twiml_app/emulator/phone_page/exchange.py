"""Requests to the phone page and the answers to them, independent of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import ApiError
from ..media import FetchedMedia
from ..numbers import read_sender
from ..quoting import shown

#: A JSON object.
Document = Mapping[str, Any]

_BAD_INPUT = 20001
#: The longest text of a parameter.
MAX_TEXT = 20_000


def refusal(problem: str, status: int = 400) -> ApiError:
    """Return the error that refuses a request to the page."""
    return ApiError(_BAD_INPUT, problem, status=status)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """A request to the page: the parameters of its query, and those of its body, which are JSON values or strings."""

    query: Mapping[str, str] = field(default_factory=dict)
    body: Document = field(default_factory=dict)
    #: The files of a form.
    media: tuple[FetchedMedia, ...] = ()
    #: The number of the last event that the browser has received.
    last_event: str = ""

    def text(self, name: str) -> str:
        """Return a string of the body, or of the query; empty if it is not given.

        Raises: ApiError.
        """
        value = self.body.get(name, self.query.get(name, ""))
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise refusal(f"{name} must be a string of at most {MAX_TEXT} characters")
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def choice(self, name: str, allowed: Iterable[str]) -> str:
        """Return one of the allowed strings.

        Raises: ApiError.
        """
        text = self.text(name)
        names = [*allowed]
        if text not in names:
            raise refusal(f"{name} is {shown(text)!r}: it must be one of {', '.join(names)}")
        return text

    def flag(self, name: str) -> bool:
        """Return a boolean, false if it is not given.

        Raises: ApiError.
        """
        value = self.body.get(name, False)
        if not isinstance(value, bool):
            raise refusal(f"{name} must be true or false")
        return value

    def number(self, name: str, default: float = 0.0, *, least: float = 0.0, most: float) -> float:
        """Return a number within bounds; forms and queries have it as a string.

        Raises: ApiError.
        """
        value = self.body.get(name, self.query.get(name, default))
        try:
            number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else least - 1
        except (ValueError, OverflowError):
            number = least - 1
        if not least <= number <= most:  # nor NaN
            raise refusal(f"{name} must be a number from {least:g} to {most:g}")
        return number

    def address(self, name: str) -> str:
        """Return the address of a contact in its stored form.

        Raises: ApiError.
        """
        address = read_sender(self.text(name))
        if address is None or address.kind == "name":
            raise refusal(f"{name} is {shown(self.text(name))!r}: write a phone number such as +15558675310")
        return address.text


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAnswer:
    """An answer of the page: a JSON document, bytes, or a stream."""

    document: Document | None = None
    content: bytes = b""
    content_type: str = "application/json"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    #: Server-sent events, instead of content.
    stream: Iterable[bytes] | None = None


View = Callable[..., PageAnswer]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PageRule:
    """A path of the page, with a view per method."""

    #: In Werkzeug's syntax.
    path: str
    views: Mapping[str, View]


def answer(document: Document, status: int = 200) -> PageAnswer:
    """Return an answer with a JSON document."""
    return PageAnswer(document=document, status=status)
