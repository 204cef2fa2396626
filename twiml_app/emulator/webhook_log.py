"""The log of webhook requests to the program, and hooks to watch them."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from werkzeug.datastructures import Authorization

from ..caller import OutgoingRequest, Transport
from ..signature import HEADER, SETTINGS_HEADER, read_signature_settings, verify
from ..webhook import Form, WebhookResponse
from .clocks import Clock
from .debugger import notify

#: How many requests are kept; the oldest are deleted first.
MAX_REQUESTS = 1000
#: How many characters of an answer are kept, and of all requests and answers together.
MAX_BODY = 65_536
MAX_CHARACTERS = 8_000_000
#: The most parameters of a request, and the longest header that is kept.
_MAX_FIELDS = 1000
_MAX_HEADER = 2000

#: The headers of an answer that are kept; those of our own say which handler ran, or that none could.
_KEPT_HEADERS = (
    *("Content-Type", "Location", "WWW-Authenticate"),
    *("X-Twiml-Handler", "X-Twiml-Handler-Ms", "X-Twiml-Exception", "X-Twiml-Program"),
)
#: The signed token of a status URL opens it to anybody who has it.
_TOKEN = re.compile(r"(?<=[?&]token=)[^&]+")
_SID = re.compile(r"(?:Message|Sms)Sid=(\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedWebhook:
    """One HTTP request to the program; retries, answers to challenges and redirects are separate requests."""

    #: Seconds since the epoch, by the emulator's clock.
    date: float
    method: str
    #: Without credentials, and without the token of a status URL.
    url: str
    #: The HTTP status; 0 if there was no answer.
    status: int
    #: Why there was no answer.
    problem: str
    #: How long the request took, in real milliseconds.
    milliseconds: int
    message_sid: str
    #: The parameters that were sent.
    parameters: Mapping[str, str] = field(default_factory=dict)
    #: Whether there was a signature: ``right`` if it is that of the account, otherwise ``wrong``; empty without one.
    signed: bool = False
    signature: str = ""
    #: Whether credentials were sent, and their user.
    has_credentials: bool = False
    user: str = ""
    #: The headers of the answer that describe it: its type, where it redirects, which handler ran.
    response_headers: Mapping[str, str] = field(default_factory=dict)
    #: The answer.
    body: str = ""
    #: Counts the requests.
    number: int = 0

    @property
    def size(self) -> int:
        """The number of characters that it takes."""
        texts = (*self.parameters.values(), *self.response_headers.values(), self.url, self.body)
        return sum(map(len, texts))


class WebhookLog:
    """A transport that logs the requests to the program; ``tokens_of`` returns the secrets of an account sid."""

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        *,
        seconds: Callable[[], float] = time.perf_counter,
        tokens_of: Callable[[str], Sequence[str]] = lambda _: (),
    ) -> None:
        #: Called with every request once it is answered.
        self.watcher: Callable[[LoggedWebhook], None] | None = None
        self.on_logged: Callable[[LoggedWebhook], None] | None = None
        self._transport = transport
        self._clock = clock
        self._seconds = seconds
        self._tokens_of = tokens_of
        self._kept: deque[LoggedWebhook] = deque()
        self._characters = self._count = 0
        self._lock = threading.Lock()

    def __call__(self, request: OutgoingRequest) -> WebhookResponse:
        """Send a request.

        Raises: ConnectFailed; OSError.
        """
        started = self._seconds()
        try:
            response = self._transport(request)
        except OSError as error:
            self._note(request, started, WebhookResponse(status=0), str(error) or type(error).__name__)
            raise
        self._note(request, started, response, "")
        return response

    def all(self) -> list[LoggedWebhook]:
        """Return the requests, oldest first."""
        with self._lock:
            return [*self._kept]

    def clear(self) -> None:
        """Empty the log."""
        with self._lock:
            self._kept.clear()
            self._characters = 0

    def _note(self, request: OutgoingRequest, started: float, response: WebhookResponse, problem: str) -> None:
        logged = self._logged(request, round((self._seconds() - started) * 1000), response, problem)
        notify(self.watcher, logged)
        notify(self.on_logged, logged)

    def _logged(
        self, request: OutgoingRequest, milliseconds: int, response: WebhookResponse, problem: str
    ) -> LoggedWebhook:
        sid = _SID.search(request.body.decode("latin-1")) or _SID.search(request.url)
        form, headers = _form(request), {name.lower(): value for name, value in request.headers}
        authorization = headers.get("authorization", "")
        with self._lock:
            self._count += 1
            logged = LoggedWebhook(
                date=self._clock.now(),
                method=request.method,
                url=_TOKEN.sub("***", request.url),
                status=response.status,
                problem=problem,
                milliseconds=milliseconds,
                message_sid=sid[1] if sid else "",
                parameters=dict(form.items()),
                signed=HEADER.lower() in headers,
                signature=self._judged(request, form, headers),
                has_credentials=bool(authorization),
                user=_user(authorization),
                response_headers=dict(_described(response)),
                body=response.body[:MAX_BODY].decode("utf-8", "replace"),
                number=self._count,
            )
            self._keep(logged)
        return logged

    def _judged(self, request: OutgoingRequest, form: Form, headers: Mapping[str, str]) -> str:
        """Return whether a signature is that of the account of the request."""
        given = headers.get(HEADER.lower(), "")
        if not given:
            return ""
        _, algorithm = read_signature_settings(headers.get(SETTINGS_HEADER.lower(), ""))
        pairs = form.pairs if request.method == "POST" else ()
        tokens = self._tokens_of(form.get("AccountSid", ""))
        is_right = verify(
            request.url,
            pairs,
            given,
            tokens,
            algorithm="HMAC_SHA256" if algorithm == "HMAC_SHA256" else "HMAC_SHA1",
        )
        return "right" if is_right else "wrong"

    def _keep(self, logged: LoggedWebhook) -> None:
        self._kept.append(logged)
        self._characters += logged.size
        while len(self._kept) > MAX_REQUESTS or (self._characters > MAX_CHARACTERS and len(self._kept) > 1):
            self._characters -= self._kept.popleft().size


def _form(request: OutgoingRequest) -> Form:
    """Return the parameters of a request; none if they are too many to be kept."""
    encoded = request.body.decode("latin-1") if request.method == "POST" else urlsplit(request.url).query
    if encoded.count("&") >= _MAX_FIELDS:
        return Form()
    return Form.read(encoded, max_fields=_MAX_FIELDS, strict=False)


def _user(authorization: str) -> str:
    """Return the user in an Authorization header, Basic or Digest."""
    given = Authorization.from_header(authorization)
    return (given.username or "") if given else ""


def _described(response: WebhookResponse) -> list[tuple[str, str]]:
    """Return the headers that are kept, without the token of a status URL."""
    found = [(name, response.header(name)) for name in _KEPT_HEADERS]
    if not found[0][1]:
        found[0] = ("Content-Type", response.content_type)
    return [(name, _TOKEN.sub("***", value)[:_MAX_HEADER]) for name, value in found if value]
