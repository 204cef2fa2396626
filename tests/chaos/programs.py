"""Programs that are deliberately wrong, each in a way that tests without faults do not show.

Each function returns the router of a new process: what a program keeps in a global is a local variable here.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from twilio.rest import Client

from twiml_app import (
    Conversation,
    Dialog,
    InboundMessage,
    Message,
    Router,
    StatusCallback,
    ask,
)


def client() -> Client:
    """Return the official client, pointed at the emulator as the documentation says."""
    made = Client(os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"])
    made.api.base_url = os.environ["TWIML_EMULATOR_URL"]
    return made


def echoes() -> Router:
    """Nothing is wrong with it."""
    router = Router()

    @router.default
    def echo(message: InboundMessage) -> str:
        return f"you say {message.body}"

    return router


def loses_a_step() -> Router:
    """It counts texts instead of asking with a dialog, so a copy is taken for the next answer."""
    router = Router()

    @router.default
    def sign_up(message: InboundMessage, conversation: Conversation) -> str:
        step = conversation["step"] = conversation.get("step", 0) + 1
        if step == 1:
            return "What is your name?"
        if step == 2:
            conversation["name"] = message.body
            return "Which size?"
        return f"Thanks, {conversation['name']}: {message.body}."

    return router


def too_slow() -> Router:
    """It takes longer than Twilio waits."""
    router = Router()

    @router.default
    def report(message: InboundMessage) -> str:
        time.sleep(0.3)
        return "The report"

    return router


def sends_again() -> Router:
    """It repeats a request whose outcome it does not know."""
    router = Router()

    @router.default
    def notify(message: InboundMessage) -> str:
        for _ in range(3):
            with suppress(Exception):
                client().messages.create(to=message.contact, from_=message.number, body="Your code is 1234")
                break
        return "Your code is on its way"

    return router


def forgets_at_a_restart() -> Router:
    """It keeps the state of each person in memory, where another process does not find it."""
    router, names = Router(), dict[str, str]()

    @router.message("my name is <name>")
    def keep(message: InboundMessage, name: str) -> str:
        names[message.contact] = name
        return "Hello!"

    @router.default
    def greet(message: InboundMessage) -> str:
        return f"Hi {names.get(message.contact, 'stranger')}"

    return router


def mixes_people_up() -> Router:
    """It keeps the state of everybody in one variable."""
    router, asked = Router(), list[str]()

    @router.default
    def greet(message: InboundMessage) -> str:
        asked.append(message.body)
        return "Who are you?" if len(asked) == 1 else "Hello!"

    return router


def joins_parts() -> Router:
    """It asks for a long text, and joins what arrives in parts."""
    router = Router()

    @router.dialog("complain", name="complaint", version=1)
    def complaint(message: InboundMessage) -> Dialog:
        yield from ask("What happened?", collect_s=4)
        name = yield "What is your name?"
        return f"Sorry, {name}."

    return router


def fails_in_a_circle() -> Router:
    """It answers a failure with a message that fails as well."""
    router = Router()

    @router.default
    def hello(message: InboundMessage) -> str:
        return "Hello"

    @router.status("undelivered")
    def again(status: StatusCallback) -> None:
        callback = status.form.get("never") or os.environ["TEST_STATUS_URL"]
        client().messages.create(to=status.contact, from_=status.number, body="Again", status_callback=callback)

    return router


def answers_in_pieces() -> Router:
    """It is right to send two messages for each text, with an order number that nobody can foresee."""
    router, orders = Router(), list[str]()

    @router.default
    def order(message: InboundMessage) -> list[Message]:
        orders.append(message.body)
        return [Message(f"Order {len(orders)} taken"), Message("Thanks!")]

    return router
