"""The verbs of messaging TwiML, each checked when it is created.

The rules are Twilio's, https://www.twilio.com/docs/messaging/twiml: a ``Message`` holds ``Body`` and ``Media``, a
``Redirect`` and the legacy ``Sms`` hold text. Anything else raises TwimlError.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import TwimlError
from .nouns import Body as Body
from .nouns import Media as Media
from .nouns import checked_url, noun_of, refuse_bare_urls, require_string
from .nouns import xml_text as xml_text

#: Twilio's limit of media files per message, https://www.twilio.com/docs/api/errors/14103 and 21623.
MAX_MEDIA = 10
#: The XML attributes of Message and Sms, and their names in Python.
SENDING_ATTRIBUTES: Mapping[str, str] = {
    "to": "to",
    "from": "from_",
    "action": "action",
    "method": "method",
    "statusCallback": "status_callback",
}


class _SendingVerb(ABC):
    """A verb that sends a message, by default to the sender of the inbound one, from the number that received it."""

    __slots__ = ("action", "from_", "method", "status_callback", "to")

    def __init__(
        self, to: str | None, from_: str | None, action: str | None, method: str | None, status_callback: str | None
    ) -> None:
        self.to = None if to is None else _address("to", to)
        self.from_ = None if from_ is None else _address("from", from_)
        self.action = None if action is None else checked_url("action", action)
        self.method = None if method is None else _method(method)
        self.status_callback = None if status_callback is None else checked_url("statusCallback", status_callback)

    def attributes(self) -> dict[str, str | None]:
        """Return the XML attributes, None for those that are not given."""
        return {
            "to": self.to,
            "from": self.from_,
            "action": self.action,
            "method": self.method,
            "statusCallback": self.status_callback,
        }

    @abstractmethod
    def _content(self) -> tuple[object, ...]:
        """Return the content of the element."""

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other) or not isinstance(other, _SendingVerb):
            return NotImplemented
        return self._content() == other._content() and self.attributes() == other.attributes()

    def __hash__(self) -> int:
        return hash(self._content())

    def __repr__(self) -> str:
        given = [repr(part) for part in self._content()]
        given += [f"{name}={value!r}" for name, value in self.attributes().items() if value is not None]
        return f"{type(self).__name__}({', '.join(given)})"


class Message(_SendingVerb):
    """A message to send: text, media files, or both.

    ``media`` is the URL of a media file, or the ``Path`` of a local one, or several of them:
    ``Message("Hi", media="https://example.com/cat.jpg")`` is short for
    ``Message("Hi", Media("https://example.com/cat.jpg"))``. A local file is served by the application, with a signed
    URL that works for a day; a relative path starts at the project's folder.

    With ``split=True``, text that is too long for one message is split into several messages at word boundaries.

    https://www.twilio.com/docs/messaging/twiml/message

    Raises: TwimlError, for anything that Twilio would not accept.
    """

    __slots__ = ("nouns", "split")

    def __init__(
        self,
        *nouns: str | Body | Media,
        media: str | Path | Iterable[str | Path] = (),
        to: str | None = None,
        from_: str | None = None,
        action: str | None = None,
        method: str | None = None,
        status_callback: str | None = None,
        split: bool = False,
    ) -> None:
        super().__init__(to, from_, action, method, status_callback)
        if len(nouns) > 1:
            refuse_bare_urls(nouns[1:])
        files = [media] if isinstance(media, str | Path) else media
        self.nouns: tuple[Body | Media, ...] = (*map(noun_of, nouns), *map(Media, files))
        self.split = split
        if len(self.nouns) > MAX_MEDIA and len(self.media) > MAX_MEDIA:
            raise TwimlError(f"a Message takes {MAX_MEDIA} Media, not {len(self.media)}", code=21623)

    @property
    def text(self) -> str:
        """The text of every Body, joined as Twilio joins them."""
        if len(self.nouns) == 1 and isinstance(self.nouns[0], Body):  # as most messages
            return self.nouns[0].text
        return "".join([noun.text for noun in self.nouns if isinstance(noun, Body)])

    @property
    def media(self) -> tuple[str, ...]:
        """The URL of every Media; for a local file its path, until the application serves it."""
        return tuple([noun.url for noun in self.nouns if isinstance(noun, Media)])

    @property
    def files(self) -> tuple[Path, ...]:
        """The path of every Media that is a local file."""
        return tuple([noun.path for noun in self.nouns if isinstance(noun, Media) and noun.path is not None])

    def with_nouns(self, *nouns: str | Body | Media) -> Message:
        """Return a copy of this message with other nouns."""
        return Message(
            *nouns,
            to=self.to,
            from_=self.from_,
            action=self.action,
            method=self.method,
            status_callback=self.status_callback,
        )

    def with_status_url(self, url: str) -> Message:
        """Return a copy of this message with a URL for its delivery status, unless it has one.

        The URL goes into ``action`` as well: which of the two Twilio follows depends on the kind of message,
        https://www.twilio.com/docs/messaging/twiml/message#action.
        """
        if self.action or self.status_callback:
            return self
        message = Message.__new__(Message)  # everything else has been checked
        message.nouns, message.split, message.method = self.nouns, False, self.method
        message.to, message.from_ = self.to, self.from_
        message.action = message.status_callback = checked_url("action", url)
        return message

    def _content(self) -> tuple[object, ...]:
        return self.nouns


class Sms(_SendingVerb):
    """The verb that Message replaced: short text, no media, https://www.twilio.com/docs/api/twiml/sms.

    Raises: TwimlError, for anything that Twilio would not accept.
    """

    __slots__ = ("text",)

    def __init__(
        self,
        text: str,
        *,
        to: str | None = None,
        from_: str | None = None,
        action: str | None = None,
        method: str | None = None,
        status_callback: str | None = None,
    ) -> None:
        super().__init__(to, from_, action, method, status_callback)
        self.text = xml_text(require_string("Sms", text))

    def _content(self) -> tuple[object, ...]:
        return (self.text,)


@dataclass(frozen=True, slots=True)
class Redirect:
    """Continue with the TwiML of another URL, absolute or relative; verbs after it are not executed.

    https://www.twilio.com/docs/messaging/twiml/redirect
    """

    url: str
    method: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", checked_url("Redirect", self.url))
        object.__setattr__(self, "method", _method(self.method))


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment for people who read the document; Twilio ignores it."""

    text: str

    def __post_init__(self) -> None:
        text = re.sub("\r\n?", "\n", xml_text(require_string("Comment", self.text)))  # as XML reads it back
        if "--" in text or text.endswith("-"):
            raise TwimlError("a Comment must not contain -- or end with -")
        object.__setattr__(self, "text", text)


Verb = Message | Redirect | Sms | Comment


def _address(attribute: str, value: str) -> str:
    if isinstance(value, str) and value.isprintable() and value.strip():
        return value
    if not require_string(attribute, value).strip() or xml_text(value) != value:
        code = 14101 if attribute == "to" else 14102
        raise TwimlError(f"{attribute} is {value!r}: give a phone number or another address", code=code)
    return value


def _method(value: str | None) -> str | None:
    if value not in (None, "GET", "POST"):
        raise TwimlError(f"method is {value!r}: use GET or POST", code=14104)
    return value
