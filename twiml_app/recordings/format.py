"""The files of recordings: JSON Lines, one exchange per line, each with the version of its schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import RecordingError
from ..exchanges import SCHEMA, Exchange, write_line
from ..private_files import rewrite, write_private
from ..webhook import ENDPOINTS, Form, WebhookResponse

__all__ = ["SCHEMA", "Exchange", "read_file", "read_line", "update_file", "write_file", "write_line"]


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
