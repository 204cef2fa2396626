"""Events as rows of the journal: their keys, their columns, and the statements that run for every request."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, Self

from ..config import Settings
from ..events import Event, InboundMessage, StatusCallback, UnknownEvent, parse_event
from ..receiver import Outcome
from ..webhook import Endpoint, Form, WebhookRequest, WebhookResponse
from .ledger import filed
from .stores import Execute, Row
from .worker_files import MAX_RECORD_BYTES

if TYPE_CHECKING:
    from ..recordings import Exchange

LOOP_WINDOW_S = 60.0
DAY_S = 86400.0

RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
#: The outcome of an event whose process died while its handler ran.
KILLED: Final = "killed"

#: The headers that are stored, for inspection and replay; never Authorization, never a cookie.
KEPT_HEADERS = ("content-type", "user-agent", "i-twilio-idempotency-token", "x-twilio-signature", "x-home-region")

_KINDS: dict[type, str] = {InboundMessage: "message", StatusCallback: "status", UnknownEvent: "webhook"}

#: Counts only the latest exchanges, as a contact may send without end.
LATELY: Final = (
    "SELECT said, count(*) AS count FROM (SELECT said FROM exchanges WHERE contact = ? AND received_at BETWEEN ? AND ?"
    " AND number = ? ORDER BY received_at DESC LIMIT 100) AS latest WHERE said <> '' GROUP BY said"
    " HAVING count(*) >= ?"
)
_MAX_FIELDS = 10_000
#: File offsets have 63 bits.
_OFFSET_BITS = 62

_SELECT = "SELECT id, state, owner, answer_status, answer_type, answer, handler FROM exchanges"
SELECT: Final = f"{_SELECT} WHERE key = ?"
#: The exchanges about a message at one of our URLs, the latest first; the parameters are sid and target.
SELECT_ANSWERS: Final = (
    f"{_SELECT} WHERE sid = ? AND target = ? AND kind = 'message' AND endpoint = 'message' ORDER BY id DESC"
)


def event_key(request: WebhookRequest, event: Event) -> str:
    """Return the key of an event; requests with the same key are duplicates.

    A message is identified by its sid and the request target, as a Redirect back to this application is a new event; a
    status callback by message sid, status and error code. Twilio's idempotency token is not used, because it is not
    signed. An event without a sid is never a duplicate.
    """
    if isinstance(event, UnknownEvent) or not event.message_sid:
        return secrets.token_hex(16)
    if isinstance(event, StatusCallback):
        parts = ["status", event.message_sid, event.message_status, str(event.error_code)]
    else:
        parts = ["message", event.message_sid, request.target]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def lock_offset(message_sid: str, target: str) -> int:
    """Return the byte that stands for a message at one of our URLs; a message without a sid gets one of its own."""
    if not message_sid:
        return secrets.randbits(_OFFSET_BITS)
    digest = hashlib.sha256(f"{message_sid}\n{target}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8]) >> (64 - _OFFSET_BITS)


def said_lately(execute: Execute, message: InboundMessage, now: float, least: int) -> dict[str, int]:
    """Return how often replies were sent to a contact within the last minute, by digest, if ``least`` times or more."""
    return dict(execute(LATELY, lately(message, now, least)))


def lately(message: InboundMessage, now: float, least: int) -> tuple[str, float, float, str, int]:
    """Return the parameters of ``LATELY``."""
    return filed(message.contact), now - LOOP_WINDOW_S, now, filed(message.number), least


def keeps_request(settings: Settings, kind: str, outcome: Outcome, state: str) -> bool:
    """Return whether the bytes of a request are kept after it was answered."""
    if settings.record == "all" or state == FAILED or outcome.name in ("failed", "apologized", "overdue"):
        return True
    return settings.record == "messages" and kind != "status"


def stored_response(status: int, content_type: str, body: bytes) -> WebhookResponse:
    """Return a stored answer; that of a callback whose handlers were run again by hand is empty."""
    return WebhookResponse(status=status or 204, content_type=content_type or "", body=bytes(body or b""))


def event_target(path: str, query: str) -> str:
    """Return the parts that identify one of our URLs: proxies and credentials change all the others."""
    return f"{path.rpartition('/')[2]}?{query}".encode("utf-8", "replace").decode()


def event_target_of_url(url: str) -> str:
    """Return the same parts of a whole URL; never raises, whatever the string is."""
    path, _, query = url.partition("#")[0].partition("?")
    return event_target(path, query)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRow:
    """One row of the table ``exchanges``: the fields are its columns, in order.

    ``url`` and ``body`` are None if the request was not kept; the fields of the answer are None until there is one.
    """

    id: int = 0
    key: str
    kind: str
    sid: str
    #: The other person's address, and ours.
    contact: str
    number: str
    message_status: str
    error_code: int | None
    received_at: float
    endpoint: Endpoint
    method: str
    target: str = ""
    url: bytes | None
    headers: str | None
    body: bytes | None
    state: str
    owner: int = 0
    answer_status: int | None = None
    answer_type: str | None = None
    answer: bytes | None = None
    handler: str = ""
    outcome: str = ""
    results: str | None = None
    milliseconds: float | None = None
    said: str = ""
    keep_until: float

    @classmethod
    def read(cls, row: Row) -> Self:
        """Return a row that was selected with ``COLUMNS``."""
        return cls(**dict(zip(_NAMES, row, strict=True)))

    @classmethod
    def of_event(
        cls, key: str, request: WebhookRequest, event: Event, now: float, owner: int, settings: Settings
    ) -> Self:
        """Return the row of an event that is being claimed."""
        return cls(
            key=key,
            **_identity(event),
            received_at=now,
            endpoint=request.endpoint,
            method=request.method,
            target=event_target(request.path, request.query if request.method == "POST" else ""),
            url=request.called_url(settings.public_url).encode("utf-8", "surrogateescape"),
            headers=json.dumps({name: request.headers[name] for name in KEPT_HEADERS if name in request.headers}),
            body=request.body,
            state=RUNNING,
            owner=owner,
            keep_until=now + settings.retention_days * DAY_S,
        )

    @classmethod
    def of_recording(cls, exchange: Exchange, keep_until: float) -> Self:
        """Return the row of an imported exchange."""
        answer = exchange.answer
        return cls(
            key=f"imported {exchange.time} {exchange.sid} {exchange.url}",
            **_identity(parse_event(exchange.form)) | {"kind": exchange.kind, "sid": filed(exchange.sid)},
            received_at=exchange.received_at,
            endpoint=exchange.endpoint,
            method=exchange.method,
            url=exchange.url.encode("utf-8", "surrogateescape"),
            headers=json.dumps(dict(exchange.headers)),
            body=exchange.form.encode().encode() if exchange.method == "POST" else b"",
            state=DONE,
            answer_status=answer.status,
            answer_type=answer.content_type,
            answer=answer.body,
            handler=exchange.handler,
            outcome=exchange.outcome,
            results=json.dumps(dict(exchange.results)) if exchange.results else None,
            milliseconds=exchange.milliseconds,
            keep_until=keep_until,
        )

    @classmethod
    def of_trace(cls, record: bytes) -> Self:
        """Return the row of an event whose process died while its handler ran.

        Raises: ValueError; TypeError.
        """
        head, _, body = record.partition(b"\n")
        url, *values = json.loads(head)
        traced = dict(zip(_TRACED, values, strict=True))
        return cls(**traced, url=url.encode("latin-1"), body=body, state=FAILED, outcome=KILLED)

    def trace(self) -> bytes:
        """Return the row as a record of at most ``MAX_RECORD_BYTES``, if need be without the request's body."""
        url = (self.url or b"").decode("latin-1")
        head = json.dumps([url, *[getattr(self, name) for name in _TRACED]]).encode() + b"\n"
        record = head + (self.body or b"")
        return record if len(record) <= MAX_RECORD_BYTES else head[:MAX_RECORD_BYTES]

    def ended(self, outcome: Outcome, state: str, *, keeps_request: bool, now: float) -> Self:
        """Return the row of an event that has been answered."""
        ended = replace(
            self,
            state=state,
            answer_status=outcome.response.status,
            answer_type=outcome.response.content_type,
            answer=outcome.response.body,
            handler=outcome.handler,
            outcome=outcome.name,
            results=json.dumps(dict(outcome.results)) if outcome.results else None,
            milliseconds=outcome.milliseconds,
            said=outcome.digest,
        )
        if keeps_request:
            return ended
        return replace(ended, url=None, headers=None, body=None, keep_until=now + DAY_S)

    def insert(self, execute: Execute) -> int | None:
        """Insert the row and return its id; None if the key is taken."""
        inserted = execute(_INSERT, self._values())
        return inserted[0][0] if inserted else None

    def store(self, execute: Execute) -> bool:
        """Write the row, over that of an earlier attempt; return False if the event has been answered."""
        return bool(execute(_STORE, self._values()))

    def _values(self) -> list[object]:
        return [getattr(self, name) for name in _NAMES[1:]]

    @property
    def shown_outcome(self) -> str:
        """The outcome, or the state if there is no outcome yet."""
        return self.outcome or self.state

    @property
    def exchange(self) -> Exchange | None:
        """The exchange, as it is exported and replayed; None if the request was not kept."""
        if self.url is None or self.body is None:
            return None
        from ..recordings import Exchange  # a server never needs it, and it is slow to import

        url, body = (bytes(each).decode("utf-8", "surrogateescape") for each in (self.url, self.body))
        encoded = body if self.method == "POST" else url.partition("#")[0].partition("?")[2]
        answer_body = bytes(self.answer or b"")
        return Exchange(
            id=self.id,
            received_at=self.received_at,
            kind=self.kind,
            endpoint=self.endpoint,
            method=self.method,
            url=url,
            headers=json.loads(self.headers or "{}"),
            form=Form.read(encoded, max_fields=_MAX_FIELDS, strict=False),
            answer=WebhookResponse(
                status=self.answer_status or 0, content_type=self.answer_type or "", body=answer_body
            ),
            handler=self.handler,
            outcome=self.shown_outcome,
            results=json.loads(self.results or "{}"),
            milliseconds=self.milliseconds or 0.0,
        )


def _identity(event: Event) -> dict[str, Any]:
    """Return the columns by which an event is found."""
    status = event if isinstance(event, StatusCallback) else None
    message = None if isinstance(event, UnknownEvent) else event
    return {
        "kind": _KINDS[type(event)],
        "sid": filed(message.message_sid if message else ""),
        "contact": filed(message.contact if message else event.form.get("From", "")),
        "number": filed(message.number if message else event.form.get("To", "")),
        "message_status": filed(status.message_status if status else ""),
        "error_code": message.error_code if message else None,
    }


_NAMES = tuple(field.name for field in fields(ExchangeRow))
COLUMNS = ", ".join(_NAMES)
_TRACED = (
    *("key", "kind", "sid", "contact", "number", "message_status", "error_code", "received_at"),
    *("endpoint", "method", "target", "headers", "keep_until"),
)
_VALUES = f"INSERT INTO exchanges ({', '.join(_NAMES[1:])}) VALUES ({', '.join('?' * (len(_NAMES) - 1))})"  # noqa: S608
_INSERT = f"{_VALUES} ON CONFLICT (key) DO NOTHING RETURNING id"
_REPLACED = ", ".join(f"{name} = excluded.{name}" for name in _NAMES[2:])
_STORE = f"{_VALUES} ON CONFLICT (key) DO UPDATE SET {_REPLACED} WHERE exchanges.state <> '{DONE}' RETURNING id"
