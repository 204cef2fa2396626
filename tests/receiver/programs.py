"""Programs for the tests of the receiver, and a journal in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.webhook_requests import BASIC, SID, authorized, read_settings, webhook
from twiml_app import Alert, InboundMessage, Router, StatusCallback
from twiml_app.caller.forms import inbound_form, status_form
from twiml_app.config import Settings
from twiml_app.errors import ClaimLost, Forbidden, JournalUnavailable, RequestRefused, StillRunning
from twiml_app.events import Event
from twiml_app.receiver import Hooks
from twiml_app.receiver.claims import Claim, Outcome, StoredReply
from twiml_app.receiver.receiver import Receiver
from twiml_app.receiver.replay_proofs import REPLAY_HEADER, ReplayProofs
from twiml_app.webhook import Endpoint, WebhookRequest

EMPTY = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
STATUS_SID = "SM" + "7" * 32


def twiml(inside: str) -> bytes:
    """Return a document with some markup."""
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'.encode()


def text(body: str, *, endpoint: Endpoint = "message", **fields: str) -> WebhookRequest:
    """Return an authenticated message request."""
    return authorized(webhook(inbound_form(body, message_sid=SID, fields=fields), endpoint=endpoint))


def status(message_status: str, error_code: int | None = None) -> WebhookRequest:
    """Return an authenticated status callback request."""
    form = status_form(STATUS_SID, message_status, error_code=error_code)
    return authorized(webhook(form, endpoint="status"))


def proven(request: WebhookRequest, settings: Settings) -> WebhookRequest:
    """Mark a request as a replay, as the command does that knows the key of the application."""
    proof = ReplayProofs(settings.secret_keys).make(request.method, request.target, request.body)
    return request._replace(headers={**request.headers, REPLAY_HEADER.lower(): proof})


@dataclass
class Program:
    """A program with a handler of each kind; it records the calls, and some handlers fail."""

    router: Router = field(default_factory=Router)
    called: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        @self.router.message("fail")
        def fail(message: InboundMessage) -> str:
            raise ValueError("a bug")

        @self.router.message("long")
        def long(message: InboundMessage) -> str:
            return "x" * 1601

        @self.router.message("silent")
        def silent(message: InboundMessage) -> None:
            self.called.append("silent")

        @self.router.default
        def echo(message: InboundMessage) -> str:
            self.called.append(f"echo {message.body}")
            return f"you said {message.body}"

        @self.router.opt_out("STOP", "START", "HELP")
        def notified(message: InboundMessage) -> str:
            self.called.append(f"notified {message.body}")
            return "not sent"

    def receiver(
        self, *parts: Mapping[str, object], journal: Memory | None = None, clock: Callable[[], float] = lambda: 0.0
    ) -> Receiver:
        """Return a receiver with these handlers, basic credentials and more settings."""
        return Receiver(
            self.router,
            read_settings(BASIC, *parts),
            journal=journal,
            hooks=Hooks(on_exception=self.errors.append),
            clock=clock,
        )


@dataclass
class Deliveries:
    """Status handlers that record the order in which they run; one of them fails."""

    router: Router = field(default_factory=Router)
    ran: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        @self.router.error_code(range(30000, 30010))
        def first(status: StatusCallback) -> None:
            self.ran.append(f"first {status.error_code}")

        @self.router.status("undelivered")
        def second(status: StatusCallback) -> None:
            self.ran.append(f"second {status.late}")
            raise ValueError("a bug")

        @self.router.status("undelivered", "delivered")
        def third(status: StatusCallback) -> str:
            self.ran.append(f"third {status.message_status}")
            return "ignored"


@dataclass
class Alarms:
    """Handlers of alerts that record the order in which they run; one of them fails."""

    router: Router = field(default_factory=Router)
    ran: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        @self.router.alert
        def every(alert: Alert) -> None:
            self.ran.append(f"every {alert.error_code}")

        @self.router.alert(11200, range(30000, 31000))
        def some(alert: Alert) -> None:
            self.ran.append(f"some {alert.error_code}")
            raise ValueError("a bug")

        @self.router.alert(11200)
        def one(alert: Alert) -> str:
            self.ran.append(f"one {alert.error_code}")
            return "ignored"


class Mute(Exception):
    """An error whose ``__str__`` raises."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def name_of(program: type, handler: str) -> str:
    """Return the name of a handler of Program or Deliveries in the log."""
    return f"{program.__module__}.{program.__qualname__}.__post_init__.<locals>.{handler}"


class Memory:
    """A journal in memory; tests choose its answers and whether it is down."""

    def __init__(self, *, down: str = "", claimed: Claim | StoredReply | None = None) -> None:
        self.down = down
        self.claimed = claimed or Claim()
        self.reply: StoredReply | None = None
        self.claims: list[object] = []
        #: The inbound message of each message whose status was reported with a token.
        self.answered: dict[str, str] = {}
        #: How long each call was allowed to wait.
        self.waits: list[float] = []
        self.stored: list[tuple[str, Claim, Outcome]] = []
        self.refused: list[tuple[WebhookRequest, RequestRefused]] = []

    def _up(self, method: str) -> None:
        if self.down == "running":
            raise StillRunning("another request is still processing this event")
        if self.down == method:
            raise JournalUnavailable("the disk is full")

    def claim(
        self, request: WebhookRequest, event: Event, *, wait_s: float, by_token: bool = False
    ) -> Claim | StoredReply:
        """Return the prepared claim or answer; refuse the token of another inbound message."""
        self.waits.append(wait_s)
        self._up("claim")
        if by_token and isinstance(event, StatusCallback):
            self._require_own_token(event)
        self.claims.append((request, event))
        return self.claimed

    def _require_own_token(self, status: StatusCallback) -> None:
        if self.answered.setdefault(status.message_sid, status.in_reply_to) != status.in_reply_to:
            raise Forbidden("the token of the status URL is of another message")

    def finish(self, claim: Claim, outcome: Outcome, *, wait_s: float) -> None:
        """Record the answer."""
        self.waits.append(wait_s)
        self._up("finish")
        if self.down == "lost":
            raise ClaimLost("the event was taken over")
        self.stored.append(("finish", claim, outcome))

    def fail(self, claim: Claim, outcome: Outcome, *, wait_s: float) -> None:
        """Record the failure."""
        self.waits.append(wait_s)
        self._up("finish")
        self.stored.append(("fail", claim, outcome))

    def stored_reply(self, message: InboundMessage, *, wait_s: float) -> StoredReply | None:
        """Return the prepared answer."""
        self.waits.append(wait_s)
        self._up("claim")
        self.claims.append(message)
        return self.reply

    def keep_refusal(self, request: WebhookRequest, refused: RequestRefused) -> None:
        """Record a refusal."""
        self.refused.append((request, refused))

    def check(self) -> None:
        """Report no problem."""
