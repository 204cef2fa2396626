"""Delivery tracking: each reply carries a status URL, so these handlers are called with its delivery status."""

import logging

from twiml_app import Router, StatusCallback

logger = logging.getLogger("twiml_app.handlers")
router = Router()


@router.status("delivered", "read")
def arrived(status: StatusCallback) -> None:
    """Log that a message was delivered."""
    logger.info("%s arrived, in reply to %s", status.message_sid, status.in_reply_to or "nothing")


@router.status("undelivered", "failed")
def lost(status: StatusCallback) -> None:
    """Log that a message was not delivered."""
    logger.warning("%s did not arrive: %s", status.message_sid, status.message_status)
