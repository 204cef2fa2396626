"""Plays Twilio calling a webhook: signs, answers the challenge, keeps cookies, follows redirects, retries, falls back.

Everything that calls a webhook uses it: the test phone, ``simulate``, replays, the emulator. The transport is passed
in: ``HttpTransport`` sends over the network, ``WsgiTransport`` calls an application in this process.

The rules come from https://www.twilio.com/docs/usage/security and
https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from ..errors import CallError
from ..signature import HEADER, SETTINGS_HEADER, sign
from ..webhook import FORM_TYPE, Form, WebhookResponse
from .session import CookieJar, CookieScope, KeptAnswers, Login, Session
from .types import (
    INVALID_URL,
    PROTOCOL_VIOLATION,
    RETRIEVAL_FAILURE,
    TOO_MANY_REDIRECTS,
    TOTAL_TIMEOUT,
    Attempt,
    Call,
    ConnectFailed,
    OutgoingRequest,
    Overrides,
    ProtocolViolation,
    Transport,
    Webhook,
)
from .urls import require_http, resolve, without_secret, without_userinfo

MAX_REDIRECTS = 10

#: How many characters of an error answer are quoted.
_SHOWN_CHARACTERS = 200


class Caller:
    """Calls webhooks as Twilio does.

    ``token`` signs the requests; with ``key_id`` it is the secret of that shared key. ``headers`` are sent with every
    request. ``new_token`` creates the idempotency token of an event, ``new_nonce`` the client nonce of a Digest login.
    ``clock`` returns the seconds for the time limits; ``cookies`` may use another clock.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        token: str = "",
        key_id: str = "",
        headers: tuple[tuple[str, str], ...] = (),
        clock: Callable[[], float] = time.monotonic,
        new_token: Callable[[], str] = lambda: str(uuid.uuid4()),
        new_nonce: Callable[[], str] = lambda: secrets.token_urlsafe(24),
        cookies: CookieJar | None = None,
    ) -> None:
        self._new_token = new_token
        self._shared = _Shared(
            transport=transport,
            token=token,
            key_id=key_id,
            headers=headers,
            clock=clock,
            new_nonce=new_nonce,
            cookies=CookieJar(clock) if cookies is None else cookies,
        )

    def call(self, webhook: Webhook, form: Form, *, session: Session | None = None) -> Call:
        """Call a webhook; if it fails and has a fallback URL, call that URL with ErrorUrl and ErrorCode.

        Pass the same session to all calls that one event causes; by default a call gets a new session.

        Raises: CallError, if no URL answers with success, or a URL is invalid.
        """
        __tracebackhide__ = True  # pytest shows the line of the test
        for url in (webhook.url, webhook.fallback_url or webhook.url):
            require_http(url)
        attempts: list[Attempt] = []
        session = Session() if session is None else session
        try:
            return self._fetch(webhook.url, webhook.method, form, session, attempts)
        except CallError as failure:
            if not webhook.fallback_url:
                raise
            error = [("ErrorUrl", without_userinfo(webhook.url)), ("ErrorCode", str(failure.code))]
            answer = self._fetch(webhook.fallback_url, webhook.method, Form([*error, *form.pairs]), session, attempts)
            return replace(answer, failure=failure)

    def _fetch(self, url: str, method: str, form: Form, session: Session, attempts: list[Attempt]) -> Call:
        """Send an event to one URL, with the retries that its overrides allow.

        Raises: CallError.
        """
        __tracebackhide__ = True
        overrides = Overrides.of(urlsplit(url).fragment)
        idempotency_token = self._new_token()
        deadline = self._shared.clock() + overrides.total_s
        tried = 0
        while True:
            sending = _Try(self._shared, method, form, overrides, idempotency_token, deadline, session, attempts)
            try:
                return sending.follow(url)
            except _Failed as failed:
                tried += 1
                if tried > overrides.retries or not overrides.covers(failed.kind) or self._shared.clock() >= deadline:
                    raise failed.error from failed.__cause__


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """Everything that all requests of a caller share."""

    transport: Transport
    token: str
    key_id: str
    headers: tuple[tuple[str, str], ...]
    clock: Callable[[], float]
    new_nonce: Callable[[], str]
    cookies: CookieJar
    answers: KeptAnswers = field(default_factory=KeptAnswers)

    def signature(self, url: str, pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """Yield the headers that sign a request, if there is a token or a shared key."""
        if self.key_id:
            yield SETTINGS_HEADER, f"key={self.key_id},algorithm=HMAC_SHA256"
            yield HEADER, sign(url, pairs, self.token, algorithm="HMAC_SHA256")
        elif self.token:
            yield HEADER, sign(url, pairs, self.token)


class _Failed(Exception):
    """A try that failed, with its kind as in a retry policy: ``ct``, ``rt``, ``4xx``, ``5xx`` or ``other``."""

    def __init__(self, kind: str, error: CallError) -> None:
        super().__init__(str(error))
        self.kind = kind
        self.error = error


@dataclass(slots=True)
class _Try:
    """One try to call a URL: the first request, and those that challenges and redirects add."""

    shared: _Shared
    method: str
    form: Form
    overrides: Overrides
    idempotency_token: str
    deadline: float
    session: Session
    attempts: list[Attempt]

    def follow(self, url: str) -> Call:
        """Send, and follow redirects as a browser does.

        Raises: _Failed.
        """
        for _ in range(MAX_REDIRECTS + 1):
            response = self._authenticated(url)
            target = response.header("location") if response.status in (301, 302, 303, 307, 308) else ""
            if not target:
                return self._finish(url, response)
            url = self._redirected(url, target)
            if response.status in (301, 302, 303):
                self.method = "GET"
        raise self._failed("other", url, "too many redirects", TOO_MANY_REDIRECTS)

    def _redirected(self, url: str, target: str) -> str:
        try:
            location = resolve(url, target)
            require_http(location)
        except (ValueError, CallError):
            problem = f"redirects to {without_secret(target)!r}, which is not an http(s) URL"
            raise self._failed("other", url, problem, INVALID_URL) from None  # the cause may quote the password
        return location

    def _finish(self, url: str, response: WebhookResponse) -> Call:
        if response.status < 400:
            return Call(url=without_userinfo(url), response=response, attempts=tuple(self.attempts))
        excerpt = _excerpt(response.body)
        error = CallError(
            f"answered {response.status}" + (f": {excerpt}" if excerpt else ""),
            url=without_userinfo(url),
            code=RETRIEVAL_FAILURE,
            status=response.status,
            content_type=response.content_type,
            body=response.body,
        )
        raise _Failed(f"{response.status // 100}xx", error)

    def _authenticated(self, url: str) -> WebhookResponse:
        """Send a request and answer its challenge; answer again only if the nonce had expired."""
        login = self.session.login(url)
        response = self._send(url, login)
        for is_answered in (False, True):
            opened = Login.opened(url, response, self.shared.new_nonce)
            if opened is None or (is_answered and not opened.is_stale):
                break
            login = opened
            response = self._send(url, login)
        if login:
            self.session.note(url, login, is_accepted=response.status != 401)
        return response

    def _send(self, url: str, login: Login | None) -> WebhookResponse:
        request = self._request(url, login)
        try:
            response = self.shared.transport(request)
        except ConnectFailed as error:
            raise self._broken("ct", request, error, error.code) from error
        except ProtocolViolation as error:
            raise self._broken("rt", request, error, PROTOCOL_VIOLATION) from error
        except OSError as error:
            raise self._broken("rt", request, error, RETRIEVAL_FAILURE) from error
        self.attempts.append(Attempt(request=request, response=response))
        self.shared.cookies.store(self._cookie_scope(request.url), response.headers)
        return self.shared.answers.settle(request.url, response) if self.method == "GET" else response

    def _request(self, url: str, login: Login | None) -> OutgoingRequest:
        bare = without_userinfo(url)
        if self.method == "GET" and self.form.pairs:
            bare += ("&" if "?" in bare else "?") + self.form.encode()
        left = self.deadline - self.shared.clock()
        if left <= 0:
            raise self._failed("rt", url, f"no answer within {self.overrides.total_s:g} s", TOTAL_TIMEOUT)
        return OutgoingRequest(
            method=self.method,
            url=bare,
            headers=tuple(self._headers(bare, login)),
            body=b"" if self.method == "GET" else self.form.encode().encode(),
            connect_timeout_s=min(self.overrides.connect_timeout_s, left),
            read_timeout_s=min(self.overrides.read_timeout_s, left),
        )

    def _headers(self, url: str, login: Login | None) -> Iterable[tuple[str, str]]:
        yield "User-Agent", "TwilioProxy/1.1"
        yield "Accept", "*/*"
        yield "I-Twilio-Idempotency-Token", self.idempotency_token
        yield from self.shared.headers
        if self.method == "POST":
            yield "Content-Type", FORM_TYPE
        if self.method == "GET":
            yield from self.shared.answers.conditions(url)
        yield from self.shared.signature(url, () if self.method == "GET" else self.form.pairs)
        if login:
            yield "Authorization", login.header(self.method, url)
        if cookies := self.shared.cookies.get(self._cookie_scope(url)):
            yield "Cookie", "; ".join(f"{name}={value}" for name, value in cookies.items())

    def _cookie_scope(self, url: str) -> CookieScope:
        return self.form.get("From", ""), self.form.get("To", ""), urlsplit(url).netloc.lower()

    def _broken(self, kind: str, request: OutgoingRequest, error: OSError, code: int) -> _Failed:
        problem = str(error) or type(error).__name__
        self.attempts.append(Attempt(request=request, response=None, problem=problem))
        return self._failed(kind, request.url, problem, code)

    def _failed(self, kind: str, url: str, problem: str, code: int) -> _Failed:
        return _Failed(kind, CallError(problem, url=without_userinfo(url), code=code))


def _excerpt(body: bytes) -> str:
    """Return the beginning of an answer as one line; HTML is indented, so more is read than is shown."""
    words = body[: 10 * _SHOWN_CHARACTERS].decode("utf-8", "replace").split()
    return " ".join(words)[:_SHOWN_CHARACTERS]
