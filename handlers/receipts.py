"""Files: keep a picture that came in, and reply with a picture from this project."""

from pathlib import Path

from flask import current_app

from twiml_app import InboundMessage, Message, Router

router = Router()


@router.message("receipt", media="image/*")
def keep(message: InboundMessage) -> str:
    """Save a picture that was sent with the word RECEIPT, under the SID of its message."""
    folder = Path(current_app.instance_path) / "receipts"
    folder.mkdir(parents=True, exist_ok=True)
    message.media[0].save(folder / f"{message.message_sid}.jpg")
    return "Thanks, your receipt is filed."


@router.message("way")
def way(message: InboundMessage) -> Message:
    """Reply with a local file; its path starts at the folder of the project."""
    return Message("We are at the red dot:", media=Path("pictures/way.png"))
