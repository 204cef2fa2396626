"""The arguments of work as JSON: plain values, and the events that handlers get."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from ..errors import CannotStore
from ..events import InboundMessage, StatusCallback, parse_event, with_media_source
from ..inbound_media import MediaSource
from ..webhook import Form

#: How many characters the arguments of one piece of work may take as JSON.
MAX_CHARACTERS = 1_000_000
#: How deep lists and dictionaries may be nested.
MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a function is called with."""

    positional: Sequence[Any] = ()
    named: Mapping[str, Any] | None = None

    @property
    def event(self) -> InboundMessage | StatusCallback | None:
        """The first event among them."""
        events = (each for each in self.positional if isinstance(each, InboundMessage | StatusCallback))
        return next(events, None)

    def encode(self, function: str) -> str:
        """Return them as JSON.

        Raises: CannotStore, naming the function and the argument that cannot be stored.
        """
        named = self.named or {}
        try:
            encoded = json.dumps(
                [
                    [_encoded(value, f"argument {place} of {function}") for place, value in _counted(self.positional)],
                    {name: _encoded(value, f"argument {name} of {function}") for name, value in named.items()},
                ]
            )
        except ValueError as error:  # an integer with thousands of digits
            raise CannotStore(f"the arguments of {function} cannot be stored: {error}") from error
        if len(encoded) > MAX_CHARACTERS:
            raise CannotStore(
                f"the arguments of {function} take {len(encoded)} characters as JSON, and at most {MAX_CHARACTERS} are"
                " stored: store large data elsewhere, and enqueue its id"
            )
        return encoded


def decode_arguments(encoded: str, media_source: Callable[[InboundMessage], MediaSource] | None = None) -> Arguments:
    """Return arguments that were encoded; events are made again from their parameters.

    ``media_source`` returns where the media files of a message come from.
    """
    positional, named = json.loads(encoded)
    decoded = (_decoded(value) for value in positional)
    events = (_with_media(value, media_source) if media_source else value for value in decoded)
    return Arguments(tuple(events), {name: _decoded(value) for name, value in named.items()})


def _with_media(value: Any, media_source: Callable[[InboundMessage], MediaSource]) -> Any:
    if isinstance(value, InboundMessage) and value.media:
        return with_media_source(value, media_source(value))
    return value


def _counted(values: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    return enumerate(values, start=1)


def _encoded(value: Any, name: str) -> dict[str, Any]:
    if isinstance(value, InboundMessage | StatusCallback):
        event: dict[str, Any] = {"form": value.form.pairs, "query": dict(value.query)}
        return event | ({"late": value.late} if isinstance(value, StatusCallback) else {})
    _require_plain(value, name, MAX_DEPTH)
    return {"value": value}


def _decoded(encoded: Mapping[str, Any]) -> Any:
    if "form" not in encoded:
        return encoded["value"]
    event = parse_event(Form((name, value) for name, value in encoded["form"]), encoded["query"])
    return replace(event, late=encoded["late"]) if isinstance(event, StatusCallback) else event


def _require_plain(value: Any, name: str, depth: int) -> None:
    """Refuse what would not be the same after it was stored as JSON.

    Raises: CannotStore.
    """
    if depth == 0:
        raise CannotStore(f"{name} is nested more than {MAX_DEPTH} times")
    kind = type(value)
    if kind is list:
        for index, each in enumerate(value):
            _require_plain(each, f"{name}[{index}]", depth - 1)
    elif kind is dict:
        for key, each in value.items():
            if type(key) is not str:
                raise CannotStore(f"{name} has the key {key!r}: keys must be strings, as it is stored as JSON")
            _require_plain(each, f"{name}[{key!r}]", depth - 1)
    elif kind is float and not isfinite(value):
        raise CannotStore(f"{name} is {value}, which JSON does not have")
    elif value is not None and kind not in (bool, int, float, str):
        raise CannotStore(
            f"{name} is {kind.__name__}, which cannot be stored: give None, bool, int, float, str, a list or a dict of"
            " these, or the InboundMessage or StatusCallback"
        )
