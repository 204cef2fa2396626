"""An exchange: one webhook and its answer, and the line of a recording that has it.

Recordings are made to be read by people and kept in git.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .logs import format_time
from .webhook import Endpoint, Form, WebhookResponse

#: The schema of the lines.
SCHEMA = 2
#: The schema of exchanges without effects.
_WITHOUT_EFFECTS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One webhook and its answer."""

    #: Seconds since 1970.
    received_at: float
    #: ``message``, ``status``, ``alert`` or ``webhook``.
    kind: str
    endpoint: Endpoint
    method: str
    #: The URL as Twilio called it.
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Form
    answer: WebhookResponse
    handler: str = ""
    outcome: str = ""
    #: The result of each handler of a status callback or an alert: ``ok`` or the error.
    results: Mapping[str, str] = field(default_factory=dict)
    milliseconds: float = 0.0
    #: What the handlers asked for besides the answer, as JSON objects; None if it is not known.
    effects: tuple[Mapping[str, Any], ...] | None = None
    #: Its id in the journal; 0 in a file.
    id: int = 0

    @property
    def sid(self) -> str:
        """The SID of the message, or of the alert."""
        if self.kind == "alert":
            return self.form.get("Sid", "")
        return self.form.get("MessageSid") or self.form.get("SmsSid", "")

    @property
    def time(self) -> str:
        """The time of receipt, in UTC."""
        return format_time(self.received_at)


def write_line(exchange: Exchange) -> str:
    """Return an exchange as one line of a recording."""
    answer = exchange.answer
    entry: dict[str, Any] = {
        "schema": _WITHOUT_EFFECTS if exchange.effects is None else SCHEMA,
        "time": exchange.time,
        "event": exchange.kind,
        "endpoint": exchange.endpoint,
        "method": exchange.method,
        "url": exchange.url,
        "headers": dict(exchange.headers),
        "form": _write_form(exchange.form),
        "answer": {
            "status": answer.status,
            "type": answer.content_type,
            "body": answer.body.decode("utf-8", "replace"),
        },
        "handler": exchange.handler,
        "outcome": exchange.outcome,
        "ms": round(exchange.milliseconds, 1),
    }
    if exchange.results:
        entry["results"] = dict(exchange.results)
    if exchange.effects is not None:
        entry["effects"] = [dict(effect) for effect in exchange.effects]
    return json.dumps(entry, ensure_ascii=not _is_writable(entry))


def _is_writable(entry: dict[str, Any]) -> bool:
    """Return whether UTF-8 can encode the entry; bytes that were not UTF-8 must be written as escapes."""
    try:
        json.dumps(entry, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _write_form(form: Form) -> dict[str, str] | list[tuple[str, str]]:
    names = dict(form.pairs)
    return names if len(names) == len(form.pairs) else list(form.pairs)
