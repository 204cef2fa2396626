"""A slow reply: the handler answers at once, and the report is sent when it is ready."""

import time

from twiml_app import InboundMessage, Router

router = Router()


def make_report(message: InboundMessage) -> str:
    """Stand for a query that takes longer than Twilio waits."""
    time.sleep(0.1)
    return "So far, 12 coffees and 3 teas have been ordered today."


@router.message("report", then=make_report)
def report(message: InboundMessage) -> str:
    """Say that the report is coming."""
    return "The report is on its way."
