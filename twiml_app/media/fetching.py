"""Downloads media files that Twilio has received: with credentials for Twilio only, and with limits for everything.

A message may be forged, a redirect may point anywhere, and a server may never stop sending: a handler that downloads
must not be the way into the network of the application, nor fill its memory.

https://www.twilio.com/docs/messaging/api/media-resource
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from ..caller import TimedStream, is_http_url, target_of, without_secret, without_userinfo
from ..config import Settings
from ..credentials import Credentials, basic_header
from ..errors import MediaError
from .hosts import is_public, is_twilio, origin_of, resolve_host

_REDIRECTS = (301, 302, 303, 307, 308)
#: Twilio may announce a file before it is there; the others are those of a server that is busy.
_RETRIED = (404, 429, 500, 502, 503, 504)
#: Types that say nothing about a file.
_UNKNOWN = ("", "application/octet-stream", "binary/octet-stream")
_NEEDS_TOKEN = "it needs credentials: set TWILIO_AUTH_TOKEN, or TWIML_AUTH_TOKENS for several accounts"  # noqa: S105

#: Returns the addresses of a host and port, within so many seconds.
Resolve = Callable[[str, int, float], list[str]]
#: Connects to an address and port, within so many seconds.
Connect = Callable[[tuple[str, int], float], socket.socket]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """Limits of size and time of one download."""

    #: That of WhatsApp, the highest, https://www.twilio.com/docs/api/errors/11751
    max_bytes: int = 16 * 1024 * 1024
    max_redirects: int = 5
    #: For everything together: Twilio waits 15 seconds for the answer of a handler.
    total_s: float = 10.0
    #: The pauses before a file that is not there yet is asked for again.
    pauses_s: tuple[float, ...] = (0.25, 0.5, 1.0)


DEFAULT_LIMITS = FetchLimits()


class MediaFetcher:
    """Downloads media files.

    ``resolve`` and ``connect`` make the connections, ``context`` holds the trusted certificate authorities, by default
    those of the system; ``clock`` returns seconds.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        resolve: Resolve = resolve_host,
        connect: Connect = socket.create_connection,
        context: ssl.SSLContext | None = None,
        limits: FetchLimits = DEFAULT_LIMITS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.use_api(settings.api_url, settings.tokens_for)
        self._resolve = resolve
        self._connect = connect
        self._given_context = context
        self._limits = limits
        self._clock = clock
        self._sleep = sleep

    def use_api(self, url: str, tokens_for: Callable[[str], tuple[str, ...]]) -> None:
        """Use another REST API from now on, with the auth tokens of each account: that of an emulator in a test."""
        self._api = origin_of(urlsplit(url))
        self._tokens_for = tokens_for

    def fetch(self, url: str, *, content_type: str, account_sid: str) -> bytes:
        """Return the content of a media file of this type, with the credentials of the account.

        Raises: MediaError.
        """
        download = _Download(url, _plain(content_type), account_sid, self._clock() + self._limits.total_s)
        for pause in self._limits.pauses_s:
            answer = self._follow(download)
            if answer.status not in _RETRIED or self._left_s(download) <= pause:
                break
            self._sleep(pause)
        else:
            answer = self._follow(download)
        if answer.status != 200:
            raise download.error(_status_problem(answer.status, account_sid), answer.status)
        return answer.body

    def _follow(self, download: _Download) -> _Answer:
        """Return the answer at the end of all redirects.

        Raises: MediaError.
        """
        url = download.url
        for _ in range(self._limits.max_redirects + 1):
            answer = self._ask(download, url)
            if not answer.location:
                return answer
            try:
                url = urljoin(url, answer.location)
            except ValueError:
                raise download.error("it redirects to an invalid URL") from None
        raise download.error(f"it redirects more than {self._limits.max_redirects} times")

    def _ask(self, download: _Download, url: str) -> _Answer:
        """Return the answer of one URL, with the first of the account's tokens that is accepted.

        Raises: MediaError.
        """
        parts = self._checked(download, url)
        is_trusted = is_twilio(parts) or origin_of(parts) == self._api
        tokens = self._tokens_for(download.account_sid) if is_trusted and download.account_sid else ()
        headers = [basic_header(Credentials(download.account_sid, token)) for token in tokens] or [""]
        for header in headers:
            answer = self._get(download, parts, header, is_trusted=is_trusted)
            if answer.status != 401:
                break
        if answer.status == 401 and not tokens:
            raise download.error(_NEEDS_TOKEN, 401)
        return answer

    def _checked(self, download: _Download, url: str) -> SplitResult:
        """Return the parts of a URL that may be asked: https, or the REST API of an emulator.

        Raises: MediaError.
        """
        if not is_http_url(url):
            raise download.error("it is not an http or https URL")
        parts = urlsplit(without_userinfo(url))
        if parts.scheme != "https" and origin_of(parts) != self._api:
            problem = f"{parts.hostname} would be asked without encryption, and is not the host of TWIML_API_URL"
            raise download.error(problem)
        return parts

    def _get(self, download: _Download, parts: SplitResult, authorization: str, *, is_trusted: bool) -> _Answer:
        """Send one request, and read the answer as far as it is needed.

        Raises: MediaError.
        """
        headers = {"Host": parts.netloc, "User-Agent": "twiml_app", "Accept": "*/*", "Accept-Encoding": "identity"}
        if authorization:
            headers["Authorization"] = authorization
        try:
            with closing(self._open(download, parts, is_trusted=is_trusted)) as connection:
                connection.request("GET", target_of(parts), headers=headers | {"Connection": "close"})
                with TimedStream(connection.sock, self._left_s(download)).answer("GET") as answer:
                    answer.begin()
                    return self._read(download, answer)
        except (OSError, http.client.HTTPException) as error:
            problem = f"there is no answer of {parts.hostname}: {str(error) or type(error).__name__}"
            raise download.error(problem) from error

    def _open(self, download: _Download, parts: SplitResult, *, is_trusted: bool) -> http.client.HTTPConnection:
        """Connect to an address that has been checked, so that a name cannot mean another one a moment later.

        A trusted host may have any address: it is the emulator, or its certificate proves that it is Twilio.

        Raises: OSError; MediaError, if the address is not public.
        """
        _, host, port = origin_of(parts)
        addresses = self._resolve(host, port, self._left_s(download))
        if private := [each for each in addresses if not is_trusted and not is_public(each)]:
            raise download.error(f"{parts.hostname} has the address {private[0]}, which is not public")
        connection = http.client.HTTPConnection(host, port)
        connection.sock = self._connected(download, addresses, port)
        if parts.scheme == "https":
            try:
                connection.sock = self._context.wrap_socket(connection.sock, server_hostname=parts.hostname)
            except BaseException:
                connection.sock.close()
                raise
        return connection

    def _connected(self, download: _Download, addresses: list[str], port: int) -> socket.socket:
        """Return a connection to the first address that can be reached.

        Raises: OSError.
        """
        problem = OSError("the host has no address")
        for address in addresses:
            try:
                return self._connect((address, port), self._left_s(download))
            except OSError as error:
                problem = error
        raise problem

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return self._given_context or ssl.create_default_context()

    def _read(self, download: _Download, answer: http.client.HTTPResponse) -> _Answer:
        """Return an answer; the body is read only if it is the file.

        Raises: OSError; MediaError, if it is not the file that was announced, or too large.
        """
        if answer.status in _REDIRECTS:
            return _Answer(answer.status, answer.headers.get("Location", ""))
        if answer.status != 200:
            return _Answer(answer.status)
        for problem in _problems(download, answer, self._limits.max_bytes):
            raise download.error(problem)
        body = answer.read(self._limits.max_bytes + 1)
        if len(body) > self._limits.max_bytes:
            raise download.error(_too_large(self._limits.max_bytes))
        if answer.length:
            raise OSError(f"it breaks off after {len(body)} bytes")
        return _Answer(200, body=body)

    def _left_s(self, download: _Download) -> float:
        """Return the seconds that are left of a download.

        Raises: MediaError, if there are none.
        """
        left = download.deadline - self._clock()
        if left <= 0:
            raise download.error(f"it takes longer than {self._limits.total_s:g} seconds")
        return left


@dataclass(frozen=True, slots=True)
class _Download:
    """One download: what was announced, and when it has to end."""

    url: str
    content_type: str
    account_sid: str
    deadline: float

    def error(self, problem: str, status: int = 0) -> MediaError:
        """Return the error of this download."""
        shown = without_userinfo(self.url) if is_http_url(self.url) else without_secret(self.url)
        return MediaError(problem, file=shown, status=status)


class _Answer(NamedTuple):
    status: int
    location: str = ""
    body: bytes = b""


def _problems(download: _Download, answer: http.client.HTTPResponse, max_bytes: int) -> Iterator[str]:
    """Yield why an answer is refused before its body is read."""
    found = _plain(answer.headers.get("Content-Type", ""))
    announced = download.content_type
    if found not in (announced, *_UNKNOWN) and (announced or found == "text/html"):
        yield f"it is {found}, not {announced or 'a media file'} as the webhook said"
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        yield "it is compressed, although that was not asked for"
    if answer.length is None and not answer.chunked:
        yield "the answer does not say how long it is"
    if answer.length and answer.length > max_bytes:
        yield _too_large(max_bytes)


def _plain(content_type: str) -> str:
    """Return a content type in lower case, without parameters."""
    bare = content_type.partition(";")[0].strip().lower()
    return "image/jpeg" if bare == "image/jpg" else bare


def _too_large(max_bytes: int) -> str:
    return f"it has more than {max_bytes} bytes"


def _status_problem(status: int, account_sid: str) -> str:
    if status == 401:
        return f"the credentials of {account_sid} are refused (401): compare TWILIO_AUTH_TOKEN with Twilio's console"
    if status == 404:
        return "there is no such file (404): it was deleted, or is not there yet"
    return f"the answer is {status}"
