"""Media: receive a picture and reply with one."""

from twiml_app import InboundMessage, Media, Message, Router

router = Router()


@router.message(media="image/*")
def picture(message: InboundMessage) -> Message:
    """Reply to a picture with a picture."""
    return Message(f"Thanks, {message.num_media} received. Here is ours:", Media("https://demo.twilio.com/owl.png"))
