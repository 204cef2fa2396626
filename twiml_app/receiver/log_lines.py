"""The log line of an event: what it was, which handler ran, and what came of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial

from ..alerts import Alert
from ..events import Event, InboundMessage, StatusCallback, UnknownEvent
from ..logs import EventLine, log_line, mask
from .claims import Outcome

#: Outcomes that need no attention: they are logged as information, all others as warnings.
_QUIET = ("replied", "silent", "handled", "opted out", "repeated", "blocked", "reaction", "postponed")
_KINDS: dict[type, str] = {
    InboundMessage: "inbound message",
    StatusCallback: "status callback",
    Alert: "alert",
    UnknownEvent: "webhook",
}


def kind_of(event: Event) -> str:
    """Return what an event is called in the log."""
    return _KINDS[type(event)]


def log_outcome(event: Event, outcome: Outcome, seconds: float) -> None:
    """Log the outcome of an event; a message or an alert that no handler takes needs attention, a status does not."""
    unhandled = outcome.name == "unhandled" and isinstance(event, InboundMessage | Alert)
    is_warning = outcome.name not in _QUIET and (outcome.name != "unhandled" or unhandled)
    line = EventLine(kind_of(event), partial(_fields, event, outcome, seconds))
    log_line(logging.WARNING if is_warning else logging.INFO, line)


def _fields(event: Event, outcome: Outcome, seconds: float) -> dict[str, object]:
    replayed = "yes" if event.replayed else None
    done = {"handler": outcome.handler, "outcome": outcome.name, "ms": round(seconds * 1000, 1), "replayed": replayed}
    if isinstance(event, UnknownEvent):
        return done
    if isinstance(event, Alert):
        return {**_about_alert(event), **done}
    return {
        "sid": event.message_sid,
        "status": event.message_status if isinstance(event, StatusCallback) else None,
        "error_code": event.error_code,
        **done,
        "from": mask(event.from_),
        "to": mask(event.to),
    }


def _about_alert(alert: Alert) -> Mapping[str, object]:
    """Return the fields of an alert for the log; its payload, which may contain texts, is only in the journal."""
    about = {"sid": alert.sid, "level": alert.level, "error_code": alert.error_code, "resource": alert.resource_sid}
    return about if alert.payload else about | {"problem": "the payload is not a JSON object"}
