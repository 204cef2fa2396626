"""A pattern: parts of the text become arguments."""

from flask import render_template

from twiml_app import InboundMessage, Router

router = Router()


@router.message("order <int:count> <item>")
def order(message: InboundMessage, count: int, item: str) -> str:
    """Take an order such as "Order 2 coffee"."""
    if count < 1:
        return "Order at least one, for example: order 2 coffee"
    return render_template("order.txt", count=count, item=item)
