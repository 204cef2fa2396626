"""What the journal knows about this moment, for monitoring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .engine import Engine
from .send_tables import FAILED_SENDS
from .stores import Execute

#: How long one reading may take, in seconds.
_LIMIT_S = 2.0
#: The gauges and what they mean.
GAUGES: Final[Mapping[str, str]] = {
    "twiml_last_inbound_message_timestamp_seconds": "When the last inbound message was received.",
    "twiml_work_waiting": "Pieces of work that wait or run.",
    "twiml_work_failed": "Pieces of work that were given up.",
    "twiml_work_oldest_due_timestamp_seconds": "Since when the oldest waiting work is due.",
    "twiml_worker_last_seen_timestamp_seconds": "When a process that runs work last gave a sign of life.",
    "twiml_sends_waiting": "Messages that wait to be sent.",
    "twiml_sends_attention": "Messages that failed, were refused, expired, or whose outcome is unknown.",
    "twiml_opt_outs": "Opt-outs of contacts.",
}
_STATEMENTS: Final[Mapping[str, str]] = {
    "twiml_last_inbound_message_timestamp_seconds": (
        "SELECT received_at FROM exchanges WHERE kind = 'message' ORDER BY received_at DESC LIMIT 1"
    ),
    "twiml_work_waiting": (
        "SELECT (SELECT count(*) FROM work WHERE state = 'waiting')"
        " + (SELECT count(*) FROM work WHERE state = 'running')"
    ),
    "twiml_work_failed": "SELECT count(*) FROM work WHERE state = 'failed'",
    "twiml_work_oldest_due_timestamp_seconds": "SELECT min(due_at) FROM work WHERE state = 'waiting'",
    "twiml_worker_last_seen_timestamp_seconds": "SELECT max(seen_at) FROM workers",
    "twiml_sends_waiting": "SELECT count(*) FROM sends WHERE state = 'waiting'",
    "twiml_sends_attention": f"SELECT count(*) FROM sends WHERE {FAILED_SENDS}",  # noqa: S608
    "twiml_opt_outs": "SELECT count(*) FROM opt_outs",
}


def read_gauges(engine: Engine) -> dict[str, float]:
    """Return the gauges that have a value.

    Raises: JournalUnavailable.
    """
    return engine.read(_read, wait_s=_LIMIT_S)


def _read(execute: Execute) -> dict[str, float]:
    found = {name: execute(statement) for name, statement in _STATEMENTS.items()}
    return {name: float(rows[0][0]) for name, rows in found.items() if rows and rows[0][0] is not None}
