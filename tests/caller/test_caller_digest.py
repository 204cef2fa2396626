"""Digest: the caller answers a challenge of RFC 7616 as its server expects."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from werkzeug.datastructures import Authorization

from tests.caller.calling import FORM, OK, WITH_PAIR, call, failure, header, wire
from twiml_app.caller.caller import Caller
from twiml_app.caller.session import Session
from twiml_app.caller.types import OutgoingRequest, Webhook
from twiml_app.caller.urls import target_of
from twiml_app.errors import CallError
from twiml_app.webhook import WebhookResponse

USER, PASSWORD = 'grüße "sms"', "sehr, \\lang:genug"
DIGEST_PAIR = "https://gr%C3%BC%C3%9Fe%20%22sms%22:sehr%2C%20%5Clang%3Agenug@sms.example.com/message"


@dataclass
class DigestServer:
    """A server that requires Digest authentication, checked with the formula of RFC 7616 (3.4)."""

    algorithm: str = "SHA-256"
    qop: str = "auth, auth-int"
    #: The number of requests that a nonce is valid for.
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
        matches = (given.uri, given.opaque) == (target_of(urlsplit(request.url)), 'so "opaque"')
        return OK if matches and given.response == self.expected(request, given) else self.challenge("")

    def challenge(self, more: str) -> WebhookResponse:
        """Make the challenge."""
        algorithm = f", algorithm={self.algorithm}" if self.algorithm else ""
        qop = f', qop="{self.qop}"' if self.qop else ""
        value = rf'Digest realm="My \"Realm\", here", nonce="nonce {self.nonce}", opaque="so \"opaque\""'
        return WebhookResponse(status=401, headers=(("WWW-Authenticate", value + algorithm + qop + more),))

    def expected(self, request: OutgoingRequest, given: Authorization) -> str:
        """Return the response of the right user, password and request count."""

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
    """Twilio supports Digest, so a webhook protected by it must be reachable in development too."""
    server = DigestServer(algorithm, qop)
    url = f'{DIGEST_PAIR}?a="b"'
    assert Caller(server).call(Webhook(url=url, method=method), FORM).response == OK
    assert len(server.sent) == 2

    with pytest.raises(CallError, match="answered 401"):
        Caller(server).call(Webhook(url=url.replace("sehr", "nicht"), method=method), FORM)
    assert len(server.sent) == 4


def test_digest_counts_the_requests_of_a_session() -> None:
    """A server treats a repeated count as a replay attack, and a new client nonce as another session."""
    server, session = DigestServer(algorithm="MD5-sess"), Session()
    twilio = Caller(server, new_nonce=iter(["ours", "unused"]).__next__)
    for _ in range(3):
        twilio.call(Webhook(url=DIGEST_PAIR), FORM, session=session)

    given = [Authorization.from_header(header(request, "Authorization")) for request in server.sent]
    assert [(each.nc, each.cnonce) if each else None for each in given] == [
        None,
        ("00000001", "ours"),
        ("00000002", "ours"),
        ("00000003", "ours"),
    ]


def test_every_login_gets_a_client_nonce_of_its_own() -> None:
    """Two logins with the same nonce would show an eavesdropper that the password is the same."""
    servers = DigestServer(), DigestServer()
    for server in servers:
        Caller(server).call(Webhook(url=DIGEST_PAIR), FORM)

    given = [Authorization.from_header(header(server.sent[1], "Authorization")) for server in servers]
    first, second = (each.cnonce or "" for each in given if each)
    assert len(first) == len(second) == 32
    assert first != second


def test_expired_nonce_is_replaced() -> None:
    """Some servers accept a nonce for one request only."""
    server, session = DigestServer(uses=1), Session()
    twilio = Caller(server)
    for _ in range(2):
        assert twilio.call(Webhook(url=DIGEST_PAIR), FORM, session=session).response == OK

    assert len(server.sent) == 4
    assert server.nonce == 2


def digest(more: str = "") -> WebhookResponse:
    """Make an answer that requires Digest."""
    return WebhookResponse(status=401, headers=(("WWW-Authenticate", f'Digest realm="x", nonce="y"{more}'),))


@pytest.mark.parametrize(
    ("answers", "requests"),
    [
        pytest.param([digest(), digest(", stale=true"), OK], 3, id="answered again"),
        pytest.param([digest(), digest(", stale=true"), digest(", stale=true"), OK], 3, id="but not a third time"),
        pytest.param([digest(), digest(", stale=false"), OK], 2, id="not if the password was wrong"),
    ],
)
def test_stale_nonce_is_answered_once_more(answers: list[WebhookResponse | OSError], requests: int) -> None:
    """A nonce may expire between two requests, but a server that always says so must not cause a loop."""
    transport = wire(*answers)
    if len(answers) == requests:
        assert call(transport, WITH_PAIR).response == OK
    else:
        assert failure(transport, WITH_PAIR).status == 401
    assert len(transport.sent) == requests


def test_password_is_not_sent_if_the_server_accepts_digest() -> None:
    """A server that offers both gets the stronger answer."""
    offered = (
        ("WWW-Authenticate", 'Basic realm="x", Digest realm="x", nonce="y"'),
        *digest(", algorithm=SHA-256").headers,
    )
    transport = wire(WebhookResponse(status=401, headers=offered), OK)
    call(transport, WITH_PAIR)

    assert 'nonce="y", uri="/message", algorithm=SHA-256, response=' in header(transport.sent[1], "Authorization")
