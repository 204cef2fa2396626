"""How an event stands in the journal: its key, its row, and the statements that are run for every request."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Final

from ..config import Settings
from ..events import Event, InboundMessage, StatusCallback, UnknownEvent
from ..webhook import WebhookRequest, WebhookResponse
from .engine import Execute
from .ledger import filed

LOOP_WINDOW_S = 60.0
DAY_S = 86400.0

RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"

#: The headers that matter when an exchange is looked at or played again; never Authorization, never a cookie.
KEPT_HEADERS = ("content-type", "user-agent", "i-twilio-idempotency-token", "x-twilio-signature", "x-home-region")

_KINDS: dict[type, str] = {InboundMessage: "message", StatusCallback: "status", UnknownEvent: "webhook"}

INSERT = (
    "INSERT INTO exchanges (key, kind, sid, contact, number, message_status, error_code, received_at, endpoint, method,"
    " target, url, headers, body, state, owner, keep_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (key) DO NOTHING RETURNING id"
)
#: Of somebody who writes without end only the latest are counted.
_LATELY = (
    "SELECT said, count(*) FROM (SELECT said FROM exchanges WHERE contact = ? AND received_at BETWEEN ? AND ?"
    " AND number = ? ORDER BY received_at DESC LIMIT 100) AS latest GROUP BY said"
)
SELECT = "SELECT id, state, owner, answer_status, answer_type, answer, handler FROM exchanges WHERE key = ?"


def event_key(request: WebhookRequest, event: Event) -> str:
    """Return what makes two requests one event.

    A message and the target it was sent to: a Redirect back to us is another question. A status callback is one by
    message, status and error code. Twilio's idempotency token is unsigned, so it never decides. What has no sid is an
    event of its own.
    """
    if isinstance(event, UnknownEvent) or not event.message_sid:
        return secrets.token_hex(16)
    if isinstance(event, StatusCallback):
        parts = ["status", event.message_sid, event.message_status, str(event.error_code)]
    else:
        parts = ["message", event.message_sid, request.target]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def said_lately(execute: Execute, message: InboundMessage, now: float) -> dict[str, int]:
    """Return how often each thing was said to a contact within a minute, by its digest."""
    rows = execute(_LATELY, (filed(message.contact), now - LOOP_WINDOW_S, now, filed(message.number)))
    return {said: count for said, count in rows if said}


def stored_response(status: int, content_type: str, body: bytes) -> WebhookResponse:
    """Return an answer as it was stored; a callback that was settled by hand has none."""
    return WebhookResponse(status=status or 204, content_type=content_type or "", body=bytes(body or b""))


def event_target(path: str, query: str) -> str:
    """Return what tells a URL of ours from another: proxies and credentials make the rest differ."""
    return f"{path.rpartition('/')[2]}?{query}".encode("utf-8", "replace").decode()


def event_target_of_url(url: str) -> str:
    """Return the same of a whole URL; whatever the text is, it does not raise."""
    path, _, query = url.partition("#")[0].partition("?")
    return event_target(path, query)


def new_row(
    key: str, request: WebhookRequest, event: Event, now: float, owner: int, settings: Settings
) -> tuple[object, ...]:
    """Return the row of an event that is claimed."""
    status = event if isinstance(event, StatusCallback) else None
    message = None if isinstance(event, UnknownEvent) else event
    return (
        key,
        _KINDS[type(event)],
        filed(message.message_sid if message else ""),
        filed(message.contact if message else event.form.get("From", "")),
        filed(message.number if message else event.form.get("To", "")),
        filed(status.message_status if status else ""),
        message.error_code if message else None,
        now,
        request.endpoint,
        request.method,
        event_target(request.path, request.query if request.method == "POST" else ""),
        request.called_url(settings.public_url).encode("utf-8", "surrogateescape"),
        json.dumps({name: request.headers[name] for name in KEPT_HEADERS if name in request.headers}),
        request.body,
        RUNNING,
        owner,
        now + settings.retention_days * DAY_S,
    )
