"""The JSON in the parameter ``Payload`` of an alert, which may quote the request that failed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

#: Takes the key of a string, and the string.
Change = Callable[[str, str], str]


def strings_in(payload: str) -> list[tuple[str, str]]:
    """Return every string in a payload with its key; nothing if it is not JSON."""
    try:
        return list(_strings("", json.loads(payload)))
    except (ValueError, RecursionError):
        return []


def with_strings(payload: str, change: Change) -> str | None:
    """Return a payload in which every string was changed; None if it is not JSON."""
    try:
        return json.dumps(_changed("", json.loads(payload), change), separators=(",", ":"))
    except (ValueError, RecursionError):
        return None


def _strings(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, list):
        for each in value:
            yield from _strings(key, each)
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _strings(name, each)


def _changed(key: str, value: Any, change: Change) -> Any:
    if isinstance(value, str):
        return change(key, value)
    if isinstance(value, list):
        return [_changed(key, each, change) for each in value]
    if isinstance(value, dict):
        return {name: _changed(name, each, change) for name, each in value.items()}
    return value
