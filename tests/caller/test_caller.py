"""Caller: what goes over the wire when Twilio calls, and what becomes of each answer."""

from __future__ import annotations

import base64
import hashlib
import json
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Authorization

from tests.webhook_requests import TOKEN
from twiml_app.caller.caller import Caller, resolve, without_userinfo
from twiml_app.caller.session import MAX_KEPT_BYTES, CookieJar, KeptAnswers, Session
from twiml_app.caller.types import (
    Call,
    ConnectFailed,
    OutgoingRequest,
    Overrides,
    ProtocolViolation,
    Webhook,
    target_of,
)
from twiml_app.errors import CallError
from twiml_app.signature import HEADER, SETTINGS_HEADER, sign, verify
from twiml_app.webhook import FORM_TYPE, Form, WebhookResponse

URL = "https://sms.example.com/message"
WITH_PAIR = "https://sms:quite%20long%3Aenough@sms.example.com/message"
FORM = Form([("From", "+15005550001"), ("To", "+15005550006"), ("Body", "Grüße & <3 +")])
OK = WebhookResponse(status=200, body=b"<Response/>", content_type="text/xml")
CHALLENGE = WebhookResponse(status=401, headers=(("WWW-Authenticate", 'Basic realm="My Realm"'),))
FAILED = WebhookResponse(status=500, body=b"the handler failed\n")


@dataclass
class Wire:
    """A transport that keeps what is sent, and gives prepared answers; the last one for ever."""

    answers: list[WebhookResponse | OSError]
    sent: list[OutgoingRequest] = field(default_factory=list)
    #: The time, and how much of it each request takes.
    now: float = 1000.0
    takes_s: float = 0.0

    def __call__(self, request: OutgoingRequest) -> WebhookResponse:
        self.sent.append(request)
        self.now += self.takes_s
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, OSError):
            raise answer
        return answer

    def clock(self) -> float:
        """Return the time of this wire."""
        return self.now


def wire(*answers: WebhookResponse | OSError, takes_s: float = 0.0) -> Wire:
    """Make a transport that gives these answers."""
    return Wire(list(answers) or [OK], takes_s=takes_s)


def caller(transport: Wire, token: str = TOKEN) -> Caller:
    """Make a caller that counts its idempotency tokens."""
    tokens = (f"event-{number}" for number in range(1, 100))
    return Caller(transport, token=token, clock=transport.clock, new_token=lambda: next(tokens))


def called_twice(transport: Wire, first: str, second: str) -> list[str]:
    """Call two URLs in one session; return what each request authorizes itself with."""
    twilio, session = caller(transport), Session()
    for url in (first, second):
        twilio.call(Webhook(url=url), FORM, session=session)
    return [header(request, "Authorization") for request in transport.sent]


def call(transport: Wire, url: str = URL, *, method: str = "POST", fallback_url: str = "", form: Form = FORM) -> Call:
    """Call a webhook once."""
    return caller(transport).call(Webhook(url=url, method=method, fallback_url=fallback_url), form)


def failure(transport: Wire, url: str = URL, *, fallback_url: str = "") -> CallError:
    """Call a webhook that fails."""
    with pytest.raises(CallError) as failed:
        call(transport, url, fallback_url=fallback_url)
    return failed.value


def header(request: OutgoingRequest, name: str) -> str:
    """Return a header of a request, empty if there is none."""
    return dict(request.headers).get(name, "")


def is_signed(request: OutgoingRequest) -> bool:
    """Tell whether the signature fits what is sent, taken from the request alone."""
    pairs = parse_qsl(request.body.decode(), keep_blank_values=True)
    return verify(request.url, pairs, header(request, HEADER), [TOKEN])


def moved(status: int, location: str) -> WebhookResponse:
    """Make a redirect."""
    return WebhookResponse(status=status, headers=(("Location", location),))


def test_post_is_sent_as_twilio_sends_it() -> None:
    """Programs are developed against this, so it has to look like the real thing byte for byte."""
    transport = wire()
    answer = call(transport, f"{URL}?step=2#rc=0")
    (request,) = transport.sent

    assert (answer.url, answer.response, answer.failure) == (f"{URL}?step=2", OK, None)
    assert (request.method, request.url) == ("POST", f"{URL}?step=2")
    assert request.body == b"From=%2B15005550001&To=%2B15005550006&Body=Gr%C3%BC%C3%9Fe+%26+%3C3+%2B"
    assert [name for name, _ in request.headers] == [
        "User-Agent",
        "Accept",
        "I-Twilio-Idempotency-Token",
        "Content-Type",
        HEADER,
    ]
    assert (header(request, "User-Agent"), header(request, "Content-Type")) == ("TwilioProxy/1.1", FORM_TYPE)
    assert is_signed(request)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        pytest.param(URL, f"{URL}?{FORM.encode()}", id="no query"),
        pytest.param(f"{URL}?a=%2C&b", f"{URL}?a=%2C&b&{FORM.encode()}", id="query kept as it is written"),
    ],
)
def test_get_carries_the_form_in_the_query(url: str, sent: str) -> None:
    """The signature of a GET covers the query, so a query written anew would not fit."""
    transport = wire()
    call(transport, url, method="GET")
    (request,) = transport.sent

    assert (request.url, request.body, header(request, "Content-Type")) == (sent, b"", "")
    assert is_signed(request)


def test_get_without_a_form_is_the_url_alone() -> None:
    """A question mark with nothing after it would be another URL than the one that is signed."""
    transport = wire()
    call(transport, method="GET", form=Form())

    assert transport.sent[0].url == URL


def test_headers_that_are_given_go_with_every_request() -> None:
    """A replay says of each of its requests that it is one."""
    transport = wire(CHALLENGE, OK)
    Caller(transport, headers=(("X-Replay", "1"),), clock=transport.clock).call(Webhook(url=WITH_PAIR), FORM)

    assert [header(request, "X-Replay") for request in transport.sent] == ["1", "1"]


def test_nothing_is_signed_without_a_token() -> None:
    """A signature with an empty key is one that anybody makes."""
    transport = wire()
    caller(transport, token="").call(Webhook(url=URL), FORM)

    assert header(transport.sent[0], HEADER) == ""


def test_shared_key_signs_as_it_says() -> None:
    """Twilio names the key and the algorithm beside the signature; the token of the account plays no part."""
    transport = wire()
    Caller(transport, token="of the key", key_id="k1", clock=transport.clock).call(Webhook(url=URL), FORM)
    (request,) = transport.sent

    assert header(request, SETTINGS_HEADER) == "key=k1,algorithm=HMAC_SHA256"
    assert header(request, HEADER) == sign(URL, FORM.pairs, "of the key", algorithm="HMAC_SHA256")


def test_credentials_are_sent_once_they_are_asked_for() -> None:
    """Twilio's first request has none: an application that serves it without has no protection."""
    transport = wire(CHALLENGE, OK)
    answer = call(transport, WITH_PAIR)
    first, second = transport.sent

    assert header(first, "Authorization") == ""
    assert header(second, "Authorization") == "Basic " + base64.b64encode(b"sms:quite long:enough").decode()
    assert (second.url, second.body) == (first.url, first.body)
    assert is_signed(second)
    assert [attempt.response for attempt in answer.attempts] == [CHALLENGE, OK]


@pytest.mark.parametrize(
    ("challenge", "answered"),
    [
        pytest.param([("WWW-Authenticate", 'Basic realm="x"')], True, id="realm"),
        pytest.param([("www-authenticate", 'basic charset="UTF-8", realm=x')], True, id="realm further on"),
        pytest.param([("WWW-Authenticate", "Bearer"), ("WWW-Authenticate", "Basic realm=x")], True, id="second header"),
        pytest.param([("WWW-Authenticate", 'Digest realm="x", Basic realm="y"')], True, id="second challenge"),
        pytest.param([], False, id="none"),
        pytest.param([("WWW-Authenticate", "Basic")], False, id="no realm"),
        pytest.param([("WWW-Authenticate", 'Bearer realm="basic"')], False, id="another scheme"),
        pytest.param([("X-Amzn-Remapped-WWW-Authenticate", 'Basic realm="x"')], False, id="header renamed"),
    ],
)
def test_challenge_needs_a_realm(challenge: list[tuple[str, str]], answered: bool) -> None:
    """A gateway that drops the realm locks Twilio out, and that must show before production."""
    transport = wire(WebhookResponse(status=401, headers=tuple(challenge)), OK)

    if answered:
        assert call(transport, WITH_PAIR).response == OK
    else:
        assert failure(transport, WITH_PAIR).code == 11200
        assert len(transport.sent) == 1


def test_challenge_without_credentials_in_the_url_is_a_failure() -> None:
    """A URL that was pasted without its password is the commonest mistake in the console."""
    error = failure(wire(CHALLENGE))

    assert (error.url, error.problem, error.code) == (URL, "answered 401", 11200)


def test_refused_credentials_are_not_sent_again() -> None:
    """A wrong password would otherwise be tried until an edge bans the sender."""
    transport = wire(CHALLENGE, CHALLENGE)

    assert failure(transport, WITH_PAIR).code == 11200
    assert len(transport.sent) == 2


BASIC = "Basic " + base64.b64encode(b"sms:quite long:enough").decode()


def test_login_holds_for_the_session() -> None:
    """Twilio stays logged in for the duration of the action: it does not ask again for every Redirect of a reply."""
    transport = wire(CHALLENGE, OK)

    assert called_twice(transport, WITH_PAIR, WITH_PAIR.replace("message", "other")) == ["", BASIC, BASIC]


def test_login_is_good_however_the_host_is_written() -> None:
    """The case of a host says nothing."""
    assert called_twice(wire(CHALLENGE, OK), WITH_PAIR, WITH_PAIR.replace("sms.example", "SMS.Example"))[-1] == BASIC


def test_calls_without_a_session_log_in_each_for_itself() -> None:
    """Every event begins with a request without credentials, and an application must bear that."""
    transport = wire(CHALLENGE, OK, CHALLENGE, OK)
    twilio = caller(transport)
    for _ in range(2):
        twilio.call(Webhook(url=WITH_PAIR), FORM)

    assert [header(request, "Authorization") for request in transport.sent] == ["", BASIC, "", BASIC]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(WITH_PAIR.replace("sms:", "mms:"), id="other credentials"),
        pytest.param(URL, id="no credentials"),
        pytest.param(WITH_PAIR.replace("https:", "http:"), id="in the clear"),
        pytest.param(WITH_PAIR.replace("sms.example", "other.example"), id="another host"),
        pytest.param(WITH_PAIR.replace(".com", ".com:8443"), id="another port"),
    ],
)
def test_login_is_good_for_its_host_and_credentials_alone(url: str) -> None:
    """Credentials must reach nobody who has not asked for these."""
    assert called_twice(wire(CHALLENGE, OK), WITH_PAIR, url)[-1] == ""


def test_login_outlasts_a_call_without_credentials() -> None:
    """An open page of the same host says nothing about the login."""
    transport = wire(CHALLENGE, OK)
    twilio, session = caller(transport), Session()
    for url in (WITH_PAIR, URL, WITH_PAIR):
        twilio.call(Webhook(url=url), FORM, session=session)

    assert [header(request, "Authorization") for request in transport.sent] == ["", BASIC, "", BASIC]


def test_login_holds_over_a_redirect_on_its_host() -> None:
    """The redirect belongs to the action."""
    transport = wire(CHALLENGE, moved(307, "https://SMS.example.com/other"), OK)
    call(transport, WITH_PAIR.replace("sms.example", "SMS.example"))

    assert [header(request, "Authorization") for request in transport.sent] == ["", BASIC, BASIC]


def test_login_holds_for_retry_and_fallback() -> None:
    """They are the same action."""
    transport = wire(CHALLENGE, FAILED, FAILED, OK)
    call(transport, f"{WITH_PAIR}#rp=5xx", fallback_url=WITH_PAIR.replace("message", "fallback"))

    assert [header(request, "Authorization") for request in transport.sent] == ["", BASIC, BASIC, BASIC]


def test_login_that_is_challenged_anew_is_answered_once_more() -> None:
    """A server that was restarted knows nothing of the login."""
    transport = wire(CHALLENGE, OK, CHALLENGE, OK)

    assert called_twice(transport, WITH_PAIR, WITH_PAIR) == ["", BASIC, BASIC, BASIC]


def test_login_that_is_refused_is_forgotten() -> None:
    """What was good yesterday is not pressed on a server that has said no."""
    transport = wire(CHALLENGE, OK, CHALLENGE, CHALLENGE, OK)
    twilio, session = caller(transport), Session()
    twilio.call(Webhook(url=WITH_PAIR), FORM, session=session)
    with pytest.raises(CallError, match="answered 401"):
        twilio.call(Webhook(url=WITH_PAIR), FORM, session=session)
    twilio.call(Webhook(url=WITH_PAIR), FORM, session=session)

    assert [header(request, "Authorization") for request in transport.sent] == ["", BASIC, BASIC, BASIC, ""]


USER, PASSWORD = 'grüße "sms"', "sehr, \\lang:genug"
DIGEST_PAIR = "https://gr%C3%BC%C3%9Fe%20%22sms%22:sehr%2C%20%5Clang%3Agenug@sms.example.com/message"


@dataclass
class DigestServer:
    """A transport that answers as a server does that wants a Digest, checked by the formula of RFC 7616 (3.4)."""

    algorithm: str = "SHA-256"
    qop: str = "auth, auth-int"
    #: How many requests a nonce is good for.
    uses: int = 100
    sent: list[OutgoingRequest] = field(default_factory=list)
    nonce: int = 1
    used: int = 0

    def __call__(self, request: OutgoingRequest) -> WebhookResponse:
        self.sent.append(request)
        given = Authorization.from_header(header(request, "Authorization"))
        if given is None:
            return self.challenge("")
        if given.nonce != f"nonce {self.nonce}" or self.used == self.uses:
            self.nonce, self.used = self.nonce + 1, 0
            return self.challenge(", stale=TRUE")
        self.used += 1
        is_right = (given.uri, given.opaque) == (target_of(urlsplit(request.url)), 'so "opaque"')
        return OK if is_right and given.response == self.expected(request, given) else self.challenge("")

    def challenge(self, more: str) -> WebhookResponse:
        """Make the challenge."""
        algorithm = f", algorithm={self.algorithm}" if self.algorithm else ""
        qop = f', qop="{self.qop}"' if self.qop else ""
        value = rf'Digest realm="My \"Realm\", here", nonce="nonce {self.nonce}", opaque="so \"opaque\""'
        return WebhookResponse(status=401, headers=(("WWW-Authenticate", value + algorithm + qop + more),))

    def expected(self, request: OutgoingRequest, given: Authorization) -> str:
        """Return the response of the right user with the right password, in the right order of requests."""

        def hashed(*parts: str | None) -> str:
            name = "sha256" if self.algorithm.startswith("SHA") else "md5"
            return hashlib.new(name, ":".join(map(str, parts)).encode()).hexdigest()

        secret = hashed(USER, 'My "Realm", here', PASSWORD)
        if self.algorithm.endswith("-sess"):
            secret = hashed(secret, given.nonce, given.cnonce)
        proof = (f"{self.used:08x}", given.cnonce, "auth") if self.qop else ()
        return hashed(secret, given.nonce, *proof, hashed(request.method, given.uri))


@pytest.mark.parametrize("algorithm", ["", "MD5", "MD5-sess", "SHA-256", "SHA-256-sess"])
@pytest.mark.parametrize("qop", ["", "auth", "auth-int, auth"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_digest_is_answered(algorithm: str, qop: str, method: str) -> None:
    """Twilio supports Digest: a webhook behind it must be reachable in development as well."""
    server = DigestServer(algorithm, qop)
    url = f'{DIGEST_PAIR}?a="b"'
    assert Caller(server).call(Webhook(url=url, method=method), FORM).response == OK
    assert len(server.sent) == 2

    with pytest.raises(CallError, match="answered 401"):
        Caller(server).call(Webhook(url=url.replace("sehr", "nicht"), method=method), FORM)
    assert len(server.sent) == 4


def test_digest_counts_the_requests_of_a_session() -> None:
    """A server takes a number that comes twice for a replay, and a new nonce of the client for another session."""
    server, session = DigestServer(algorithm="MD5-sess"), Session()
    twilio = Caller(server, new_nonce=iter(["ours", "never"]).__next__)
    for _ in range(3):
        twilio.call(Webhook(url=DIGEST_PAIR), FORM, session=session)

    given = [Authorization.from_header(header(request, "Authorization")) for request in server.sent]
    assert [(each.nc, each.cnonce) if each else None for each in given] == [
        None,
        ("00000001", "ours"),
        ("00000002", "ours"),
        ("00000003", "ours"),
    ]


def test_client_nonce_is_made_up_where_none_is_given() -> None:
    """Two logins with one would tell whoever listens that the password is the same."""
    servers = DigestServer(), DigestServer()
    for server in servers:
        Caller(server).call(Webhook(url=DIGEST_PAIR), FORM)

    given = [Authorization.from_header(header(server.sent[1], "Authorization")) for server in servers]
    first, second = (each.cnonce or "" for each in given if each)
    assert len(first) == len(second) == 32
    assert first != second


def test_nonce_that_is_used_up_is_replaced() -> None:
    """Some servers give a nonce for one request."""
    server, session = DigestServer(uses=1), Session()
    twilio = Caller(server)
    for _ in range(2):
        assert twilio.call(Webhook(url=DIGEST_PAIR), FORM, session=session).response == OK

    assert len(server.sent) == 4
    assert server.nonce == 2


def digest(more: str = "") -> WebhookResponse:
    """Make an answer that wants a Digest."""
    return WebhookResponse(status=401, headers=(("WWW-Authenticate", f'Digest realm="x", nonce="y"{more}'),))


@pytest.mark.parametrize(
    ("answers", "requests"),
    [
        pytest.param([digest(), digest(", stale=true"), OK], 3, id="answered once more"),
        pytest.param([digest(), digest(", stale=true"), digest(", stale=true"), OK], 3, id="but no oftener"),
        pytest.param([digest(), digest(", stale=false"), OK], 2, id="not where the password was wrong"),
    ],
)
def test_stale_answer_is_given_once_more(answers: list[WebhookResponse | OSError], requests: int) -> None:
    """A nonce may run out between two requests; a server that says so for ever must not be asked for ever."""
    transport = wire(*answers)
    if len(answers) == requests:
        assert call(transport, WITH_PAIR).response == OK
    else:
        assert failure(transport, WITH_PAIR).status == 401
    assert len(transport.sent) == requests


def test_password_is_not_sent_where_a_digest_would_do() -> None:
    """A server that offers both is answered as well as can be."""
    offered = (
        ("WWW-Authenticate", 'Basic realm="x", Digest realm="x", nonce="y"'),
        *digest(", algorithm=SHA-256").headers,
    )
    transport = wire(WebhookResponse(status=401, headers=offered), OK)
    call(transport, WITH_PAIR)

    assert 'nonce="y", uri="/message", algorithm=SHA-256, response=' in header(transport.sent[1], "Authorization")


def test_password_is_in_nothing_but_the_authorization() -> None:
    """URLs end up in logs, in tickets and in ErrorUrl."""
    transport = wire(CHALLENGE, FAILED, CHALLENGE, WebhookResponse(status=403))
    error = failure(transport, f"{WITH_PAIR}#rc=0", fallback_url=WITH_PAIR.replace("message", "fallback"))
    shown = [str(error), error.url, *(f"{each.url}{each.body!r}" for each in transport.sent)]

    assert error.url == URL.replace("message", "fallback")
    assert not any("quite" in text or "sms:" in text for text in shown)


def test_idempotency_token_is_that_of_the_event() -> None:
    """A program tells a retry from a new event by it."""
    transport = wire(ConnectFailed("refused"), CHALLENGE, OK)
    twilio = caller(transport)
    twilio.call(Webhook(url=WITH_PAIR), FORM)
    twilio.call(Webhook(url=URL), FORM)

    tokens = [header(request, "I-Twilio-Idempotency-Token") for request in transport.sent]
    assert tokens == ["event-1", "event-1", "event-1", "event-2"]


def test_tokens_are_made_up_where_none_are_given() -> None:
    """Two events of one phone must not look like a retry."""
    transport = wire()
    twilio = Caller(transport)
    for _ in range(2):
        twilio.call(Webhook(url=URL), FORM)

    first, second = (header(request, "I-Twilio-Idempotency-Token") for request in transport.sent)
    assert len(first) == len(second) == 36
    assert first != second


@pytest.mark.parametrize(
    ("status", "method"),
    [
        pytest.param(301, "GET", id="301"),
        pytest.param(302, "GET", id="302"),
        pytest.param(303, "GET", id="303"),
        pytest.param(307, "POST", id="307"),
        pytest.param(308, "POST", id="308"),
    ],
)
def test_redirect_is_followed_as_browsers_do(status: int, method: str) -> None:
    """A redirect from http to https quietly turns a POST into a GET: the tests must show it."""
    transport = wire(moved(status, "/other?x=1"), OK)
    answer = call(transport)
    request = transport.sent[1]
    there = "https://sms.example.com/other?x=1"

    assert request.method == method
    assert request.url == (there if method == "POST" else f"{there}&{FORM.encode()}")
    assert request.body == (FORM.encode().encode() if method == "POST" else b"")
    assert is_signed(request)
    assert answer.url == there


@pytest.mark.parametrize(
    ("location", "authorized"),
    [
        pytest.param("/other", True, id="same host"),
        pytest.param("https://sms.example.com/other", True, id="same host, absolute"),
        pytest.param("http://sms.example.com/other", False, id="in the clear"),
        pytest.param("https://evil.example/other", False, id="another host"),
        pytest.param("https://sms.example.com:8443/other", False, id="another port"),
        pytest.param("//evil.example/other", False, id="another host, same scheme"),
    ],
)
def test_credentials_stay_on_the_host_they_are_for(location: str, authorized: bool) -> None:
    """A redirect must not hand the password to somebody else."""
    transport = wire(moved(307, location), CHALLENGE, OK)

    if authorized:
        call(transport, WITH_PAIR)
    else:
        failure(transport, WITH_PAIR)
    assert any(header(request, "Authorization") for request in transport.sent) == authorized


def test_ten_redirects_are_followed_and_no_more() -> None:
    """A loop ends with the number that Twilio's debugger shows."""
    transport = wire(*[moved(307, "/again")] * 10, OK)
    assert call(transport).response == OK

    endless = wire(moved(302, "/again"))
    error = failure(endless)
    assert (error.code, error.problem) == (11215, "too many redirects")
    assert len(endless.sent) == 11


@pytest.mark.parametrize(
    "location",
    [
        pytest.param("ftp://example.com/", id="another scheme"),
        pytest.param("mailto:me", id="no address of a host"),
        pytest.param("http://[", id="broken"),
        pytest.param("https://example.com:99999/", id="port that is none"),
    ],
)
def test_redirect_to_no_http_url_is_a_failure_of_the_call(location: str) -> None:
    """What an application answers must not make the tests crash elsewhere."""
    error = failure(wire(moved(302, location)))

    assert (error.url, error.code) == (URL, 11100)
    assert error.problem == f"redirects to {location!r}, which is no http URL"


def test_redirect_without_a_location_is_an_answer() -> None:
    """There is nowhere to go."""
    assert call(wire(WebhookResponse(status=302))).response.status == 302


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="empty"),
        pytest.param("sms.example.com/message", id="no scheme"),
        pytest.param("/message", id="path alone"),
        pytest.param("https://sms:secret@[", id="broken"),
        pytest.param("https://sms:secret@h:99999/", id="port that is none"),
        pytest.param("ftp://sms:secret@h/", id="another scheme"),
        pytest.param("https://sms:secret@/message", id="no host"),
    ],
)
def test_url_that_is_none_is_refused_before_anything_is_sent(url: str) -> None:
    """It is typed by people, on the command line."""
    transport = wire()
    error = failure(transport, url)

    assert error.code == 11100
    assert "secret" not in str(error)
    assert transport.sent == []


def test_fallback_url_that_is_none_is_refused_at_once() -> None:
    """Otherwise it shows only on the day when the primary fails."""
    transport = wire()

    assert failure(transport, fallback_url="fallback").code == 11100
    assert transport.sent == []


@pytest.mark.parametrize(
    ("answers", "fragment", "requests", "code"),
    [
        pytest.param([ConnectFailed("refused"), OK], "", 2, 0, id="no connection is tried again by default"),
        pytest.param([ConnectFailed("refused")], "", 2, 11205, id="but once"),
        pytest.param([ConnectFailed("refused")], "#rc=0", 1, 11205, id="unless it is not wanted"),
        pytest.param([ConnectFailed("refused")], "#rc=5", 6, 11205, id="or more often"),
        pytest.param([ConnectFailed("refused")], "#rp=5xx", 1, 11205, id="policy without ct"),
        pytest.param([FAILED, OK], "", 1, 11200, id="an error is not tried again by default"),
        pytest.param([FAILED, OK], "#rp=5xx", 2, 0, id="5xx by policy"),
        pytest.param([FAILED, OK], "#rp=4xx", 1, 11200, id="5xx by another policy"),
        pytest.param([WebhookResponse(status=404), OK], "#rp=4xx", 2, 0, id="4xx by policy"),
        pytest.param([WebhookResponse(status=404), OK], "#rp=5xx", 1, 11200, id="4xx by another policy"),
        pytest.param([TimeoutError("timed out"), OK], "#rp=rt", 2, 0, id="rt by policy"),
        pytest.param([TimeoutError("timed out"), OK], "", 1, 11200, id="rt is not tried again by default"),
        pytest.param([ConnectionResetError(), FAILED, OK], "#rc=2&rp=all", 3, 0, id="all"),
        pytest.param([moved(302, "ftp://x")], "#rp=all", 2, 11100, id="all, and never right"),
    ],
)
def test_retries_follow_the_policy_of_the_url(
    answers: list[WebhookResponse | OSError], fragment: str, requests: int, code: int
) -> None:
    """A handler that is not safe to run twice breaks on the first retry: better here than in production."""
    transport = wire(*answers)

    if code:
        assert failure(transport, URL + fragment).code == code
    else:
        assert call(transport, URL + fragment).response == OK
    assert len(transport.sent) == requests


def test_retry_after_a_redirect_begins_again_as_post() -> None:
    """The redirect was that of the failed try."""
    transport = wire(moved(302, "/other"), FAILED, OK)
    call(transport, f"{URL}#rp=5xx")

    assert [(request.method, urlsplit(request.url).path) for request in transport.sent] == [
        ("POST", "/message"),
        ("GET", "/other"),
        ("POST", "/message"),
    ]


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        pytest.param(
            ConnectFailed("no connection to sms.example.com: refused"),
            "no connection to sms.example.com: refused",
            id="said",
        ),
        pytest.param(TimeoutError(), "TimeoutError", id="not said"),
    ],
)
def test_what_went_wrong_is_told_in_words(error: OSError, problem: str) -> None:
    """An empty reason would send people to the debugger."""
    transport = wire(error)
    failed = failure(transport, f"{URL}#rc=0")

    assert str(failed) == f"{URL}: {problem}"
    assert failed.__cause__ is error


def test_every_attempt_is_kept() -> None:
    """The phone and the command line show what happened on the way."""
    answer = call(wire(ConnectFailed("refused"), CHALLENGE, OK), WITH_PAIR)

    assert [(attempt.response, attempt.problem) for attempt in answer.attempts] == [
        (None, "refused"),
        (CHALLENGE, ""),
        (OK, ""),
    ]


def test_error_shows_the_beginning_of_the_answer() -> None:
    """The line of the application says what is wrong; a page of HTML is cut."""
    error = failure(wire(FAILED))
    assert (error.status, error.content_type, error.body) == (500, "", FAILED.body)
    assert error.problem == "answered 500: the handler failed"
    assert failure(wire(WebhookResponse(status=502, body=b"\xff" + b"x" * 1000))).problem == (
        "answered 502: �" + "x" * 199
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(
            b"<!doctype html>\n<html lang=en>\n  <title>500 Internal\r\n\tServer Error</title>\n</html>\n",
            ": <!doctype html> <html lang=en> <title>500 Internal Server Error</title> </html>",
            id="page",
        ),
        pytest.param(b"\n" * 300 + b"the reason", ": the reason", id="lines before the text"),
        pytest.param(b"a\n" * 1000, f": {'a ' * 100}", id="many short lines"),
        pytest.param("a\u2028b\x85c\x0bd".encode(), ": a b c d", id="other ends of lines"),
        pytest.param(b" \n\t", "", id="white space alone"),
    ],
)
def test_answer_is_quoted_in_one_line(body: bytes, said: str) -> None:
    """An error page over many lines buries the line before it and the one after."""
    assert failure(wire(WebhookResponse(status=500, body=body))).problem == f"answered 500{said}"


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        pytest.param("ftp://sms:SECRET@h/", "h/", id="another scheme"),
        pytest.param("ftp://sms:SEC@RET@h/x", "h/x", id="at sign in the password"),
        pytest.param("http://sms:SECRET@[::1/x", "[::1/x", id="host that is none"),
        pytest.param("http://sms:SECRET@\u2100.example/x", "\u2100.example/x", id="host that is forbidden"),
        pytest.param("http://sms:SECRET@h:99999/x", "h:99999/x", id="port that is none"),
    ],
)
def test_redirect_that_leads_nowhere_shows_no_password(target: str, shown: str) -> None:
    """The error is logged and shown by the debugger, with what caused it."""
    error = failure(wire(moved(302, target)))

    assert (error.problem, error.code) == (f"redirects to {shown!r}, which is no http URL", 11100)
    assert "SECRET" not in "".join(traceback.format_exception(error))


def test_time_limits_are_those_of_the_url_within_the_total() -> None:
    """No request may wait longer than what is left of the whole."""
    transport = wire(CHALLENGE, FAILED, CHALLENGE, OK, takes_s=3)
    call(transport, f"{WITH_PAIR}#ct=2000&rt=8000&tt=12000&rp=5xx")

    assert [(request.connect_timeout_s, request.read_timeout_s) for request in transport.sent] == [
        (2, 8),
        (2, 8),
        (2, 6),
        (2, 3),
    ]


@pytest.mark.parametrize(
    ("answers", "url", "requests", "code"),
    [
        pytest.param([FAILED], f"{URL}#rc=5&rp=all", 3, 11200, id="retries"),
        pytest.param([moved(307, "/again")], URL, 3, 11203, id="redirects"),
        pytest.param([moved(307, "/message"), moved(307, "/message"), CHALLENGE], WITH_PAIR, 3, 11203, id="challenge"),
    ],
)
def test_nothing_is_sent_once_the_total_time_is_over(
    answers: list[WebhookResponse | OSError], url: str, requests: int, code: int
) -> None:
    """Twilio gives up after 15 seconds, whatever is still to do."""
    transport = wire(*answers, takes_s=5)

    assert failure(transport, url).code == code
    assert len(transport.sent) == requests


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(ConnectFailed("refused"), 11205, id="no connection"),
        pytest.param(ConnectFailed("no such host", code=11210), 11210, id="no connection, and why"),
        pytest.param(ProtocolViolation("not an HTTP answer"), 11206, id="no HTTP"),
        pytest.param(ConnectionResetError("reset"), 11200, id="broken"),
    ],
)
def test_code_says_what_failed(error: OSError, code: int) -> None:
    """The fallback URL is told the number, and people look it up."""
    transport = wire(error, OK)
    answer = call(transport, f"{URL}#rc=0", fallback_url="https://fallback.example/x")

    assert answer.failure
    assert answer.failure.code == code
    assert f"&ErrorCode={code}&" in transport.sent[1].body.decode()


def test_no_connection_is_tried_again_whatever_its_code() -> None:
    """By default Twilio tries again where nothing was sent: a failed handshake is such a case."""
    transport = wire(ConnectFailed("handshake", code=11220), OK)

    assert call(transport).response == OK


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        pytest.param("", (), id="none"),
        pytest.param("e=ashburn", (), id="edge"),
        pytest.param("e=dublin,sao-paulo,ashburn-ix&rp=4xx,5xx,ct,rt,all", (), id="lists"),
        pytest.param("ct=0&rt=x&tt=99999999&rc=9&sni=y&x=y", (), id="numbers out of bounds, and what is unknown"),
        pytest.param(
            "e=mars",
            (
                (
                    11240,
                    "e=mars: no such edge; there are ashburn, dublin, frankfurt, sao-paulo, singapore, sydney, tokyo, "
                    "umatilla",
                ),
            ),
            id="unknown edge",
        ),
        pytest.param(
            "rp=ct,6xx", ((11243, "rp=6xx: no such policy; there are 4xx, 5xx, ct, rt, all"),), id="unknown policy"
        ),
    ],
)
def test_overrides_that_twilio_would_refuse_are_told(fragment: str, expected: tuple[tuple[int, str], ...]) -> None:
    """A misspelled policy means no retry at all, and nobody notices until the day it is needed."""
    assert Overrides.mistakes(fragment) == expected


def test_every_mistake_is_told() -> None:
    """A list is set right at once, not word by word."""
    assert [code for code, _ in Overrides.mistakes("rp=a,all,b&e=mars,moon,tokyo")] == [11240, 11240, 11243, 11243]


@given(st.text(max_size=60))
def test_any_fragment_is_judged(fragment: str) -> None:
    """The URL is typed by people."""
    assert {code for code, _ in Overrides.mistakes(fragment + "&e=mars")} <= {11240, 11243}


def test_fallback_is_called_with_what_failed() -> None:
    """A fallback that cannot tell why it is called can do nothing better than apologize."""
    transport = wire(CHALLENGE, FAILED, CHALLENGE, OK)
    answer = call(transport, f"{WITH_PAIR}?a=1", fallback_url="https://sms:quite@sms.example.com/fallback")
    form = Form.read(transport.sent[-1].body.decode(), max_fields=500)

    assert answer.url == "https://sms.example.com/fallback"
    assert answer.failure
    assert (answer.failure.code, answer.failure.problem) == (11200, "answered 500: the handler failed")
    assert form.pairs == (*FORM.pairs, ("ErrorCode", "11200"), ("ErrorUrl", f"{URL}?a=1"))
    assert header(transport.sent[-1], "I-Twilio-Idempotency-Token") == "event-2"
    assert is_signed(transport.sent[-1])
    assert len(answer.attempts) == 4


def test_fallback_that_fails_too_is_the_error() -> None:
    """Twilio's debugger lists both; the last one is where to look."""
    error = failure(wire(FAILED, ConnectFailed("refused")), fallback_url="https://fallback.example/x")

    assert (error.url, error.code) == ("https://fallback.example/x", 11205)


def with_cookies(*cookies: str) -> WebhookResponse:
    """Make an answer that sets cookies."""
    return WebhookResponse(status=200, headers=tuple(("Set-Cookie", cookie) for cookie in cookies))


def converse(transport: Wire, twilio: Caller, *, contact: str = "+1", number: str = "+2", url: str = URL) -> str:
    """Call once, and return the cookies that were sent."""
    twilio.call(Webhook(url=url), Form([("From", contact), ("To", number)]))
    return header(transport.sent[-1], "Cookie")


@pytest.mark.parametrize(
    ("set_cookies", "sent"),
    [
        pytest.param(["session=a.b-c; HttpOnly; Path=/"], "session=a.b-c", id="session of Flask"),
        pytest.param(["a=1", "b=2; Max-Age=60"], "a=1; b=2", id="several"),
        pytest.param(['a="x y\\073"; Partitioned; SameSite=None'], 'a="x y\\073"', id="quoted, sent as it came"),
        pytest.param(["a=b=c"], "a=b=c", id="equals sign in the value"),
        pytest.param(["a=1", "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/"], "", id="deleted"),
        pytest.param(["broken", "=x", "", ";"], "", id="broken"),
    ],
)
def test_cookies_come_back_with_the_next_call(set_cookies: list[str], sent: str) -> None:
    """Flask's session works across the texts of one person, because Twilio keeps cookies."""
    transport = wire(with_cookies(*set_cookies))
    twilio = caller(transport)

    assert converse(transport, twilio) == ""
    assert converse(transport, twilio) == sent


def test_cookies_belong_to_two_numbers_and_a_host() -> None:
    """The session of one customer must never reach another's."""
    transport = wire(with_cookies("session=ann"), OK)
    twilio = caller(transport)
    converse(transport, twilio)

    assert converse(transport, twilio, contact="+3") == ""
    assert converse(transport, twilio, number="+3") == ""
    assert converse(transport, twilio, url="https://other.example/") == ""
    assert converse(transport, twilio) == "session=ann"


def test_cookies_are_forgotten_after_four_hours_without_use() -> None:
    """A conversation that goes on keeps its session; one that is taken up the next day begins anew."""
    transport = wire(with_cookies("session=ann"), OK)
    twilio = caller(transport)
    converse(transport, twilio)

    for _ in range(3):
        transport.now += 4 * 3600 - 1
        assert converse(transport, twilio) == "session=ann"
    transport.now += 4 * 3600
    assert converse(transport, twilio) == ""


def test_cookies_may_live_by_a_clock_of_their_own() -> None:
    """An emulator sets its clock forward by hours, while the limits of a request are real seconds."""
    emulated = 1000.0
    transport = wire(with_cookies("session=ann"), OK, takes_s=5)
    twilio = Caller(transport, clock=transport.clock, cookies=CookieJar(lambda: emulated))
    converse(transport, twilio)

    transport.now += 5 * 3600
    assert converse(transport, twilio) == "session=ann"
    emulated += 4 * 3600
    assert converse(transport, twilio) == ""


def fetch(twilio: Caller, transport: Wire, url: str = URL, *, method: str = "GET") -> tuple[WebhookResponse, str, str]:
    """Call a URL without a form; return the answer that counts, and the conditions that were sent."""
    answer = twilio.call(Webhook(url=url, method=method), Form()).response
    return answer, header(transport.sent[-1], "If-None-Match"), header(transport.sent[-1], "If-Modified-Since")


def tagged(*headers: tuple[str, str], body: bytes = b"<Response/>", status: int = 200) -> WebhookResponse:
    """Make an answer with these headers."""
    return WebhookResponse(status=status, body=body, content_type="text/xml", headers=headers)


DATE = "Wed, 21 Oct 2015 07:28:00 GMT"
UNCHANGED = WebhookResponse(status=304)


@pytest.mark.parametrize(
    ("headers", "conditions"),
    [
        pytest.param([("ETag", 'W/"1"')], ('W/"1"', ""), id="tag"),
        pytest.param([("last-modified", DATE)], ("", DATE), id="date"),
        pytest.param(
            [("ETag", '"1"'), ("Last-Modified", DATE), ("Cache-Control", "no-cache")], ('"1"', DATE), id="both"
        ),
    ],
)
def test_answer_to_get_is_kept_as_long_as_it_is_good(
    headers: list[tuple[str, str]], conditions: tuple[str, str]
) -> None:
    """Twilio caches what has an ETag: a program that forgets to change it is stuck with its old answer."""
    kept = tagged(*headers)
    transport = wire(kept, UNCHANGED, UNCHANGED, OK, OK)
    twilio = caller(transport)

    assert fetch(twilio, transport) == (kept, "", "")
    assert fetch(twilio, transport) == (kept, *conditions)
    assert fetch(twilio, transport) == (kept, *conditions)
    assert fetch(twilio, transport) == (OK, *conditions)
    assert fetch(twilio, transport) == (OK, "", "")


def test_answer_that_came_unchanged_is_shown_as_it_came() -> None:
    """The attempts tell what went over the wire."""
    transport = wire(tagged(("ETag", '"1"')), UNCHANGED)
    twilio = caller(transport)
    fetch(twilio, transport)
    attempts = twilio.call(Webhook(url=URL, method="GET"), Form()).attempts

    assert [attempt.response for attempt in attempts] == [UNCHANGED]


def test_latest_answer_is_the_one_that_is_kept() -> None:
    """A new tag goes with a new body."""
    old, new = tagged(("ETag", '"1"'), body=b"old"), tagged(("ETag", '"2"'), body=b"new")
    transport = wire(old, new, FAILED, UNCHANGED)
    twilio = caller(transport)
    for _ in range(2):
        fetch(twilio, transport)
    with pytest.raises(CallError, match="answered 500"):
        fetch(twilio, transport)

    assert fetch(twilio, transport) == (new, '"2"', "")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(tagged(), id="neither tag nor date"),
        pytest.param(tagged(("ETag", '"1"'), ("cache-control", "private, No-Store")), id="not to be stored"),
        pytest.param(tagged(("ETag", '"1"'), status=201), id="another status"),
        pytest.param(tagged(("ETag", '"1"'), body=b"x" * (MAX_KEPT_BYTES + 1)), id="longer than a document"),
    ],
)
def test_other_answers_are_not_kept(answer: WebhookResponse) -> None:
    """What is not to be stored may hold what a person wrote."""
    transport = wire(answer, UNCHANGED)
    twilio = caller(transport)
    fetch(twilio, transport)

    assert fetch(twilio, transport) == (UNCHANGED, "", "")


def test_answer_to_post_is_never_kept() -> None:
    """A POST is an event, and an event is answered anew."""
    transport = wire(tagged(("ETag", '"1"')))
    twilio = caller(transport)
    fetch(twilio, transport, method="POST")
    assert fetch(twilio, transport)[1:] == ("", "")
    assert fetch(twilio, transport, method="POST")[1:] == ("", "")

    transport.answers = [UNCHANGED]
    assert fetch(twilio, transport, method="POST")[0] == UNCHANGED


def test_answer_is_kept_for_the_whole_url_with_its_form() -> None:
    """The answer to one text is not that to another."""
    transport = wire(tagged(("ETag", '"1"')))
    twilio = caller(transport)
    for body in ("a", "b", "a"):
        twilio.call(Webhook(url=URL, method="GET"), Form([("Body", body)]))

    assert [header(request, "If-None-Match") for request in transport.sent] == ["", "", '"1"']


def test_answer_that_was_not_used_for_longest_goes_first() -> None:
    """A long run must not fill the memory."""
    answers = KeptAnswers(most=2)
    for url in ("a", "b"):
        answers.settle(url, tagged(("ETag", f'"{url}"')))
    answers.settle("a", UNCHANGED)
    answers.settle("c", tagged(("ETag", '"c"')))

    assert [list(answers.conditions(url)) for url in "abc"] == [
        [("If-None-Match", '"a"')],
        [],
        [("If-None-Match", '"c"')],
    ]


def test_condition_goes_with_the_credentials_too() -> None:
    """The request of a challenge is repeated as it was."""
    kept = tagged(("ETag", '"1"'))
    transport = wire(CHALLENGE, kept, CHALLENGE, UNCHANGED)
    twilio = caller(transport)
    fetch(twilio, transport, WITH_PAIR)

    assert fetch(twilio, transport, WITH_PAIR) == (kept, '"1"', "")
    assert [header(request, "If-None-Match") for request in transport.sent] == ["", "", '"1"', '"1"']


def test_cookie_of_the_challenge_is_sent_with_the_credentials() -> None:
    """Balancers set one on the first answer, to find the same worker again."""
    transport = wire(WebhookResponse(status=401, headers=(*CHALLENGE.headers, ("set-cookie", "edge=7"))), OK)
    call(transport, WITH_PAIR)

    assert [header(request, "Cookie") for request in transport.sent] == ["", "edge=7"]


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        pytest.param("https://a:b@h/x?y=1#z", "https://h/x?y=1", id="all parts"),
        pytest.param("https://h", "https://h/", id="no path"),
        pytest.param("https://h?x=1", "https://h/?x=1", id="no path and a query"),
        pytest.param("https://a:b@H.example:8443/x", "https://H.example:8443/x", id="port, and case of the host"),
        pytest.param("https://a:p@ss@h/x", "https://h/x", id="at sign in the password"),
        pytest.param(
            "https://h/grüße?q=ü b", "https://h/gr%C3%BC%C3%9Fe?q=%C3%BC%20b", id="what cannot go on the wire"
        ),
        pytest.param("https://h/%fc?a=%2c", "https://h/%fc?a=%2c", id="what is encoded already"),
    ],
)
def test_url_is_called_without_credentials_and_fragment(url: str, bare: str) -> None:
    """What is called is what is signed: nothing else may be touched."""
    assert without_userinfo(url) == bare


@pytest.mark.parametrize(
    ("url", "target", "expected"),
    [
        pytest.param("https://a:b@h/x/y", "z", "https://a:b@h/x/z", id="relative"),
        pytest.param("https://a:b@h/x", "https://h/z", "https://a:b@h/z", id="same host"),
        pytest.param("https://a:b@h/x", "https://c:d@h/z", "https://c:d@h/z", id="with credentials of its own"),
        pytest.param("https://h/x", "?z", "https://h/x?z", id="none to keep"),
        pytest.param("https://a:b@h/x#rc=2", "/z", "https://a:b@h/z", id="overrides are not those of another URL"),
    ],
)
def test_relative_url_is_resolved_with_the_credentials_of_its_host(url: str, target: str, expected: str) -> None:
    """A Redirect back to the application is challenged like any request."""
    assert resolve(url, target) == expected


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    pairs=st.lists(st.tuples(texts, texts), max_size=8),
    path=texts,
    query=texts,
    method=st.sampled_from(["GET", "POST"]),
    redirect=st.sampled_from([(), (302,), (307,), (301, 308)]),
)
def test_signature_fits_whatever_is_sent(
    pairs: list[tuple[str, str]], path: str, query: str, method: str, redirect: Iterable[int]
) -> None:
    """A receiver sees only what arrives, and must be able to verify it."""
    form = Form(pairs)
    transport = wire(*(moved(status, f"/next?{json.dumps(query)}") for status in redirect), CHALLENGE, OK)
    url = f"https://a:b@h/{path.replace('#', '')}?{query.replace('#', '')}"
    call(transport, url, method=method, form=form)

    assert all(is_signed(request) for request in transport.sent)
    assert all(request.url.isascii() and "@" not in urlsplit(request.url).netloc for request in transport.sent)
