"""For an event that no handler is for: a handler ready to paste, logged once for each kind."""

from __future__ import annotations

from ..events import InboundMessage, StatusCallback
from ..logs import logger

_MESSAGE = """no handler is for this message, and there is no default handler. To answer, add to a module of handlers/:

    @router.default
    def answer(message: InboundMessage) -> str:
        return "Hello!"
"""

_STATUS = """no handler is for this status callback. To take it, add to a module of handlers/:

    @router.{condition}
    def {name}(status: StatusCallback) -> None:
        print(status.message_sid, status.message_status, status.error_code)
"""


class Suggestions:
    """Remembers what has been suggested, so that each suggestion is made once."""

    def __init__(self) -> None:
        self._made: set[str] = set()

    def offer(self, event: InboundMessage | StatusCallback) -> None:
        """Log the handler that would have taken the event, unless that has been done."""
        text = suggest(event)
        if text not in self._made:
            self._made.add(text)
            logger.info("%s", text)


def suggest(event: InboundMessage | StatusCallback) -> str:
    """Return the source of a handler for an event; nothing of a person's text is in it."""
    if isinstance(event, InboundMessage):
        return _MESSAGE
    if event.error_code is not None:
        return _STATUS.format(condition=f"error_code({event.error_code})", name=f"on_error_{event.error_code}")
    status = event.message_status
    if not f"on_{status}".isidentifier():
        return _STATUS.format(condition=f"status({status!r})", name="on_status")
    return _STATUS.format(condition=f'status("{status}")', name=f"on_{status}")
