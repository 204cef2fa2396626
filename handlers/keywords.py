"""Keywords: fixed words, and an answer to everything else."""

from flask import render_template

from twiml_app import InboundMessage, Router

router = Router()


@router.message("hours")
def hours(message: InboundMessage) -> str:
    """Answer the word HOURS, however it is typed."""
    return "We are open from 8 to 18, Monday to Saturday."


@router.message("menu")
def menu(message: InboundMessage) -> str:
    """Answer with a template from templates/."""
    return render_template("menu.txt", drinks={"coffee": 3, "tea": 2})


@router.default
def help_text(message: InboundMessage) -> str:
    """Answer messages that match no other handler."""
    return "Text MENU, HOURS, or ORDER with a quantity and an item, for example: order 2 coffee"
