"""Recorded exchanges and their file format, which is made to be read by people and kept in git.

A recording is JSON Lines: one exchange per line, each with the version of its schema.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import RecordingError
from ..logs import format_time
from ..private_files import rewrite, write_private
from ..webhook import ENDPOINTS, Endpoint, Form, WebhookResponse

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


def read_line(line: str, *, place: str = "recording") -> Exchange:
    """Read an exchange from a line.

    Raises: RecordingError, naming the place, if it is not an exchange or its schema is newer.
    """
    try:
        entry = json.loads(line)
        if entry["schema"] > SCHEMA:
            raise RecordingError(f"{place}: schema {entry['schema']} is newer than {SCHEMA}: upgrade twiml-app")
        return _read_entry(entry)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordingError(f"{place}: not a recorded exchange ({error!r})") from error


def _read_entry(entry: dict[str, Any]) -> Exchange:
    form, answer = entry["form"], entry["answer"]
    if not all(isinstance(entry[name], str) for name in ("event", "method", "url")):
        raise TypeError("event, method and url must be strings")
    if entry["endpoint"] not in ENDPOINTS:
        raise ValueError(f"endpoint {entry['endpoint']!r}")
    return Exchange(
        received_at=datetime.fromisoformat(entry["time"]).timestamp(),
        kind=entry["event"],
        endpoint=entry["endpoint"],
        method=entry["method"],
        url=entry["url"],
        headers=entry.get("headers", {}),
        form=Form(form.items() if isinstance(form, dict) else [(name, value) for name, value in form]),
        answer=WebhookResponse(status=answer["status"], content_type=answer["type"], body=answer["body"].encode()),
        handler=entry.get("handler", ""),
        outcome=entry.get("outcome", ""),
        results=entry.get("results", {}),
        milliseconds=entry.get("ms", 0.0),
        effects=_read_effects(entry["effects"]) if "effects" in entry else None,
    )


def _read_effects(effects: list[dict[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    if not all(isinstance(effect["kind"], str) for effect in effects):
        raise TypeError("the kind of an effect must be a string")
    return tuple(effects)


def read_file(path: str | Path) -> list[Exchange]:
    """Read a recording.

    Raises: RecordingError, naming file and line.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path}: {error}") from error
    lines = enumerate(text.split("\n"), 1)  # a string may contain the other line breaks of Unicode
    return [read_line(line, place=f"{path}:{number}") for number, line in lines if line.strip()]


def write_file(path: str | Path, exchanges: Iterable[Exchange]) -> None:
    """Write a recording atomically to a file that only its owner may read.

    Raises: RecordingError, naming the file.
    """
    _save(path, exchanges, write_private)


def update_file(path: str | Path, exchanges: Iterable[Exchange]) -> None:
    """Replace the exchanges of a recording atomically; the file's owner, group and mode stay.

    Raises: RecordingError, naming the file.
    """
    _save(path, exchanges, rewrite)


def _save(path: str | Path, exchanges: Iterable[Exchange], save: Callable[[Path, Iterable[str]], None]) -> None:
    try:
        save(Path(path), (f"{write_line(exchange)}\n" for exchange in exchanges))
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from error
