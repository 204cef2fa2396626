"""Comparison of two answers by their meaning."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from ..errors import TwimlError
from ..events import REPLY_PARAMETER, TOKEN_PARAMETER
from ..twiml import MessagingResponse
from ..verbs import Body, Comment, Message, Redirect, Verb
from ..webhook import WebhookResponse
from .url_secrets import SCRUBBED, without_credentials, without_secrets

_URL_ATTRIBUTES = ("action", "statusCallback")


def differences(
    recorded: WebhookResponse, answered: WebhookResponse, *, recorded_url: str = "", answered_url: str = ""
) -> list[str]:
    """Return the differences in meaning between two answers as the lines of a diff; no lines if they agree.

    Not compared are white space between elements, the order of attributes, and the token and host of the URLs that this
    package adds, for statuses and for local files. ``recorded_url`` and ``answered_url`` are the URLs that were called:
    in URLs of these hosts only path and query are compared. Nor are passwords in URLs, or secret parameters if they
    were scrubbed.
    """
    own = _OwnUrls(recorded_url, answered_url)
    hide = without_secrets if f"={SCRUBBED}".encode() in recorded.body else without_credentials
    return [*_diff([*_meaning(recorded, own)], [*_meaning(answered, own)], hide)]


def effect_differences(
    recorded: Sequence[Mapping[str, Any]], answered: Sequence[Mapping[str, Any]], **urls: str
) -> list[str]:
    """Return the differences between what handlers asked for as the lines of a diff; ``urls``: see ``differences``."""
    own = _OwnUrls(urls.get("recorded_url", ""), urls.get("answered_url", ""))
    one, other = ([line for each in effects for line in _effect_lines(each, own)] for effects in (recorded, answered))
    return [*_diff(one, other, without_secrets)]


def _effect_lines(effect: Mapping[str, Any], own: _OwnUrls) -> Iterator[_Line]:
    yield _line(str(effect.get("kind", "")))
    for name, value in sorted(effect.items()):
        if name != "kind":
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
            yield from _text_lines(f"{name}={text}".split("\n"), own, "  ")


def with_host_of(url: str, text: str, *, answered_url: str) -> str:
    """Return an answer to a replay with own URLs as they would be recorded: on the host of the recorded URL."""
    pattern = _origin_pattern(answered_url)
    if not pattern or not _origin_pattern(url):
        return text
    parts = urlsplit(url)
    return re.sub(pattern, lambda _: f"{parts.scheme}://{parts.netloc}", text, flags=re.IGNORECASE)


class _Line(NamedTuple):
    shown: str
    compared: str


class _OwnUrls:
    """Rewrites the URLs of an application so that they no longer depend on the host that was called.

    An own URL becomes a NUL, which no document can contain, and its path and query. The same rules apply to both
    answers, so equal URLs stay equal: relative ones are resolved against the recorded URL.
    """

    def __init__(self, recorded_url: str, answered_url: str) -> None:
        origins = [_origin_pattern(url) for url in (recorded_url, answered_url)]
        self._origin = re.compile("|".join(origins), re.IGNORECASE) if all(origins) else None
        self._path = urlsplit(recorded_url).path if self._origin else ""

    def in_text(self, text: str) -> str:
        """Return a text in which the host of own URLs is replaced."""
        return self._origin.sub("\0", text) if self._origin else text

    def url(self, url: str) -> str:
        """Return the path and query of an own URL, whether absolute or relative; other URLs unchanged."""
        if self._origin is None:
            return url
        absolute = f"https:{url}" if url.startswith("//") else url
        if found := self._origin.match(absolute):
            rest = absolute[found.end() :]
            return f"\0{rest}" if rest.startswith("/") else f"\0/{rest}"
        if url.startswith("//") or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", url):
            return url
        return f"\0{self._resolved(url)}"

    def _resolved(self, relative: str) -> str:
        if relative.startswith("/"):
            return relative
        folder = self._path.rpartition("/")[0]
        return self._path + relative if relative.startswith(("?", "#")) else f"{folder}/{relative}"

    def media_url(self, url: str) -> str:
        """Return a media URL; that of a local file without its token, which changes every second."""
        own = self.url(url)
        path, _, query = own.partition("?")
        return path if own.startswith("\0") and [*dict(parse_qsl(query))] == [TOKEN_PARAMETER] else own

    def status_url(self, url: str) -> str:
        """Return a status URL of this package without the parts that differ between installations."""
        parts = urlsplit(url)
        query = parse_qsl(parts.query, keep_blank_values=True)
        if REPLY_PARAMETER not in dict(query):
            return self.url(url)
        kept = [(name, each) for name, each in query if name != TOKEN_PARAMETER]
        return f"{parts.path.rpartition('/')[2]}?{urlencode(kept)}"


def _origin_pattern(called_url: str) -> str:
    """Return a pattern for scheme, credentials, host and port of an application's URLs; empty for an invalid URL."""
    try:
        parts = urlsplit(called_url)
        port = parts.port
    except ValueError:
        return ""
    host = re.sub(r":[0-9]*$", "", parts.netloc.rpartition("@")[2])
    if not host:
        return ""
    ports = f":{port}" if port not in (None, 80, 443) else "(?::(?:80|443))?"
    return rf"https?://(?:[^\s/@<>\"]+@)?{re.escape(host)}{ports}(?![\w@%-]|[.:]\w)"


def _meaning(response: WebhookResponse, own: _OwnUrls) -> Iterator[_Line]:
    yield _line(f"status {response.status}")
    if response.status == 204 or not response.body:
        return
    try:
        document = MessagingResponse.parse(response.body) if "xml" in response.content_type else None
    except TwimlError:
        document = None
    if document is None:
        yield _line(f"type {response.content_type.partition(';')[0].strip().lower()}")
        yield from _text_lines(response.body.decode("utf-8", "replace").splitlines(), own, "")
        return
    for verb in document.verbs:
        yield from _verb_lines(verb, own)


def _verb_lines(verb: Verb, own: _OwnUrls) -> Iterator[_Line]:
    if isinstance(verb, Comment):
        return
    yield _line(type(verb).__name__)
    if isinstance(verb, Redirect):
        method = verb.method or "POST"
        yield _Line(f"  {method} {verb.url}", f"  {method} {own.url(verb.url)}")
        return
    for name, value in sorted(verb.attributes().items()):
        if value is not None:
            yield _Line(f"  {name}={value}", f"  {name}={own.status_url(value) if name in _URL_ATTRIBUTES else value}")
    if not isinstance(verb, Message):
        yield from _text_lines(verb.text.split("\n"), own, "  ")
        return
    for noun in verb.nouns:
        yield _line(f"  {type(noun).__name__}")
        if isinstance(noun, Body):
            yield from _text_lines(noun.text.split("\n"), own, "    ")
        else:
            yield _Line(f"    {noun.url}", f"    {own.media_url(noun.url)}")


def _line(text: str) -> _Line:
    return _Line(text, text)


def _text_lines(lines: list[str], own: _OwnUrls, indent: str) -> Iterator[_Line]:
    return (_Line(indent + line, indent + own.in_text(line)) for line in lines)


def _diff(one: list[_Line], other: list[_Line], hide: Callable[[str], str]) -> Iterator[str]:
    before, after = [hide(line.compared) for line in one], [hide(line.compared) for line in other]
    if before == after:
        return
    changes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for kind, start, end, other_start, other_end in changes:
        if kind == "equal":
            yield from (f"  {line.shown}".rstrip() for line in one[start:end])
            continue
        yield from (f"- {line.shown}".rstrip() for line in one[start:end])
        yield from (f"+ {line.shown}".rstrip() for line in other[other_start:other_end])
