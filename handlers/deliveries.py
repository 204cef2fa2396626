"""Delivery tracking: each reply carries a status URL, so its delivery is told here."""

import logging

from twiml_app import Router, StatusCallback

logger = logging.getLogger("twiml_app.handlers")
router = Router()


@router.status("delivered", "read")
def arrived(status: StatusCallback) -> None:
    """Note that a message arrived."""
    logger.info("%s arrived, it answered %s", status.message_sid, status.in_reply_to or "nothing")


@router.status("undelivered", "failed")
def lost(status: StatusCallback) -> None:
    """Note that a message did not arrive."""
    logger.warning("%s did not arrive: %s", status.message_sid, status.message_status)
