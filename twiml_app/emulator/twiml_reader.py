"""Read the answer of an application as Twilio does: keep the valid parts, and report problems in the others.

``MessagingResponse.parse`` refuses anything invalid, which helps the authors of handlers. This reader continues after
a problem, as described in https://www.twilio.com/docs/messaging/twiml and https://www.twilio.com/docs/api/errors.
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

#: Twilio's limit for the legacy verb, in UTF-16 units, https://www.twilio.com/docs/api/twiml/sms
MAX_SMS_UNITS = 160

_TWIML_TYPES = ("text/xml", "application/xml", "text/html")
_TEXT_TYPE = "text/plain"
#: Charsets used on the web; any other, such as Python's own encodings, is treated as UTF-8.
_CHARSET = re.compile(
    r""";\s*charset\s*=\s*["']?(utf-?8|utf-(?:16|32)(?:[bl]e)?|us-ascii|iso-8859-(?:1[013-6]|[1-9])|latin-?1"""
    r"""|windows-125[0-8]|koi8-[ru]|gbk|gb2312|gb18030|big5|euc-(?:jp|kr)|shift_jis|iso-2022-jp)["']?\s*(?:;|$)""",
    re.IGNORECASE,
)
#: The first bytes of documents that declare their encoding: a byte order mark, wide characters, or an XML declaration.
_DECLARES_ENCODING = re.compile(rb"\xef\xbb\xbf|\xff\xfe|\xfe\xff|\x00?<\x00\?|<\?xml\s[^>]*\bencoding\b")
_VERSION = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml\s+version\s*=\s*["']([^"'>]*)["']""")

#: The attributes of each verb, and their names in Python; a verb that is not listed has none.
_ATTRIBUTES: Mapping[str, Mapping[str, str]] = {
    "Message": SENDING_ATTRIBUTES,
    "Sms": SENDING_ATTRIBUTES,
    "Redirect": {"method": "method"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem to report in the debugger."""

    #: https://www.twilio.com/docs/api/errors
    code: int
    #: What is wrong, without a final period.
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendStep:
    """A message to send; attributes that are not in the document are empty."""

    text: str
    media: tuple[str, ...]
    to: str = ""
    from_: str = ""
    action: str = ""
    method: str = "POST"
    status_callback: str = ""
    #: Whether the verb was the legacy Sms.
    is_sms: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectStep:
    """Continue with the answer of another URL, absolute or relative."""

    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The steps to execute and the problems found, both in document order."""

    steps: tuple[SendStep | RedirectStep, ...]
    problems: tuple[Problem, ...]


_Found = SendStep | RedirectStep | Problem
#: The name and value of a valid attribute or noun.
_Named = tuple[str, str]


def read_answer(body: bytes, content_type: str, status: int = 200) -> Document:
    """Read an answer with a success status; 204 or an empty body has no steps.

    Raises: TwimlError, with Twilio's error code, if nothing in the answer can be executed.
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
        raise TwimlError(f"the Content-Type is {shown(media_type)}, neither TwiML nor plain text", code=12300)
    if len(body) > MAX_BYTES:
        raise TwimlError(f"the answer has {len(body)} bytes: the limit is {MAX_BYTES}", code=11750)
    named = _CHARSET.search(content_type)
    charset = named[1] if named else "utf-8"
    if media_type == _TEXT_TYPE:
        return _plain_text(body.decode(charset, "replace"))
    return _limited(_response_parts(_root(body, charset)))


def _plain_text(text: str) -> Iterator[_Found]:
    if text.strip():
        yield _length_problem("the answer", text) or SendStep(text=text, media=())


def _root(body: bytes, charset: str) -> etree._Element:
    """Return the root of a document; the charset applies if the bytes do not declare their encoding."""
    version = _VERSION.match(body)
    if version and version[1] != b"1.0":
        raise TwimlError(f"the XML version is {shown(version[1].decode('ascii', 'replace'))!r}, not 1.0", code=12101)
    try:
        root = parse_xml(body if _DECLARES_ENCODING.match(body) else body.decode(charset))
    except UnicodeDecodeError as error:
        raise TwimlError(f"the document is not XML: its bytes are not {charset}", code=12100) from error
    if root.tag != "Response":
        raise TwimlError(f"the root is {shown(str(root.tag))}, not Response", code=12102)
    etree.strip_tags(root, etree.Comment)  # text before and after a comment is one string
    return root


def _limited(found: Iterable[_Found]) -> Iterator[_Found]:
    """Leave out messages beyond the limit of an answer; that is reported once."""
    sent = 0
    for part in found:
        sent += isinstance(part, SendStep)
        if not isinstance(part, SendStep) or sent <= MAX_MESSAGES:
            yield part
        elif sent == MAX_MESSAGES + 1:
            yield Problem(code=14109, text=f"the answer contains more than {MAX_MESSAGES} messages")


def _response_parts(root: etree._Element) -> Iterator[_Found]:
    """Yield the steps and problems of the verbs, up to a Redirect."""
    yield from _problems(root)
    pieces = _texts_and_children(root)
    for piece in pieces:
        if isinstance(piece, str):
            yield Problem(code=12200, text=f"Response can contain only verbs, not the text {shown(piece.strip())!r}")
            continue
        yield from _verb_parts(piece)
        if piece.tag == "Redirect":
            break
    if next(pieces, None) is not None:
        yield Problem(code=12200, text="anything after a Redirect is ignored")


def _verb_parts(element: etree._Element) -> Iterator[_Found]:
    if element.tag == "Message":
        yield from _message_parts(element)
    elif element.tag == "Sms":
        yield from _sms_parts(element)
    elif element.tag == "Redirect":
        yield from _redirect_parts(element)
    else:
        unknown = _suggestion(element.tag, "Message", "Redirect", "Sms")
        yield Problem(code=14110, text=f"Response can contain Message, Redirect and Sms, not {unknown}")


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
    """Yield the problem or the message; one with an empty address has been reported already, and is not sent."""
    if problem:
        yield problem
    elif all(element.get(name, "given").strip() for name in ("to", "from")):
        yield SendStep(text=text, media=media, is_sms=element.tag == "Sms", **_valid_attributes(element))


def _redirect_parts(element: etree._Element) -> Iterator[_Found]:
    url = own_text(element).strip()
    yield from _problems(element)
    yield _url_problem("Redirect", url, code=11100) or RedirectStep(url=url, **_valid_attributes(element))


def _noun_parts(element: etree._Element) -> Iterator[_Named | Problem]:
    """Yield the nouns of a Message; text between them counts as a Body."""
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
            unknown = _suggestion(piece.tag, "Body", "Media")
            yield Problem(code=12200, text=f"Message can contain Body and Media, not {unknown}")


def _texts_and_children(element: etree._Element) -> Iterator[str | etree._Element]:
    """Yield texts and children in document order, without the white space of indentation."""
    yield from filter(str.strip, [element.text or ""])
    for child in element:
        yield child
        yield from filter(str.strip, [child.tail or ""])


def _valid_attributes(element: etree._Element) -> dict[str, Any]:
    """Return the valid attributes, by their names in ``SendStep`` and ``RedirectStep``."""
    return dict(part for part in _attributes(element) if not isinstance(part, Problem))


def _attributes(element: etree._Element) -> Iterator[_Named | Problem]:
    tag = str(element.tag)
    known = _ATTRIBUTES.get(tag, {})
    for name, value in ((str(name), str(value)) for name, value in element.attrib.items()):
        if name not in known:
            yield Problem(code=12200, text=f"{tag} has no attribute {_suggestion(name, *known)}")
        elif name in ("to", "from"):
            empty = Problem(code=14101 if name == "to" else 14102, text=f"the {name} attribute of {tag} is empty")
            yield (known[name], value) if value.strip() else empty
        elif name == "method":
            wrong = Problem(code=14104, text=f"the method of {tag} is {shown(value)!r}, neither GET nor POST")
            yield (name, value.upper()) if value.upper() in ("GET", "POST") else wrong
        else:
            url = value.strip()
            yield _url_problem(f"the {name} of {tag}", url, code=14105) or (known[name], url)


def _problems(element: etree._Element) -> Iterator[Problem]:
    """Yield the problems of the attributes, and of elements where only text is allowed."""
    yield from (part for part in _attributes(element) if isinstance(part, Problem))
    for child in () if element.tag in ("Response", "Message") else element:
        yield Problem(code=12200, text=f"{element.tag} can contain only text, not {shown(str(child.tag))}")


def _message_problem(text: str, media: tuple[str, ...]) -> Problem | None:
    if not text.strip() and not media:
        return Problem(code=14103, text="Message has neither text nor media")
    if len(media) > MAX_MEDIA:
        return Problem(code=14103, text=f"Message can contain at most {MAX_MEDIA} Media, not {len(media)}")
    return _length_problem("Message", text)


def _length_problem(what: str, text: str, *, limit: int = MAX_UNITS, code: int = 21617) -> Problem | None:
    units = utf16_units(text)
    problem = Problem(code=code, text=f"the text of {what} has {units} characters: the limit is {limit}")
    return problem if units > limit else None


def _sms_problem(text: str) -> Problem | None:
    if not text.strip():
        return Problem(code=14103, text="Sms has no text")
    return _length_problem("Sms", text, limit=MAX_SMS_UNITS, code=14103)


def _url_problem(what: str, url: str, *, code: int = 12200) -> Problem | None:
    """Return the problem of an invalid URL, which may be relative."""
    with suppress(ValueError):
        if urlsplit(url).scheme in ("", "http", "https") and re.fullmatch(r"\S+", url):
            return None
    return Problem(code=code, text=f"{what} is {shown(without_secret(url))!r}, which is not an http or https URL")


def _suggestion(name: str, *known: str) -> str:
    """Return an unknown name, with the known name if they differ only in case or in Python's underscores."""
    similar = [each for each in known if each.lower() == name.replace("_", "").lower()]
    return f"{shown(name)}: write {similar[0]}" if similar else shown(name)
