"""Error codes: what to do when a message cannot be delivered."""

import logging

from twiml_app import Router, StatusCallback
from twiml_app.statuses import error_code

logger = logging.getLogger("twiml_app.handlers")
router = Router()


@router.error_code(30003, 30005, 30006)
def unreachable(status: StatusCallback) -> None:
    """Warn about a number that cannot be reached."""
    known = error_code(status.error_code or 0)
    logger.warning("%s: %s, look up the number", status.error_code, known.meaning if known else "unknown")


@router.error_code(30007, range(30032, 30035))
def not_allowed(status: StatusCallback) -> None:
    """Log an error for the people who register our numbers."""
    logger.error("%s: the number is not allowed to send this", status.error_code)
