"""The nouns of messaging TwiML, and the checks of what verbs and nouns are given.

Anything that Twilio would not accept raises TwimlError.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .errors import TwimlError

_BARE_URL = re.compile(r"\s*https?://\S+\s*", re.IGNORECASE)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
#: Nearly every URL is like this: without spaces, brackets and other characters that need a closer look.
_is_plain_url = re.compile(r"https?://[!-Z\\^-~]+").fullmatch
_NOT_IN_URLS = re.compile("[\\s\x00-\x1f\ud800-\udfff\ufffe\uffff]")
_SCHEME = re.compile("([A-Za-z][A-Za-z0-9+.-]*):")


def xml_text(text: str) -> str:
    """Return text without the characters that XML cannot hold: controls, lone surrogates, U+FFFE and U+FFFF."""
    return text if text.isprintable() else _NOT_XML.sub("", text)


@dataclass(frozen=True, slots=True, init=False)
class Body:
    """The text of a message."""

    text: str

    def __init__(self, text: str) -> None:
        _set_text(self, xml_text(require_string("Body", text)))


@dataclass(frozen=True, slots=True, init=False)
class Media:
    """A media file: its URL, absolute or relative to the URL that answered, or the ``Path`` of a local file."""

    #: For a local file its path, until the application serves it.
    url: str
    path: Path | None

    def __init__(self, url: str | Path) -> None:
        if isinstance(url, Path):
            _set_url(self, str(url))
            _set_path(self, url)
            return
        _set_url(self, checked_url("Media", url))
        _set_path(self, None)

    def __repr__(self) -> str:
        return f"Media({self.path!r})" if self.path else f"Media(url={self.url!r})"


# Set the fields of frozen instances, in half the time of object.__setattr__.
_set_text = Body.__dict__["text"].__set__
_set_url, _set_path = Media.__dict__["url"].__set__, Media.__dict__["path"].__set__


def require_string(what: str, value: object) -> str:
    """Return a string.

    Raises: TwimlError, for anything else.
    """
    if not isinstance(value, str):
        raise TwimlError(f"{what} takes a str, not {type(value).__name__}")
    return value


def noun_of(noun: str | Body | Media) -> Body | Media:
    """Return the noun of a str, Body or Media.

    Raises: TwimlError, for anything else.
    """
    if isinstance(noun, str):
        return Body(noun)
    if isinstance(noun, (Body, Media)):
        return noun
    raise TwimlError(f"a Message holds str, Body and Media, not {type(noun).__name__}")


def refuse_bare_urls(nouns: Iterable[object]) -> None:
    """Refuse a str that is only a URL after another noun: it would be appended to the text.

    Raises: TwimlError, which says how to send it.
    """
    for noun in nouns:
        if isinstance(noun, str) and _BARE_URL.fullmatch(noun):
            url = noun.strip()
            raise TwimlError(
                f"{url!r} would be appended to the text of the Message: write Media({url!r}) or media={url!r} to send"
                f" it as a media file, or Body({url!r}) to send it as text"
            )


def checked_url(what: str, value: object) -> str:
    """Return a URL that Twilio can call, absolute or relative.

    Raises: TwimlError, for anything else.
    """
    if isinstance(value, str) and _is_plain_url(value):
        return value
    text = require_string(what, value).strip()
    scheme = _SCHEME.match(text)
    if not text or _NOT_IN_URLS.search(text) or not _is_readable(text):
        raise TwimlError(f"{what} is {value!r}: give a URL", code=14105 if what == "statusCallback" else 12200)
    if scheme and scheme[1].lower() not in ("http", "https"):
        raise TwimlError(f"{what} is {value!r}: give an http or https URL, or a relative one")
    return text


def _is_readable(url: str) -> bool:
    try:
        urlsplit(url)
    except ValueError:
        return False
    return True
