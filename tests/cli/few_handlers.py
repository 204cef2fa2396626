"""Handlers of a project without a default handler."""

from __future__ import annotations

from twiml_app import InboundMessage, Router

router = Router()


@router.message("hello")
def hello(message: InboundMessage) -> str:
    """Say hello."""
    return "Hello!"


routers = [router]
