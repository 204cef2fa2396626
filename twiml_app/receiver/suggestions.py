"""Suggest a handler for an event that none matches: ready to paste, and logged once per kind of event."""

from __future__ import annotations

from ..alerts import Alert
from ..events import InboundMessage, StatusCallback
from ..logs import logger
from ..statuses import STATUSES, TERMINAL

_MESSAGE = """no handler matches this message, and there is no default handler. To answer it, add to handlers/:

    @router.default
    def answer(message: InboundMessage) -> str:
        return "Hello!"
"""

_STATUS = """no handler matches this status callback. To handle it, add to handlers/:

    @router.{condition}
    def {name}(status: StatusCallback) -> None:
        print(status.message_sid, status.message_status, status.error_code)
"""

_ALERT = """no handler matches this alert of Twilio's debugger. To handle it, add to handlers/:

    @router.alert({code})
    def on_alert(alert: Alert) -> None:
        print(alert.level, alert.error_code, alert.resource_sid, alert.message)
"""


#: A suggestion for each status and error code that Twilio sends would fit; others may come from anywhere.
MAX_SUGGESTIONS = 100
#: Twilio's longest status has 19 characters.
MAX_STATUS_CHARACTERS = 40


class Suggestions:
    """Remembers the suggestions that were made, so that each is made once; only a limited number are made."""

    def __init__(self) -> None:
        self._made: set[str] = set()

    def offer(self, event: InboundMessage | StatusCallback | Alert) -> None:
        """Log a handler that would match the event, unless it was logged before or nobody would need it."""
        if isinstance(event, StatusCallback) and not _is_worth_handling(event):
            return
        text = suggest(event)
        if text not in self._made and len(self._made) < MAX_SUGGESTIONS:
            self._made.add(text)
            logger.info("%s", text)


def _is_worth_handling(status: StatusCallback) -> bool:
    """Return whether a handler may be missing: not for a step on the way, nor for a status that is too long."""
    if status.error_code is None and status.message_status in STATUSES - TERMINAL:
        return False
    return len(status.message_status) <= MAX_STATUS_CHARACTERS


def suggest(event: InboundMessage | StatusCallback | Alert) -> str:
    """Return the source of a handler for an event, without any text that a person wrote."""
    if isinstance(event, InboundMessage):
        return _MESSAGE
    if isinstance(event, Alert):
        return _ALERT.format(code="" if event.error_code is None else event.error_code)
    if event.error_code is not None:
        return _STATUS.format(condition=f"error_code({event.error_code})", name=f"on_error_{event.error_code}")
    status = event.message_status
    if not f"on_{status}".isidentifier():
        return _STATUS.format(condition=f"status({status!r})", name="on_status")
    return _STATUS.format(condition=f'status("{status}")', name=f"on_{status}")
