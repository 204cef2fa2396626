"""A greeting by name, and an answer to everything else."""

from flask import render_template

from twiml_app import InboundMessage, Router

router = Router()


@router.message("hello <name>")
def hello(message: InboundMessage, name: str) -> str:
    """Greet by name."""
    return render_template("hello.txt", name=name)


@router.default
def help_text(message: InboundMessage) -> str:
    """Answer what no other handler is for."""
    return "Text HELLO and your name."
