"""A dialog: a handler that asks questions, and goes on after restarts and deployments."""

from twiml_app import Dialog, InboundMessage, Router, ask, choice, step

router = Router()


def create_order(contact: str, size: str, *, idempotency_key: str = "") -> int:
    """Order a shirt in your shop; the same key must not order a second one."""
    return 1 + sum(map(ord, idempotency_key)) % 1000


@router.dialog("sign up", name="signup", version=1, cancel=("never mind",))
def signup(message: InboundMessage) -> Dialog:
    """Ask for a name and a size, and order once."""
    name = yield "What is your name?"
    size = yield from ask("Which size?", choice("small", "large"), reprompt="Small or large, please.")
    order = yield from step(create_order, message.contact, size)
    return f"Thanks, {name}. Order {order} is on its way."
