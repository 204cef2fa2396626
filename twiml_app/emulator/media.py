"""Fetch a MediaUrl: its bytes and content type, or the reason why Twilio would refuse it.

By default media is fetched only from this machine. Media on other hosts is then replaced by a placeholder, whose type
is guessed from the file name.

https://www.twilio.com/docs/messaging/guides/accepted-mime-types
"""

from __future__ import annotations

import base64
import ipaddress
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit

from ..caller import OutgoingRequest, Transport, is_http_url, resolve, without_userinfo
from ..credentials import Credentials, basic_header
from ..errors import ApiError
from ..webhook import WebhookResponse
from .content_types import PAGES, PROGRAMS, is_content_type, plain, sniff
from .quoting import shown

BAD_MEDIA = 21620
TOO_MANY_MEDIA = 21623
#: How much of a URL is quoted in an error message.
MAX_URL_CHARACTERS = 200

_REDIRECTS = frozenset({301, 302, 303, 307, 308})

#: Placeholders for images that are not fetched: one white pixel each.
_PLACEHOLDERS = {
    "image/gif": "R0lGODdhAQABAIEAAP///wAAAAAAAAAAACwAAAAAAQABAAAIBAABBAQAOw==",
    "image/png": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mP4DwABAQEAHLCMmQAAAABJRU5ErkJggg==",
    "image/jpeg": (
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1x"
        "eXBkeFxlZ2P/wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAB//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AQH//2Q=="
    ),
}
#: Content types by file extension: Python's own (not those of the machine), and more types that phones send.
_ENDINGS = mimetypes.MimeTypes().types_map[True] | {
    ".amr": "audio/amr",
    ".heic": "image/heic",
    ".ics": "text/calendar",
    ".js": "text/javascript",
    ".ogg": "audio/ogg",
    ".php": "image/jpeg",  # a program, which may answer with anything
    ".vcf": "text/vcard",
    ".webp": "image/webp",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedMedia:
    """A media file as it reaches the phone; empty if it was not fetched and there is no placeholder for its type."""

    #: Lower case, without parameters.
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """Limits of size, number and time."""

    #: For one file, and for all files of a message together; less than the limit of the transport.
    max_bytes: int = 5 * 1024 * 1024
    max_count: int = 10
    max_redirects: int = 5
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 15.0


DEFAULT_LIMITS = MediaLimits()


class MediaFetcher:
    """Fetches media files, and refuses those that Twilio would refuse."""

    def __init__(
        self, transport: Transport, *, fetch_anywhere: bool = False, limits: MediaLimits = DEFAULT_LIMITS
    ) -> None:
        self._transport = transport
        self._fetch_anywhere = fetch_anywhere
        self._limits = limits

    def fetch_all(self, urls: Sequence[str]) -> list[FetchedMedia]:
        """Return the media files of one message.

        Raises: ApiError: 21623 for too many, 21620 for one that cannot be sent or if they are too large together.
        """
        limits = self._limits
        if len(urls) > limits.max_count:
            raise ApiError(TOO_MANY_MEDIA, f"A message can have at most {limits.max_count} media, not {len(urls)}.")
        fetched = [self.fetch(url) for url in urls]
        total = sum(len(media.content) for media in fetched)
        if total > limits.max_bytes:
            problem = f"the media of this message have {total} bytes together, and the limit is {limits.max_bytes}"
            raise ApiError(BAD_MEDIA, f"Invalid media URLs: {problem}. Send smaller files, or several messages.")
        return fetched

    def fetch(self, url: str) -> FetchedMedia:
        """Return the media file at a URL.

        Raises: ApiError, 21620.
        """
        parts = _url_parts(url)
        if not self._may_fetch(parts):
            return _placeholder(url, _ENDINGS.get(PurePosixPath(unquote(parts.path)).suffix.lower(), "image/jpeg"))
        for _ in range(self._limits.max_redirects + 1):
            answer = self._get(url)
            target = answer.header("location") if answer.status in _REDIRECTS else ""
            if not target:
                return self._judge(url, answer)
            url = self._redirected(url, target)
        raise _media_error(url, "it redirects too many times", "Use the final URL.")

    def _may_fetch(self, parts: SplitResult) -> bool:
        return self._fetch_anywhere or _is_loopback(parts)

    def _get(self, url: str) -> WebhookResponse:
        request = OutgoingRequest(
            method="GET",
            url=without_userinfo(url),
            headers=(("User-Agent", "TwilioProxy/1.1"), ("Accept", "*/*"), *_authorization(url)),
            body=b"",
            connect_timeout_s=self._limits.connect_timeout_s,
            read_timeout_s=self._limits.read_timeout_s,
        )
        try:
            return self._transport(request)
        except OSError as error:
            problem = f"there is no response: {str(error) or type(error).__name__}"
            raise _media_error(url, problem, "Is the file server running at this address?") from error

    def _redirected(self, url: str, target: str) -> str:
        """Return the target of a redirect, after the same checks as for the first URL.

        Raises: ApiError, 21620.
        """
        try:
            there = resolve(url, target)
        except ValueError as error:
            raise _media_error(url, "it redirects to an invalid URL", "Correct its Location header.") from error
        parts, named = _url_parts(there), shown(without_userinfo(there), MAX_URL_CHARACTERS)
        if not self._may_fetch(parts):
            problem = f"it redirects to {named}, but media on other machines is not fetched"
            raise _media_error(
                url, problem, "Serve the file from this machine, or allow the emulator to fetch from any host."
            )
        if _is_loopback(parts) and not _is_loopback(urlsplit(url)):
            problem = f"it redirects to {named}, which only this machine can reach"
            raise _media_error(url, problem, "Redirect to a public address.")
        return there

    def _judge(self, url: str, answer: WebhookResponse) -> FetchedMedia:
        """Return the media file in a response.

        Raises: ApiError, 21620.
        """
        if not 200 <= answer.status < 300:
            raise _media_error(url, f"it answers {answer.status}", "Open it yourself: it must answer 200.")
        content_type = plain(answer.content_type)
        _check_type(url, content_type)
        if not answer.body:
            raise _media_error(url, "it is empty", "Does the server send the file?")
        if len(answer.body) > self._limits.max_bytes:
            raise _media_error(url, f"it has more than {self._limits.max_bytes} bytes", "Send a smaller file.")
        _check_bytes(url, content_type, answer.body)
        return FetchedMedia(content_type=content_type, content=answer.body)


def _placeholder(url: str, content_type: str) -> FetchedMedia:
    """Return the placeholder for a media file that is not fetched.

    Raises: ApiError, 21620.
    """
    _check_type(url, content_type)
    return FetchedMedia(content_type=content_type, content=base64.b64decode(_PLACEHOLDERS.get(content_type, "")))


def _url_parts(url: str) -> SplitResult:
    """Return the parts of a URL.

    Raises: ApiError, 21620, if it is not an http or https URL.
    """
    if not is_http_url(url) or not _is_utf8(url):
        # In an invalid URL, a password may be anywhere before the last "@".
        readable = url.rpartition("@")[2].encode(errors="replace").decode()
        raise _shown_media_error(readable, "it is not an http or https URL", "Use the full URL, including the host.")
    return urlsplit(url)


def _is_utf8(text: str) -> bool:
    return text.encode(errors="replace").decode() == text


def _is_loopback(parts: SplitResult) -> bool:
    host = (parts.hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _authorization(url: str) -> tuple[tuple[str, str], ...]:
    userinfo = urlsplit(url).netloc.rpartition("@")[0]
    if not userinfo:
        return ()
    user, _, password = userinfo.partition(":")
    return (("Authorization", basic_header(Credentials(unquote(user), unquote(password)))),)


def check_content_type(media: FetchedMedia) -> None:
    """Refuse a media file whose content type is not valid in a header.

    Raises: ApiError, 21620.
    """
    if not is_content_type(media.content_type):
        problem = f"{shown(media.content_type)!r} is not a content type"
        raise ApiError(BAD_MEDIA, f"Invalid media: {problem}. Use that of the file, such as image/jpeg.")


def uploaded(name: str, content_type: str, content: bytes) -> FetchedMedia:
    """Return a file that was uploaded for a phone to send.

    Raises: ApiError, 21620, for one that Twilio would refuse.
    """
    bare = plain(content_type)
    empty = None if content else ("it is empty", "Choose another file.")
    for found in (_type_problem(bare), empty, _bytes_problem(bare, content)):
        if found:
            raise ApiError(BAD_MEDIA, f"Invalid media: {shown(name)}: {found[0]}. {found[1]}")
    return FetchedMedia(content_type=bare, content=content)


def _check_type(url: str, content_type: str) -> None:
    """Refuse a content type that is not one of media.

    Raises: ApiError, 21620.
    """
    if found := _type_problem(content_type):
        raise _media_error(url, *found)


def _type_problem(content_type: str) -> tuple[str, str] | None:
    """Return why a content type is not one of media, and what to do; None if it is one."""
    if not is_content_type(content_type):
        readable = " ".join(content_type.split())
        problem = f"its content type is {shown(readable) or 'missing'}, so the kind of file is unknown"
        return problem, "Send the content type of the file, such as image/jpeg."
    if content_type in PAGES:
        problem = f"it is an HTML page ({content_type}), not a media file"
        return problem, "Use the URL of the file itself, not of a page that shows it or asks for a login."
    if content_type in PROGRAMS:
        return f"it is a program ({content_type}), not a media file", "Send a link to it in the text."
    return None


def _check_bytes(url: str, content_type: str, content: bytes) -> None:
    """Refuse bytes that do not match their content type.

    Raises: ApiError, 21620.
    """
    if found := _bytes_problem(content_type, content):
        raise _media_error(url, *found)


def _bytes_problem(content_type: str, content: bytes) -> tuple[str, str] | None:
    """Return why bytes do not match their content type, and what to do; None if they may match."""
    found = sniff(content)
    if content_type in found or not (found or content_type in _PLACEHOLDERS):
        return None
    contents = f"are those of {found[0]}" if found else "do not match it"
    problem = f"its content type is {content_type}, but its bytes {contents}"
    return problem, "Send the right content type, or the right file."


def _media_error(url: str, problem: str, remedy: str) -> ApiError:
    return _shown_media_error(without_userinfo(url), problem, remedy)


def _shown_media_error(url: str, problem: str, remedy: str) -> ApiError:
    return ApiError(BAD_MEDIA, f"Invalid media URL: {shown(url, MAX_URL_CHARACTERS)}: {problem}. {remedy}")
