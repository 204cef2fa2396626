"""The handler that is measured: it returns the same text as the rival, without a template."""

from __future__ import annotations

from twiml_app import InboundMessage, Router

router = Router()


@router.message("order <int:count> <item>")
def order(message: InboundMessage, count: int, item: str) -> str:
    """Answer an order."""
    return f"Thanks! {count} {item} will be ready in ten minutes."


routers = [router]
