"""Helpers for the tests of the caller: a transport with prepared answers, and calls over it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import pytest

from tests.webhook_requests import TOKEN
from twiml_app.caller.caller import Caller
from twiml_app.caller.types import Call, OutgoingRequest, Webhook
from twiml_app.errors import CallError
from twiml_app.signature import HEADER, verify
from twiml_app.webhook import Form, WebhookResponse

URL = "https://sms.example.com/message"
WITH_PAIR = "https://sms:quite%20long%3Aenough@sms.example.com/message"
FORM = Form([("From", "+15005550001"), ("To", "+15005550006"), ("Body", "Grüße & <3 +")])
OK = WebhookResponse(status=200, body=b"<Response/>", content_type="text/xml")
CHALLENGE = WebhookResponse(status=401, headers=(("WWW-Authenticate", 'Basic realm="My Realm"'),))
FAILED = WebhookResponse(status=500, body=b"the handler failed\n")
UNCHANGED = WebhookResponse(status=304)
#: The Authorization header of the credentials in WITH_PAIR.
BASIC = "Basic " + base64.b64encode(b"sms:quite long:enough").decode()


@dataclass
class Wire:
    """A transport that keeps the requests and returns prepared answers, repeating the last one."""

    answers: list[WebhookResponse | OSError]
    sent: list[OutgoingRequest] = field(default_factory=list)
    #: The time, and the seconds that each request takes.
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
    """Make a transport that returns these answers."""
    return Wire(list(answers) or [OK], takes_s=takes_s)


def caller(transport: Wire, token: str = TOKEN) -> Caller:
    """Make a caller with numbered idempotency tokens."""
    tokens = (f"event-{number}" for number in range(1, 100))
    return Caller(transport, token=token, clock=transport.clock, new_token=lambda: next(tokens))


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
    """Return whether the signature matches the request as sent."""
    pairs = parse_qsl(request.body.decode(), keep_blank_values=True)
    return verify(request.url, pairs, header(request, HEADER), [TOKEN])


def moved(status: int, location: str) -> WebhookResponse:
    """Make a redirect."""
    return WebhookResponse(status=status, headers=(("Location", location),))


def tagged(*headers: tuple[str, str], body: bytes = b"<Response/>", status: int = 200) -> WebhookResponse:
    """Make an answer with these headers."""
    return WebhookResponse(status=status, body=body, content_type="text/xml", headers=headers)
