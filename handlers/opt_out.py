"""Opt-out: Twilio answers STOP itself; the program is notified, and keeps its own list."""

import logging

from twiml_app import InboundMessage, Router

logger = logging.getLogger("twiml_app.handlers")
router = Router()


@router.opt_out
def left(message: InboundMessage) -> None:
    """Take the sender off the list; nothing is sent."""
    logger.info("a contact left %s", message.number)


@router.opt_out("START")
def returned(message: InboundMessage) -> None:
    """Put the sender back on the list; the message then reaches the other handlers."""
    logger.info("a contact came back to %s", message.number)
