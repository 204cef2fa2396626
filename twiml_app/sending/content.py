"""What a message says: its text, its media, or its template, checked as Twilio checks them.

The limits are those of https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ..addresses import channel_of, is_service
from ..errors import CannotSend
from ..segments import MAX_UNITS, segment, utf16_units
from ..verbs import MAX_MEDIA, xml_text

#: How many bytes the metadata and the variables of a template may have, as JSON.
MAX_METADATA_BYTES = 4096
MAX_VARIABLES_BYTES = 16_384
_MAX_URL = 2048


@dataclass(frozen=True, slots=True)
class Content:
    """The checked content of a message."""

    body: str
    media: tuple[str, ...]
    #: The ContentSid of a template; empty without one.
    template: str
    #: The variables of the template as JSON; empty without any.
    variables: str

    @classmethod
    def checked(
        cls, body: Any, media: Any, template: Any, variables: Any, *, keep_file: Callable[[Path], str]
    ) -> Content:
        """Return the content of a message; ``keep_file`` returns the URL under which a local file is stored.

        Raises: CannotSend; whatever ``keep_file`` raises.
        """
        if not isinstance(body, str):
            raise CannotSend("body", f"is {type(body).__name__}: give a str")
        content = cls(
            xml_text(body), _media_urls(media, keep_file), _template(template), _variables(variables, template)
        )
        content._require_sendable()
        return content

    def segments(self, contact: str, sender: str) -> int:
        """Return how many messages count for the pace: the segments of a text, 1 for everything else."""
        plain = not self.media and not self.template and channel_of(contact) == "sms"
        return segment(self.body).count if plain and (is_service(sender) or channel_of(sender) == "sms") else 1

    def _require_sendable(self) -> None:
        if self.template and (self.body or self.media):
            raise CannotSend("template", "has a text of its own: leave body and media out", code=21619)
        if not (self.template or self.body.strip() or self.media):
            raise CannotSend("body", "is empty: give a text, media or a template", code=21619)
        if (units := utf16_units(self.body)) > MAX_UNITS:
            problem = f"has {units} UTF-16 units and the limit is {MAX_UNITS}: send it as several messages"
            raise CannotSend("body", problem, code=21617)


def _media_urls(media: Any, keep_file: Callable[[Path], str]) -> tuple[str, ...]:
    """Return the URLs of the media files; that of a local file is replaced by a link to it when the message leaves."""
    given = (media,) if isinstance(media, str | Path) else tuple(media) if isinstance(media, Iterable) else (media,)
    if len(given) > MAX_MEDIA:
        raise CannotSend("media", f"has {len(given)} files and the limit is {MAX_MEDIA}", code=21623)
    return tuple(_media_url(each, keep_file) for each in given)


def _media_url(media: Any, keep_file: Callable[[Path], str]) -> str:
    if isinstance(media, Path):
        return keep_file(media)
    if not isinstance(media, str) or not _is_url(media):
        raise CannotSend("media", f"is {media!r}: give an http or https URL, or the Path of a local file", code=21620)
    return media


def local_path(url: str) -> Path | None:
    """Return the path of a local file by its URL; None for another URL."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    is_plain = text.isprintable() and " " not in text and len(text) <= _MAX_URL
    return is_plain and parts.scheme in ("http", "https") and bool(parts.hostname)


def _template(template: Any) -> str:
    if not template:
        return ""
    if not isinstance(template, str) or not re.fullmatch("HX[0-9a-fA-F]{32}", template):
        raise CannotSend("template", f"is {template!r}: give a ContentSid, which begins with HX", code=21655)
    return template


def _variables(variables: Any, template: Any) -> str:
    if variables is None:
        return ""
    if not template:
        raise CannotSend("variables", "are those of a template: give template too", code=21656)
    return json_object("variables", variables, MAX_VARIABLES_BYTES, code=21656)


def json_object(argument: str, value: Any, most_bytes: int, *, code: int | None = None) -> str:
    """Return a mapping with string keys as JSON.

    Raises: CannotSend, for anything else, and for more than ``most_bytes``.
    """
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise CannotSend(argument, "must be a dict with str keys", code=code)
    try:
        text = json.dumps(dict(value), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise CannotSend(argument, f"cannot be written as JSON: {error}", code=code) from error
    if len(text) > most_bytes:
        raise CannotSend(argument, f"has {len(text)} bytes as JSON and the limit is {most_bytes}", code=code)
    return text
