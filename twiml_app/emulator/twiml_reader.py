"""What an application answered, read as Twilio reads it: what can be done is done, and the rest is noted.

``MessagingResponse.parse`` refuses whatever is doubtful, which helps whoever writes a handler; this reader goes on, by
https://www.twilio.com/docs/messaging/twiml and https://www.twilio.com/docs/api/errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from ..caller import without_secret
from ..errors import TwimlError
from ..segments import MAX_UNITS, utf16_units
from ..twiml import MAX_BYTES, MAX_MESSAGES, own_text, parse_xml
from ..verbs import MAX_MEDIA, SENDING_ATTRIBUTES
from .quoting import shown

#: Twilio's limit for the older verb, in UTF-16 units, https://www.twilio.com/docs/api/twiml/sms
MAX_SMS_UNITS = 160

_TWIML_TYPES = ("text/xml", "application/xml", "text/html")
_TEXT_TYPE = "text/plain"
#: The charsets that answers come in; others, such as those that Python alone knows, are taken for UTF-8.
_CHARSET = re.compile(
    r""";\s*charset\s*=\s*["']?(utf-?8|utf-(?:16|32)(?:[bl]e)?|us-ascii|iso-8859-(?:1[013-6]|[1-9])|latin-?1"""
    r"""|windows-125[0-8]|koi8-[ru]|gbk|gb2312|gb18030|big5|euc-(?:jp|kr)|shift_jis|iso-2022-jp)["']?\s*(?:;|$)""",
    re.IGNORECASE,
)
#: How bytes begin that tell their encoding themselves: a mark, a declaration in wide characters, or one that names it.
_TELLS_ENCODING = re.compile(rb"\xef\xbb\xbf|\xff\xfe|\xfe\xff|\x00?<\x00\?|<\?xml\s[^>]*\bencoding\b")
_VERSION = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml\s+version\s*=\s*["']([^"'>]*)["']""")

#: The attributes of each verb, and their names in Python; a verb that is not listed takes no attribute.
_ATTRIBUTES: Mapping[str, Mapping[str, str]] = {
    "Message": SENDING_ATTRIBUTES,
    "Sms": SENDING_ATTRIBUTES,
    "Redirect": {"method": "method"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One line of Twilio's debugger."""

    #: https://www.twilio.com/docs/api/errors
    code: int
    #: What is wrong, without a full stop.
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendStep:
    """A message to be sent; what the document leaves open is empty."""

    text: str
    media: tuple[str, ...]
    to: str = ""
    from_: str = ""
    action: str = ""
    method: str = "POST"
    status_callback: str = ""
    #: It was asked for with the older verb.
    is_sms: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectStep:
    """Go on with the answer of another URL, absolute or relative."""

    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What is to be done, and what was noted on the way, both in the order of the document."""

    steps: tuple[SendStep | RedirectStep, ...]
    problems: tuple[Problem, ...]


_Found = SendStep | RedirectStep | Problem
#: An attribute or a noun that is good, by its name.
_Named = tuple[str, str]


def read_answer(body: bytes, content_type: str, status: int = 200) -> Document:
    """Read an answer of any success status; 204, or no bytes at all, asks for nothing.

    Raises: TwimlError, with the number of Twilio's debugger, for what cannot be executed at all.
    """
    if not body or status == 204:
        return Document(steps=(), problems=())
    found = list(_read_parts(body, content_type))
    return Document(
        steps=tuple(part for part in found if not isinstance(part, Problem)),
        problems=tuple(part for part in found if isinstance(part, Problem)),
    )


def _read_parts(body: bytes, content_type: str) -> Iterator[_Found]:
    media_type = content_type.partition(";")[0].strip().lower()
    if not media_type:
        raise TwimlError("the answer has no Content-Type", code=12300)
    if media_type not in (*_TWIML_TYPES, _TEXT_TYPE):
        raise TwimlError(f"the Content-Type is {shown(media_type)}, neither TwiML nor a plain text", code=12300)
    if len(body) > MAX_BYTES:
        raise TwimlError(f"the answer has {len(body)} bytes: {MAX_BYTES} are read", code=11750)
    named = _CHARSET.search(content_type)
    charset = named[1] if named else "utf-8"
    if media_type == _TEXT_TYPE:
        return _plain_text(body.decode(charset, "replace"))
    return _limited(_response_parts(_root(body, charset)))


def _plain_text(text: str) -> Iterator[_Found]:
    if text.strip():
        yield _length_problem("the answer", text) or SendStep(text=text, media=())


def _root(body: bytes, charset: str) -> etree._Element:
    """Return the root of a document; the charset counts where the bytes do not tell their encoding themselves."""
    version = _VERSION.match(body)
    if version and version[1] != b"1.0":
        raise TwimlError(f"the XML version is {shown(version[1].decode('ascii', 'replace'))!r}, not 1.0", code=12101)
    try:
        root = parse_xml(body if _TELLS_ENCODING.match(body) else body.decode(charset))
    except UnicodeDecodeError as error:
        raise TwimlError(f"the document is not XML: its bytes are not {charset}", code=12100) from error
    if root.tag != "Response":
        raise TwimlError(f"the root is {shown(str(root.tag))}, not Response", code=12102)
    etree.strip_tags(root, etree.Comment)  # what stands on both sides of a note is one text
    return root


def _limited(found: Iterable[_Found]) -> Iterator[_Found]:
    """Leave out what is more than one answer may send; that is noted once."""
    sent = 0
    for part in found:
        sent += isinstance(part, SendStep)
        if not isinstance(part, SendStep) or sent <= MAX_MESSAGES:
            yield part
        elif sent == MAX_MESSAGES + 1:
            yield Problem(code=14109, text=f"the answer asks for more than {MAX_MESSAGES} messages")


def _response_parts(root: etree._Element) -> Iterator[_Found]:
    """Yield what the verbs ask for, up to a Redirect."""
    yield from _problems(root)
    pieces = _texts_and_children(root)
    for piece in pieces:
        if isinstance(piece, str):
            yield Problem(code=12200, text=f"Response holds verbs, not the text {shown(piece.strip())!r}")
            continue
        yield from _verb_parts(piece)
        if piece.tag == "Redirect":
            break
    if next(pieces, None) is not None:
        yield Problem(code=12200, text="what stands after a Redirect is never reached")


def _verb_parts(element: etree._Element) -> Iterator[_Found]:
    if element.tag == "Message":
        yield from _message_parts(element)
    elif element.tag == "Sms":
        yield from _sms_parts(element)
    elif element.tag == "Redirect":
        yield from _redirect_parts(element)
    else:
        wrong = _unknown(element.tag, "Message", "Redirect", "Sms")
        yield Problem(code=14110, text=f"Response holds Message, Redirect and Sms, not {wrong}")


def _message_parts(element: etree._Element) -> Iterator[_Found]:
    found = [*_problems(element), *_noun_parts(element)]
    yield from (part for part in found if isinstance(part, Problem))
    nouns = [part for part in found if not isinstance(part, Problem)]
    text = "".join(value for name, value in nouns if name == "Body")
    media = tuple(value for name, value in nouns if name == "Media")
    yield from _send_step(element, text, media, _message_problem(text, media))


def _sms_parts(element: etree._Element) -> Iterator[_Found]:
    text = own_text(element)
    yield from _problems(element)
    yield from _send_step(element, text, (), _sms_problem(text))


def _send_step(element: etree._Element, text: str, media: tuple[str, ...], problem: Problem | None) -> Iterator[_Found]:
    """Yield the problem or the message; an address that is empty has been noted, and nothing is sent."""
    if problem:
        yield problem
    elif all(element.get(name, "given").strip() for name in ("to", "from")):
        yield SendStep(text=text, media=media, is_sms=element.tag == "Sms", **_good(element))


def _redirect_parts(element: etree._Element) -> Iterator[_Found]:
    url = own_text(element).strip()
    yield from _problems(element)
    yield _url_problem("Redirect", url, code=11100) or RedirectStep(url=url, **_good(element))


def _noun_parts(element: etree._Element) -> Iterator[_Named | Problem]:
    """Yield what a Message holds; text beside the nouns counts as a Body."""
    for piece in _texts_and_children(element):
        if isinstance(piece, str):
            yield "Body", piece
        elif piece.tag == "Body":
            yield from _problems(piece)
            yield "Body", own_text(piece)
        elif piece.tag == "Media":
            url = own_text(piece).strip()
            yield from _problems(piece)
            yield _url_problem("Media", url) or ("Media", url)
        else:
            yield Problem(code=12200, text=f"Message holds Body and Media, not {_unknown(piece.tag, 'Body', 'Media')}")


def _texts_and_children(element: etree._Element) -> Iterator[str | etree._Element]:
    """Yield texts and children as they stand, without the white space of an indented document."""
    yield from filter(str.strip, [element.text or ""])
    for child in element:
        yield child
        yield from filter(str.strip, [child.tail or ""])


def _good(element: etree._Element) -> dict[str, Any]:
    """Return the attributes that can be followed, by the names that they have here."""
    return dict(part for part in _attributes(element) if not isinstance(part, Problem))


def _attributes(element: etree._Element) -> Iterator[_Named | Problem]:
    tag = str(element.tag)
    known = _ATTRIBUTES.get(tag, {})
    for name, value in ((str(name), str(value)) for name, value in element.attrib.items()):
        if name not in known:
            yield Problem(code=12200, text=f"{tag} takes no attribute {_unknown(name, *known)}")
        elif name in ("to", "from"):
            empty = Problem(code=14101 if name == "to" else 14102, text=f"the attribute {name} of {tag} is empty")
            yield (known[name], value) if value.strip() else empty
        elif name == "method":
            wrong = Problem(code=14104, text=f"the method of {tag} is {shown(value)!r}, neither GET nor POST")
            yield (name, value.upper()) if value.upper() in ("GET", "POST") else wrong
        else:
            url = value.strip()
            yield _url_problem(f"the {name} of {tag}", url, code=14105) or (known[name], url)


def _problems(element: etree._Element) -> Iterator[Problem]:
    """Yield what is wrong with the attributes, and with what stands where a text alone may stand."""
    yield from (part for part in _attributes(element) if isinstance(part, Problem))
    for child in () if element.tag in ("Response", "Message") else element:
        yield Problem(code=12200, text=f"{element.tag} holds a text, not {shown(str(child.tag))}")


def _message_problem(text: str, media: tuple[str, ...]) -> Problem | None:
    if not text.strip() and not media:
        return Problem(code=14103, text="Message has neither text nor media")
    if len(media) > MAX_MEDIA:
        return Problem(code=14103, text=f"Message takes {MAX_MEDIA} Media, not {len(media)}")
    return _length_problem("Message", text)


def _length_problem(what: str, text: str, *, limit: int = MAX_UNITS, code: int = 21617) -> Problem | None:
    units = utf16_units(text)
    problem = Problem(code=code, text=f"the text of {what} has {units} characters: {limit} can be sent")
    return problem if units > limit else None


def _sms_problem(text: str) -> Problem | None:
    if not text.strip():
        return Problem(code=14103, text="Sms has no text")
    return _length_problem("Sms", text, limit=MAX_SMS_UNITS, code=14103)


def _url_problem(what: str, url: str, *, code: int = 12200) -> Problem | None:
    """Return what is wrong with a URL, which may be relative."""
    with suppress(ValueError):
        if urlsplit(url).scheme in ("", "http", "https") and re.fullmatch(r"\S+", url):
            return None
    return Problem(code=code, text=f"{what} is {shown(without_secret(url))!r}, which is no http or https URL")


def _unknown(name: str, *known: str) -> str:
    """Return a name, and the one that was meant where only the case of letters differs, or an underscore of Python."""
    meant = [right for right in known if right.lower() == name.replace("_", "").lower()]
    return f"{shown(name)}: write {meant[0]}" if meant else shown(name)
