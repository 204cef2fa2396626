"""Opt-out: Twilio answers STOP itself; these handlers keep the app's own list up to date."""

import logging

from twiml_app import InboundMessage, Router

logger = logging.getLogger("twiml_app.handlers")
router = Router()


@router.opt_out
def left(message: InboundMessage) -> None:
    """Remove the sender from the list; no reply is sent."""
    logger.info("a contact left %s", message.number)


@router.opt_out("START")
def returned(message: InboundMessage) -> None:
    """Put the sender back on the list; the message is then routed to the other handlers."""
    logger.info("a contact came back to %s", message.number)
