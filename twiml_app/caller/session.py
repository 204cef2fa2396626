"""What is remembered from one request to the next: where Twilio is logged in, cookies, and answers that may be kept."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit

from ..credentials import Credentials
from ..webhook import WebhookResponse
from .http_auth import Challenge, read_challenges, strongest
from .types import target_of

COOKIE_LIFETIME_S = 4 * 3600

#: As much as Twilio reads of a document: what is longer is fetched anew.
MAX_KEPT_BYTES = 64 * 1024

#: Two numbers and the host that they are a conversation with.
Conversation = tuple[str, str, str]


@dataclass(slots=True)
class Login:
    """A challenge that is answered with the credentials of a URL, and how often it was."""

    userinfo: str
    challenge: Challenge
    client_nonce: str
    count: int = 0

    @classmethod
    def opened(cls, url: str, response: WebhookResponse, new_nonce: Callable[[], str]) -> Login | None:
        """Return how the challenge of a 401 is answered; nothing if the URL has no credentials, or nothing can be."""
        userinfo = _userinfo(url)
        if response.status != 401 or not userinfo:
            return None
        given = (value for name, value in response.headers if name.lower() == "www-authenticate")
        challenge = strongest(read_challenges(given))
        return cls(userinfo, challenge, new_nonce()) if challenge else None

    @property
    def is_stale(self) -> bool:
        """Tell whether the challenge refuses an earlier answer for its nonce alone."""
        return self.challenge.is_stale

    def header(self, method: str, url: str) -> str:
        """Return the Authorization of the next request."""
        self.count += 1
        user, _, password = self.userinfo.partition(":")
        return self.challenge.authorization(
            Credentials(unquote(user), unquote(password)),
            method=method,
            target=target_of(urlsplit(url)),
            client_nonce=self.client_nonce,
            count=self.count,
        )


class Session:
    """Where Twilio is logged in, host by host: it stays so for the duration of an action.

    https://www.twilio.com/docs/usage/security#http-authentication
    """

    def __init__(self) -> None:
        self._logins: dict[tuple[str, str], Login] = {}

    def login(self, url: str) -> Login | None:
        """Return the login that is good for a URL: that of its host, by the same credentials."""
        login = self._logins.get(_origin(url))
        return login if login and login.userinfo == _userinfo(url) else None

    def note(self, url: str, login: Login, *, is_accepted: bool) -> None:
        """Remember a login that was accepted; forget one that was not."""
        self._logins.pop(_origin(url), None)
        if is_accepted:
            self._logins[_origin(url)] = login


def _userinfo(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[0]


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


class CookieJar:
    """The cookies of each pair of numbers, host by host, forgotten after four hours without use."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        #: The latest used last.
        self._kept: dict[Conversation, tuple[float, dict[str, str]]] = {}
        self._lock = threading.Lock()

    def get(self, conversation: Conversation) -> dict[str, str]:
        """Return the cookies of a conversation, by name."""
        used, cookies = self._kept.get(conversation, (0.0, {}))
        return cookies if self._clock() - used < COOKIE_LIFETIME_S else {}

    def store(self, conversation: Conversation, headers: Iterable[tuple[str, str]]) -> None:
        """Keep what an answer sets, and forget what it deletes; a use lets the rest live on."""
        changes = [_read_cookie(value) for name, value in headers if name.lower() == "set-cookie"]
        with self._lock:
            cookies = self.get(conversation) | dict(changes)
            kept = {name: text for name, text in cookies.items() if text is not None}
            self._kept.pop(conversation, None)
            if kept:
                self._kept[conversation] = (self._clock(), kept)
            self._forget()

    def _forget(self) -> None:
        """Drop what was not used for too long: it stands first."""
        latest = self._clock() - COOKIE_LIFETIME_S
        while self._kept:
            conversation = next(iter(self._kept))
            if self._kept[conversation][0] > latest:
                return
            del self._kept[conversation]


def _read_cookie(value: str) -> tuple[str, str | None]:
    """Return the name and the text that a Set-Cookie sets, None for a text that it deletes."""
    pair, *attributes = (part.strip() for part in value.split(";"))
    name, equals, text = pair.partition("=")
    is_over = any(_is_over(*attribute.lower().partition("=")[::2]) for attribute in attributes)
    return name, text if equals and name and not is_over else None


def _is_over(attribute: str, value: str) -> bool:
    """Tell whether an attribute of a cookie ends its life: an age of nothing, or a date in the past."""
    if attribute == "max-age":
        return re.fullmatch(r"-\d+|0+", value) is not None
    try:
        return attribute == "expires" and parsedate_to_datetime(value).timestamp() < time.time()
    except (ValueError, OverflowError):  # no date, or one with numbers of any size
        return False


class KeptAnswers:
    """Answers to GET that have an ETag or a date, by URL; the one that was not used for longest goes first.

    Twilio asks whether such an answer is still good, and a 304 says that it is. It always asks here, as after no-cache:
    https://support.twilio.com/hc/en-us/articles/223180508-How-can-I-change-the-cache-behavior-of-audio-files
    """

    def __init__(self, most: int = 100) -> None:
        self._most = most
        self._kept: dict[str, WebhookResponse] = {}
        self._lock = threading.Lock()

    def conditions(self, url: str) -> Iterator[tuple[str, str]]:
        """Yield the headers that ask whether the answer to a URL has changed."""
        kept = self._kept.get(url, WebhookResponse(status=0))
        if etag := kept.header("etag"):
            yield "If-None-Match", etag
        if date := kept.header("last-modified"):
            yield "If-Modified-Since", date

    def settle(self, url: str, response: WebhookResponse) -> WebhookResponse:
        """Return the answer that counts, the kept one if this says that it is still good; keep this if it may be."""
        with self._lock:
            if response.status == 304:
                return self._use(url, response)
            if response.status == 200:
                self._replace(url, response)
            return response

    def _use(self, url: str, response: WebhookResponse) -> WebhookResponse:
        kept = self._kept.pop(url, None)
        if kept is None:
            return response
        self._kept[url] = kept
        return kept

    def _replace(self, url: str, response: WebhookResponse) -> None:
        self._kept.pop(url, None)
        if _may_be_kept(response):
            self._kept[url] = response
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]


def _may_be_kept(response: WebhookResponse) -> bool:
    caching = (value.lower() for name, value in response.headers if name.lower() == "cache-control")
    directives = {directive.strip() for value in caching for directive in value.split(",")}
    has_validator = bool(response.header("etag") or response.header("last-modified"))
    return has_validator and "no-store" not in directives and len(response.body) <= MAX_KEPT_BYTES
