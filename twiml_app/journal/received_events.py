"""Events that were received and have no answer yet: their keys, their columns, and the trace of each."""

from __future__ import annotations

import hashlib
import json
import secrets
from json.encoder import encode_basestring_ascii as _quoted  # json.dumps takes as long as fifty of these
from typing import Final, NamedTuple, Self

from ..alerts import Alert
from ..config import Settings
from ..events import Event, StatusCallback, UnknownEvent
from ..webhook import Endpoint, WebhookRequest
from .ledger import filed
from .worker_files import MAX_RECORD_BYTES

DAY_S = 86400.0

#: The headers that are stored, for inspection and replay; never Authorization, never a cookie.
KEPT_HEADERS = ("content-type", "user-agent", "i-twilio-idempotency-token", "x-twilio-signature", "x-home-region")

#: File offsets have 63 bits.
_OFFSET_BITS = 62


class EventColumns(NamedTuple):
    """The columns by which an event is found."""

    kind: str
    sid: str
    #: The other person's address, and ours.
    contact: str
    number: str
    message_status: str
    error_code: int | None

    @classmethod
    def of(cls, event: Event) -> Self:
        """Return the columns of an event."""
        if isinstance(event, UnknownEvent):
            form = event.form
            return cls("webhook", "", filed(form.get("From", "")), filed(form.get("To", "")), "", None)
        if isinstance(event, Alert):
            about = (filed(event.contact), filed(event.number), filed(event.level), event.error_code)
            return cls("alert", filed(event.sid), *about)
        kind, status = ("status", event.message_status) if isinstance(event, StatusCallback) else ("message", "")
        return cls(
            kind, filed(event.message_sid), filed(event.contact), filed(event.number), filed(status), event.error_code
        )


class ReceivedEvent(NamedTuple):
    """What is stored about a request before it is answered: columns of the table ``exchanges``, in their order.

    A tuple, as one is made for every request.
    """

    key: str
    kind: str
    sid: str
    contact: str
    number: str
    message_status: str
    error_code: int | None
    received_at: float
    endpoint: Endpoint
    method: str
    target: str
    url: bytes
    headers: str
    body: bytes
    keep_until: float

    @classmethod
    def of(cls, key: str, request: WebhookRequest, event: Event, now: float, settings: Settings) -> Self:
        """Return an event that is being claimed."""
        path, _, query = request.target.partition("?")
        return cls(
            key,
            *EventColumns.of(event),
            now,
            request.endpoint,
            request.method,
            event_target(path, query if request.method == "POST" else ""),
            request.called_url(settings.public_url).encode("utf-8", "surrogateescape"),
            _kept_headers(request),
            request.body,
            now + settings.retention_days * DAY_S,
        )

    @classmethod
    def of_trace(cls, record: bytes) -> Self:
        """Return the event of a trace.

        Raises: ValueError; TypeError.
        """
        head, _, body = record.partition(b"\n")
        url, *columns, headers, keep_until = json.loads(head)
        return cls._make([*columns, url.encode("latin-1"), headers, body, keep_until])

    def trace(self) -> bytes:
        """Return the event as a record of at most ``MAX_RECORD_BYTES``, if need be without the request's body.

        Running processes of other releases read it too.
        """
        url = self.url.decode("latin-1")
        columns = (
            *map(_quoted, (url, self.key, self.kind, self.sid, self.contact, self.number, self.message_status)),
            "null" if self.error_code is None else str(self.error_code),
            repr(self.received_at),
            *map(_quoted, (self.endpoint, self.method, self.target, self.headers)),
            repr(self.keep_until),
        )
        head = f"[{', '.join(columns)}]\n".encode()
        record = head + self.body
        return record if len(record) <= MAX_RECORD_BYTES else head[:MAX_RECORD_BYTES]


#: How many columns come before those of the request, which is not always kept.
FOUND_BY: Final = ReceivedEvent._fields.index("url")


def _kept_headers(request: WebhookRequest) -> str:
    """Return the headers that are stored, as JSON."""
    get = request.headers.get
    kept = [f'"{name}": {_quoted(value)}' for name in KEPT_HEADERS if (value := get(name)) is not None]
    return f"{{{', '.join(kept)}}}"


def event_key(request: WebhookRequest, event: Event) -> str:
    """Return the key of an event; requests with the same key are duplicates.

    A message is identified by its sid and the request target, as a Redirect back to this application is a new event; a
    status callback by message sid, status and error code; an alert by its sid. Twilio's idempotency token is not used,
    because it is not signed. An event without a sid is never a duplicate.
    """
    if isinstance(event, Alert):
        return _digest(["alert", event.sid]) if event.sid else secrets.token_hex(16)
    if isinstance(event, UnknownEvent) or not event.message_sid:
        return secrets.token_hex(16)
    if isinstance(event, StatusCallback):
        parts = ["status", event.message_sid, event.message_status, str(event.error_code)]
    else:
        parts = ["message", event.message_sid, request.target]
    return _digest(parts)


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def lock_offset(message_sid: str, target: str) -> int:
    """Return the byte that stands for a message at one of our URLs; a message without a sid gets one of its own."""
    if not message_sid:
        return secrets.randbits(_OFFSET_BITS)
    digest = hashlib.sha256(f"{message_sid}\n{target}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8]) >> (64 - _OFFSET_BITS)


def event_target(path: str, query: str) -> str:
    """Return the parts that identify one of our URLs: proxies and credentials change all the others."""
    return f"{path.rpartition('/')[2]}?{query}".encode("utf-8", "replace").decode()


def event_target_of_url(url: str) -> str:
    """Return the same parts of a whole URL; never raises, whatever the string is."""
    path, _, query = url.partition("#")[0].partition("?")
    return event_target(path, query)
