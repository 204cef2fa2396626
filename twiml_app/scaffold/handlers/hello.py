"""Greet by name, and reply to everything else."""

from flask import render_template

from twiml_app import InboundMessage, Router

router = Router()


@router.message("hello <name>")
def hello(message: InboundMessage, name: str) -> str:
    """Greet by name."""
    return render_template("hello.txt", name=name)


@router.default
def help_text(message: InboundMessage) -> str:
    """Reply to every text that no other handler matches."""
    return "Text HELLO and your name."
