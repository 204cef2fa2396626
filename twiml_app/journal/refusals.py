"""The latest refused requests: only a limited number, so that nobody can fill the disk from outside."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ..errors import RequestRefused
from ..webhook import WebhookRequest
from .stores import Execute, Row

MAX_REFUSALS = 50
MAX_REFUSED_BYTES = 16384

_LATEST = (
    "SELECT received_at, status, reason, endpoint, method, url, headers, body FROM refusals ORDER BY id DESC LIMIT ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refused request."""

    received_at: float
    status: int
    reason: str
    endpoint: str
    method: str
    url: str
    headers: dict[str, str]
    body: bytes


def insert_refusal(
    execute: Execute, request: WebhookRequest, refused: RequestRefused, now: float, keep_until: float
) -> None:
    """Store a refused request without Authorization and cookies, and delete the oldest one."""
    headers = {name: value for name, value in request.headers.items() if "auth" not in name and "cookie" not in name}
    execute(
        "INSERT INTO refusals (received_at, status, reason, endpoint, method, url, headers, body,"
        " keep_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            now,
            refused.status,
            refused.reason,
            request.endpoint,
            request.method,
            request.called_url().encode("utf-8", "surrogateescape")[:MAX_REFUSED_BYTES],
            json.dumps(headers)[:MAX_REFUSED_BYTES],
            request.body[:MAX_REFUSED_BYTES],
            keep_until,
        ),
    )
    execute("DELETE FROM refusals WHERE id <= (SELECT max(id) FROM refusals) - ?", (MAX_REFUSALS,))


def latest_refusals(execute: Execute, limit: int) -> list[Refusal]:
    """Return the latest refused requests, newest first."""
    return [_read_refusal(row) for row in execute(_LATEST, (limit,))]


def _read_refusal(row: Row) -> Refusal:
    received_at, status, reason, endpoint, method, url, headers, body = row
    return Refusal(
        received_at=received_at,
        status=status,
        reason=reason,
        endpoint=endpoint,
        method=method,
        url=bytes(url).decode("utf-8", "surrogateescape"),
        headers=_read_headers(headers),
        body=bytes(body),
    )


def _read_headers(text: str) -> dict[str, str]:
    """Return the headers of a refused request; none if they were cut off."""
    try:
        return dict(json.loads(text))
    except ValueError:
        return {}
