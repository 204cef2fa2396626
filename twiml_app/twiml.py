"""The TwiML document that answers an inbound message: build it, and parse it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from .errors import TwimlError
from .verbs import SENDING_ATTRIBUTES, Body, Comment, Media, Message, Redirect, Sms, Verb

if TYPE_CHECKING:
    from lxml import etree

#: Twilio's limits per answer, https://www.twilio.com/docs/api/errors/14109 and 11750.
MAX_MESSAGES = 10
MAX_BYTES = 64 * 1024

DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'
#: Find a character that is escaped in attributes.
_find_special = re.compile('[&<>"\r\n\t]').search
_VERBS = (Message, Redirect, Sms, Comment)


class MessagingResponse:
    """The answer to an inbound message: verbs that Twilio runs from top to bottom. Without verbs, nothing is sent."""

    __slots__ = ("_verbs",)

    def __init__(self, *verbs: Verb) -> None:
        self._verbs: list[Verb] = [_checked(verb) for verb in verbs]

    @property
    def verbs(self) -> tuple[Verb, ...]:
        """The verbs of the document, in order."""
        return tuple(self._verbs)

    @property
    def messages(self) -> tuple[Message | Sms, ...]:
        """The verbs that send a message, in order."""
        return tuple(verb for verb in self._verbs if isinstance(verb, (Message, Sms)))

    def append(self, verb: Verb) -> Self:
        """Add a verb at the end.

        Raises: TwimlError, for anything that a Response cannot hold.
        """
        self._verbs.append(_checked(verb))
        return self

    def message(
        self,
        text: str | None = None,
        *,
        media: str | Path | Iterable[str | Path] = (),
        to: str | None = None,
        from_: str | None = None,
        action: str | None = None,
        method: str | None = None,
        status_callback: str | None = None,
    ) -> Self:
        """Add a Message with text, media, or both."""
        nouns = [] if text is None else [Body(text)]
        message = Message(
            *nouns, media=media, to=to, from_=from_, action=action, method=method, status_callback=status_callback
        )
        return self.append(message)

    def redirect(self, url: str, *, method: str | None = None) -> Self:
        """Add a Redirect."""
        return self.append(Redirect(url, method))

    def to_bytes(self) -> bytes:
        """Return the document in UTF-8, with an XML declaration.

        Raises: TwimlError, for a local file that has no URL yet.
        """
        content = "".join([_markup(verb) for verb in self._verbs]) or None
        return DECLARATION + _element("Response", "", content).encode()

    @classmethod
    def parse(cls, document: bytes | str) -> MessagingResponse:
        """Parse a document.

        Raises: TwimlError, with the error code in Twilio's debugger; entities and document types are refused.
        """
        root = parse_xml(document)
        if root.tag != "Response":
            raise TwimlError(f"the root is {root.tag}, not Response", code=12102)
        _refuse_attributes(root, ())
        _refuse_text(root)
        return cls(*(_parse_verb(element) for element in root))

    def __str__(self) -> str:
        return self.to_bytes().decode()

    def __eq__(self, other: object) -> bool:
        return self._verbs == other._verbs if isinstance(other, MessagingResponse) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.verbs)

    def __repr__(self) -> str:
        return f"MessagingResponse({', '.join(map(repr, self._verbs))})"


def _checked(verb: Verb) -> Verb:
    if not isinstance(verb, _VERBS):
        name = type(verb).__name__
        raise TwimlError(f"a Response holds Message, Redirect, Sms and Comment, not {name}", code=14110)
    return verb


def _markup(verb: Verb) -> str:
    if isinstance(verb, Message):
        return _element("Message", _attributes(verb), _content(verb) or None)
    if isinstance(verb, Redirect):
        method = f' method="{verb.method}"' if verb.method else ""
        return _element("Redirect", method, _escaped(verb.url))
    if isinstance(verb, Sms):
        return _element("Sms", _attributes(verb), _escaped(verb.text))
    return f"<!--{verb.text}-->"


def _content(message: Message) -> str:
    markup = ""
    for noun in message.nouns:
        if isinstance(noun, Body):
            markup += f"<Body>{_escaped(noun.text)}</Body>"
        elif noun.path is None:
            markup += f"<Media>{_escaped(noun.url)}</Media>"
        else:
            raise TwimlError(f"{noun.path} has no URL: only an application that answers with it serves a local file")
    return markup


def _element(name: str, attributes: str, content: str | None) -> str:
    return f"<{name}{attributes}/>" if content is None else f"<{name}{attributes}>{content}</{name}>"


def _attributes(verb: Message | Sms) -> str:
    text = "" if verb.to is None else f' to="{_quoted(verb.to)}"'
    if verb.from_ is not None:
        text += f' from="{_quoted(verb.from_)}"'
    action = None if verb.action is None else _quoted(verb.action)
    if action is not None:
        text += f' action="{action}"'
    if verb.method is not None:
        text += f' method="{verb.method}"'
    if verb.status_callback is not None:
        text += f' statusCallback="{action if verb.status_callback is verb.action else _quoted(verb.status_callback)}"'
    return text


def _escaped(text: str) -> str:
    """Return the markup of a text; the verbs have removed the characters that XML cannot hold."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def _quoted(value: str) -> str:
    """Return the markup of the value of an attribute; white space is escaped, as parsers would normalize it."""
    if not _find_special(value):
        return value
    return _escaped(value).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


def parse_xml(document: bytes | str) -> etree._Element:
    """Return the root of a document, with comments but without processing instructions.

    Raises: TwimlError, with code 12100, if it is not XML; entities and document types are refused.
    """
    from lxml import etree  # a server that makes its answers with these verbs parses none

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True)
    try:
        # lxml does not accept a str whose declaration names an encoding.
        root = etree.fromstring(document.encode() if isinstance(document, str) else document, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise TwimlError(f"the document is not XML: {error}", code=12100) from error
    if cast(Any, root.getroottree().docinfo).doctype:
        raise TwimlError("the document has a document type, which TwiML does not allow", code=12100)
    return root


def _parse_verb(element: etree._Element) -> Verb:
    if not isinstance(element.tag, str):
        return Comment(element.text or "")
    if element.tag == "Message":
        return _parse_message(element)
    if element.tag == "Redirect":
        _refuse_attributes(element, ("method",))
        return Redirect(_leaf_text(element), element.get("method"))
    if element.tag == "Sms":
        return Sms(_leaf_text(element), **_read_attributes(element))
    raise TwimlError(f"a Response holds Message, Redirect and Sms, not {element.tag}", code=14110)


def _parse_message(element: etree._Element) -> Message:
    return Message(*_parse_nouns(element), **_read_attributes(element))


def _parse_nouns(element: etree._Element) -> Iterator[Body | Media]:
    """Yield the nouns; bare text, as the official library writes it, is a Body, and comments in it are dropped."""
    text = element.text or ""
    for child in element:
        if isinstance(child.tag, str):
            yield from _bare_text(text)
            yield _parse_noun(child)
            text = ""
        text += child.tail or ""
    yield from _bare_text(text)


def _bare_text(text: str) -> Iterator[Body]:
    if text.strip():
        yield Body(text)


def _parse_noun(element: etree._Element) -> Body | Media:
    if element.tag not in ("Body", "Media"):
        raise TwimlError(f"a Message holds Body and Media, not {element.tag}")
    _refuse_attributes(element, ())
    text = _leaf_text(element)
    return Body(text) if element.tag == "Body" else Media(text)


def _read_attributes(element: etree._Element) -> dict[str, Any]:
    _refuse_attributes(element, SENDING_ATTRIBUTES)
    return {SENDING_ATTRIBUTES[str(name)]: str(value) for name, value in element.attrib.items()}


def _refuse_attributes(element: etree._Element, allowed: Iterable[str]) -> None:
    unknown = [str(name) for name in element.attrib if str(name) not in allowed]
    if unknown:
        raise TwimlError(f"{element.tag} takes no attribute {unknown[0]}")


def _refuse_text(root: etree._Element) -> None:
    if own_text(root).strip():
        raise TwimlError("a Response holds verbs, not text")


def _leaf_text(element: etree._Element) -> str:
    for child in element:
        if isinstance(child.tag, str):
            raise TwimlError(f"{element.tag} holds text, not {child.tag}")
    return own_text(element)


def own_text(element: etree._Element) -> str:
    """Return the text of an element without that of its children."""
    return (element.text or "") + "".join(child.tail or "" for child in element)
