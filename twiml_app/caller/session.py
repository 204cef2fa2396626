"""State kept between outgoing requests: logins, cookies, and cached answers."""

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
from .urls import target_of

COOKIE_LIFETIME_S = 4 * 3600

#: Twilio reads no more of a document; longer answers are not cached.
MAX_KEPT_BYTES = 64 * 1024
#: How many scopes have cookies; the longest unused are dropped first.
MAX_SCOPES = 10_000
#: How many cookies a scope has, and how long one can be with its name.
MAX_COOKIES = 1000
MAX_COOKIE_CHARACTERS = 4096

#: What cookies belong to: From, To and the host in lower case.
CookieScope = tuple[str, str, str]


@dataclass(slots=True)
class Login:
    """A challenge answered with the credentials of a URL, and how often it was answered."""

    userinfo: str
    challenge: Challenge
    client_nonce: str
    count: int = 0

    @classmethod
    def opened(cls, url: str, response: WebhookResponse, new_nonce: Callable[[], str]) -> Login | None:
        """Return a login for the challenge of a 401; None if the URL or the challenge does not allow one."""
        userinfo = _userinfo(url)
        if response.status != 401 or not userinfo:
            return None
        given = (value for name, value in response.headers if name.lower() == "www-authenticate")
        challenge = strongest(read_challenges(given))
        return cls(userinfo, challenge, new_nonce()) if challenge else None

    @property
    def is_stale(self) -> bool:
        """Whether the challenge refuses an earlier answer only because of its nonce."""
        return self.challenge.is_stale

    def header(self, method: str, url: str) -> str:
        """Return the Authorization header of the next request."""
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
    """The logins of one event, per host: Twilio stays logged in for all requests that the event causes.

    https://www.twilio.com/docs/usage/security#http-authentication
    """

    def __init__(self) -> None:
        self._logins: dict[tuple[str, str], Login] = {}

    def login(self, url: str) -> Login | None:
        """Return the login for a URL: the one of its host with the same credentials."""
        login = self._logins.get(_origin(url))
        return login if login and login.userinfo == _userinfo(url) else None

    def note(self, url: str, login: Login, *, is_accepted: bool) -> None:
        """Keep a login that was accepted; drop one that was refused."""
        self._logins.pop(_origin(url), None)
        if is_accepted:
            self._logins[_origin(url)] = login


def _userinfo(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[0]


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


class CookieJar:
    """Cookies per pair of numbers and host, dropped after four hours without use, or if there are too many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        #: The most recently used last.
        self._kept: dict[CookieScope, tuple[float, dict[str, str]]] = {}
        self._lock = threading.Lock()

    def get(self, scope: CookieScope) -> dict[str, str]:
        """Return the cookies of a scope, by name."""
        used, cookies = self._kept.get(scope, (0.0, {}))
        return cookies if self._clock() - used < COOKIE_LIFETIME_S else {}

    def store(self, scope: CookieScope, headers: Iterable[tuple[str, str]]) -> None:
        """Apply the Set-Cookie headers of an answer, and restart the lifetime of the other cookies."""
        changes = [_read_cookie(value) for name, value in headers if name.lower() == "set-cookie"]
        with self._lock:
            cookies = self.get(scope) | dict(changes)
            left = [(name, text) for name, text in cookies.items() if text is not None and _fits(name, text)]
            kept = dict(left[-MAX_COOKIES:])
            self._kept.pop(scope, None)
            if kept:
                self._kept[scope] = (self._clock(), kept)
            self._drop_expired()

    def _drop_expired(self) -> None:
        """Drop expired cookies and those of too many scopes; the longest unused come first."""
        latest = self._clock() - COOKIE_LIFETIME_S
        while self._kept:
            scope = next(iter(self._kept))
            if len(self._kept) <= MAX_SCOPES and self._kept[scope][0] > latest:
                return
            del self._kept[scope]


def _read_cookie(value: str) -> tuple[str, str | None]:
    """Return the name and value that a Set-Cookie sets; the value is None if it deletes the cookie."""
    pair, *attributes = (part.strip() for part in value.split(";"))
    name, equals, text = pair.partition("=")
    is_over = any(_is_over(*attribute.lower().partition("=")[::2]) for attribute in attributes)
    return name, text if equals and name and not is_over else None


def _fits(name: str, text: str) -> bool:
    return len(name) + len(text) <= MAX_COOKIE_CHARACTERS


def _is_over(attribute: str, value: str) -> bool:
    """Return whether a cookie attribute deletes the cookie: an age of zero or a date in the past."""
    if attribute == "max-age":
        return re.fullmatch(r"-\d+|0+", value) is not None
    try:
        return attribute == "expires" and parsedate_to_datetime(value).timestamp() < time.time()
    except (ValueError, OverflowError):  # not a date, or out of range
        return False


class KeptAnswers:
    """Cached answers to GET with an ETag or Last-Modified header, per URL; the least recently used is dropped first.

    Twilio revalidates such answers: a 304 confirms the cached one. Here every request revalidates, as with no-cache:
    https://support.twilio.com/hc/en-us/articles/223180508-How-can-I-change-the-cache-behavior-of-audio-files
    """

    def __init__(self, most: int = 100) -> None:
        self._most = most
        self._kept: dict[str, WebhookResponse] = {}
        self._lock = threading.Lock()

    def conditions(self, url: str) -> Iterator[tuple[str, str]]:
        """Yield the headers that revalidate the cached answer of a URL."""
        kept = self._kept.get(url, WebhookResponse(status=0))
        if etag := kept.header("etag"):
            yield "If-None-Match", etag
        if date := kept.header("last-modified"):
            yield "If-Modified-Since", date

    def settle(self, url: str, response: WebhookResponse) -> WebhookResponse:
        """Return the answer to use: the cached one after a 304, otherwise this one, which is cached if allowed."""
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
