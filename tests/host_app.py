"""A larger Flask application that uses the extension under a prefix."""

from __future__ import annotations

from flask import Flask

from twiml_app import InboundMessage, Router
from twiml_app.app import Twiml

router = Router()


@router.default
def answer(message: InboundMessage) -> str:
    """Say hello to the sender."""
    return f"Hello, {message.contact}!"


def app() -> Flask:
    """Create the application."""
    made = Flask("bigger")
    made.config["TWIML_DATABASE_URL"] = "off"
    Twiml(made, router=router, url_prefix="/sms")
    return made
