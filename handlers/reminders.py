"""A scheduled text: a contact gets a reminder when it asks for one."""

from datetime import UTC, datetime, timedelta

from twiml_app import InboundMessage, Router, send

router = Router()


@router.message("remind me in <int:minutes>")
def remind(message: InboundMessage, minutes: int) -> str:
    """Take a reminder such as "remind me in 10"; it leaves then, even if the server is restarted meanwhile."""
    at = datetime.now(UTC) + timedelta(minutes=max(1, minutes))
    send(message.contact, "Your coffee is waiting.", at=at, key=f"reminder:{message.message_sid}")
    return f"We will remind you in {max(1, minutes)} minutes."
