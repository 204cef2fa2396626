"""What happens after STOP: its handlers are notified and no reply is sent, because Twilio answers STOP itself.

START and HELP words reach their handlers too, and are then routed like any other message.
"""

from __future__ import annotations

from ..config import Settings
from ..events import InboundMessage
from ..routing import Handler, Router, opt_out_kind


def opt_out_handlers(router: Router, message: InboundMessage) -> list[Handler]:
    """Return the handlers to notify of a STOP, START or HELP word; none for any other message."""
    return router.opt_out_handlers(opt_out_kind(message))


def silence_for(message: InboundMessage, settings: Settings) -> str:
    """Return why a message gets no reply, as its outcome: ``blocked``, ``opted out``, or an empty string.

    A number in ``TWIML_OPT_OUT_NUMBERS`` answers STOP itself, as a short code does.
    """
    if message.contact in settings.blocked:
        return "blocked"
    is_stop = opt_out_kind(message) == "STOP"
    return "opted out" if is_stop and message.to not in settings.opt_out_numbers else ""
