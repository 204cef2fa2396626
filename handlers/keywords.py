"""Keywords: fixed words, and a reply to everything else."""

from flask import render_template

from twiml_app import InboundMessage, Router

router = Router()


@router.message("hours")
def hours(message: InboundMessage) -> str:
    """Reply to the word HOURS, in upper or lower case."""
    return "We are open from 8 to 18, Monday to Saturday."


@router.message("menu")
def menu(message: InboundMessage) -> str:
    """Reply with a template from templates/."""
    return render_template("menu.txt", drinks={"coffee": 3, "tea": 2})


@router.default
def help_text(message: InboundMessage) -> str:
    """Reply to every text that no other handler matches."""
    return "Text MENU, HOURS, or ORDER with a quantity and an item, for example: order 2 coffee"
