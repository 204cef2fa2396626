"""A webhook request, its form and its answer, as plain frozen data."""

from __future__ import annotations

import re
from binascii import a2b_qp
from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeVar, overload
from urllib.parse import quote_plus, unquote_to_bytes, urlsplit

from .errors import MalformedRequest, RequestTooLarge

FORM_TYPE = "application/x-www-form-urlencoded"
TWIML_TYPE = "text/xml; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"

#: Which of the application's URLs was called.
Endpoint = Literal["message", "status", "fallback", "alert"]
ENDPOINTS: tuple[Endpoint, ...] = ("message", "status", "fallback", "alert")

DefaultT = TypeVar("DefaultT")

_BROKEN_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


class Form(Mapping[str, str]):
    """The parameters of a webhook, in order, including repeated names.

    As a mapping it gives the first value of each name, as text that can be shown and stored. ``pairs`` keeps every
    pair as received, for signing: bytes that are not UTF-8 are kept as surrogate escapes; if there are none, pairs that
    ``is_readable`` need no closer look.
    """

    __slots__ = ("_first", "pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]] = (), *, is_readable: bool = False) -> None:
        self.pairs = tuple(pairs)
        readable = self.pairs if is_readable else _readable(self.pairs)
        self._first = dict(readable)
        if len(self._first) < len(readable):  # a name is repeated: its first value counts
            self._first.update(reversed(readable))

    @classmethod
    def read(cls, encoded: str, *, max_fields: int, strict: bool = True) -> Form:
        """Read a URL-encoded string.

        Raises: RequestTooLarge, for more than ``max_fields`` fields; MalformedRequest, if strict, for a field that is
        not ``name=value``.
        """
        if encoded.count("&") >= max_fields:
            raise RequestTooLarge(f"more than {max_fields} fields")
        if not encoded:
            return _EMPTY
        try:
            return cls(_split_fields(encoded, strict, "strict"), is_readable=encoded.isascii())
        except UnicodeDecodeError:
            return cls(_split_fields(encoded, strict, "surrogateescape"))

    def getlist(self, name: str) -> list[str]:
        """Return every value of a name, in order."""
        return [value for key, value in _readable(self.pairs) if key == name]

    def encode(self) -> str:
        """Return the pairs as a URL-encoded string."""
        return "&".join(f"{quote_value(name)}={quote_value(value)}" for name, value in self.pairs)

    def __getitem__(self, name: str) -> str:
        return self._first[name]

    def __contains__(self, name: object) -> bool:
        return name in self._first

    @overload
    def get(self, name: str, /) -> str | None: ...

    @overload
    def get(self, name: str, default: str, /) -> str: ...

    @overload
    def get(self, name: str, default: str | DefaultT, /) -> str | DefaultT: ...

    def get(self, name: str, default: object = None, /) -> object:
        """Return the first value of a name, faster than the inherited method, which raises and catches an error."""
        return self._first.get(name, default)

    def items(self) -> ItemsView[str, str]:
        """Return names and first values, faster than the inherited method, which looks up each name."""
        return self._first.items()

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)

    def __eq__(self, other: object) -> bool:
        return self.pairs == other.pairs if isinstance(other, Form) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.pairs)

    def __repr__(self) -> str:
        return f"Form({list(self.pairs)!r})"


#: The form without parameters: of most queries.
_EMPTY = Form(is_readable=True)


def _split_fields(encoded: str, strict: bool, errors: str) -> list[tuple[str, str]]:
    """Return the fields of a URL-encoded string; ``errors`` says what becomes of bytes that are not UTF-8.

    Raises: MalformedRequest, if strict; UnicodeDecodeError.
    """
    pairs = []
    for text in encoded.replace("+", " ").split("&"):
        name, equals, value = text.partition("=")
        if strict and not equals:
            raise MalformedRequest("the body is not a form: every field must be name=value")
        pairs.append((_unquote(name, errors), _unquote(value, errors)) if "%" in text else (name, value))
    return pairs


def _unquote(text: str, errors: str) -> str:
    """Return a text without its escapes."""
    if "%" not in text:
        return text
    quoted = text.encode("utf-8", "surrogateescape")
    if _BROKEN_ESCAPE.search(text):
        return unquote_to_bytes(quoted).decode("utf-8", errors)
    # Quoted-printable has the same escapes, with another sign, and its decoder is written in C.
    return a2b_qp(quoted.replace(b"=", b"=3D").replace(b"%", b"=")).decode("utf-8", errors)


def quote_value(text: str) -> str:
    """Return a name or a value as a URL-encoded string has it."""
    if text.isascii() and text.isalnum():
        return text
    return quote_plus(text.encode("utf-8", "surrogateescape"))


def _readable(pairs: tuple[tuple[str, str], ...]) -> Sequence[tuple[str, str]]:
    """Return the pairs with U+FFFD in place of bytes that are not UTF-8; usually there are none."""
    try:
        "".join(chain.from_iterable(pairs)).encode()
    except UnicodeEncodeError:
        return [(_replace(name), _replace(value)) for name, value in pairs]
    return pairs


def _replace(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class WebhookRequest(NamedTuple):
    """A request as it was received; nothing that was signed is decoded.

    A tuple, as two are made for every request: without the body, and with it.
    """

    endpoint: Endpoint
    method: str
    #: ``http`` or ``https``, and the host with its port, as Twilio called them (behind trusted proxies too).
    scheme: str
    host: str
    #: Path and query exactly as received, never decoded and re-encoded.
    target: str
    #: The part of the path under which the application is mounted.
    prefix: str = ""
    #: The names are in lower case.
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path of the target, without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query of the target, without the question mark."""
        return self.target.partition("?")[2]

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case; empty if there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def called_url(self, public_url: str = "") -> str:
        """Return the URL that Twilio called and signed."""
        return self.base_url(public_url) + self.target.removeprefix(self.prefix)

    def base_url(self, public_url: str = "") -> str:
        """Return the part of an absolute URL that comes before the application's own paths."""
        if not public_url:  # anybody may send any host, so it is not parsed
            return f"{self.scheme}://{self.host}{self.prefix}"
        return base_of(public_url, self.prefix)


def base_of(public_url: str, prefix: str) -> str:
    """Return a public URL with the prefix under which the application is mounted, added only if missing."""
    return public_url if urlsplit(public_url).path.endswith(prefix) else public_url + prefix


def read_form(request: WebhookRequest, *, max_bytes: int, max_fields: int) -> Form:
    """Read the parameters of a request: from the body of a POST, from the query of a GET.

    A JSON webhook, which Twilio signs with ``bodySHA256``, has no form: its query is read.

    Raises: RequestTooLarge; MalformedRequest, for a body that is not a form.
    """
    if len(request.body) > max_bytes:
        raise RequestTooLarge(f"the body is larger than {max_bytes} bytes")
    if request.method != "POST" or is_signed_json(request):
        return Form.read(request.query, max_fields=max_fields, strict=False)
    if request.headers.get("content-type") != FORM_TYPE and request.content_type not in ("", FORM_TYPE):
        shown = "".join(each if each.isprintable() else "?" for each in request.content_type[:80])
        raise MalformedRequest(f"the content type is {shown}: send {FORM_TYPE}")
    return Form.read(request.body.decode("utf-8", "surrogateescape"), max_fields=max_fields)


def is_signed_json(request: WebhookRequest) -> bool:
    """Return whether this is a JSON webhook (Studio, Event Streams), with the hash of its body in the query.

    https://www.twilio.com/docs/usage/security#validating-signatures-from-twilio
    """
    if "bodySHA256=" not in request.target:  # nearly always
        return False
    return request.content_type.endswith("json") and "bodySHA256=" in request.query


def signed_pairs(request: WebhookRequest, form: Form) -> tuple[tuple[str, str], ...]:
    """Return the pairs that are signed after the URL: those of a form in the body."""
    return form.pairs if request.method == "POST" and not is_signed_json(request) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookResponse:
    """The answer to a webhook."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def line(cls, status: int, text: str, *headers: tuple[str, str]) -> WebhookResponse:
        """Return an answer of one plain line, for people who read it in a terminal."""
        return cls(status=status, body=f"{text}\n".encode(), content_type=TEXT_TYPE, headers=headers)

    def header(self, name: str) -> str:
        """Return the first value of a header, ignoring the case of its name; empty if there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")
