"""What the journal knows about this moment, for monitoring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .engine import Engine
from .stores import Execute

#: How long one reading may take, in seconds.
_LIMIT_S = 2.0
#: The gauges and what they mean.
GAUGES: Final[Mapping[str, str]] = {
    "twiml_last_inbound_message_timestamp_seconds": "When the last inbound message was received.",
}
_STATEMENTS: Final[Mapping[str, str]] = {
    "twiml_last_inbound_message_timestamp_seconds": (
        "SELECT received_at FROM exchanges WHERE kind = 'message' ORDER BY received_at DESC LIMIT 1"
    ),
}


def read_gauges(engine: Engine) -> dict[str, float]:
    """Return the gauges that have a value.

    Raises: JournalUnavailable.
    """
    return engine.read(_read, wait_s=_LIMIT_S)


def _read(execute: Execute) -> dict[str, float]:
    found = {name: execute(statement) for name, statement in _STATEMENTS.items()}
    return {name: float(rows[0][0]) for name, rows in found.items() if rows and rows[0][0] is not None}
