"""What a type checker knows about dialogs; ``make test`` checks this file."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, assert_type

from twiml_app import EnqueuedWork, InboundMedia, InboundMessage, Message, Router, enqueue, enqueue_in, start, wait_for
from twiml_app.conversations import Dialog, Location, Question, Reply, ask, choice, step

router = Router()


async def order_slowly(contact: str) -> list[int]:
    """Order something in an event loop."""
    return [len(contact)]


def order(contact: str, size: str, *, gift: bool = False) -> int:
    """Order something."""
    return len(contact) + len(size) + gift


@router.dialog("sign up", name="typed")
def signup(message: InboundMessage) -> Dialog:
    """Ask for every kind of answer."""
    assert_type((yield "What is your name?"), str)
    assert_type((yield [Message("Hello."), "Your name?"]), str)
    assert_type((yield from ask("Your name?")), str)
    assert_type((yield from ask("Your name?", str, collect_s=4)), str)
    assert_type((yield from ask("Which?", choice("a", "b"), reprompt="A or b?")), str)
    assert_type((yield from ask("How many?", int, attempts=2)), int)
    assert_type((yield from ask("How much?", float)), float)
    assert_type((yield from ask("Sure?", bool)), bool)
    assert_type((yield from ask("When?", date)), date)
    assert_type((yield from ask("A picture?", InboundMedia)), tuple[InboundMedia, ...])
    assert_type((yield from ask("Where?", Location)), Location)
    assert_type((yield from ask("What?", "<int:count> <item>")), dict[str, Any])
    assert_type((yield from ask("What?", re.compile("(?P<item>tea)"))), dict[str, Any])
    assert_type((yield from step(order, message.contact, "small", gift=True)), int)
    assert_type((yield from wait_for(enqueue(order, message.contact, "small"))), int)
    assert_type((yield from wait_for(enqueue_in(5, order_slowly, message.contact))), list[int])
    assert_type((yield from nested(message)), Reply)
    return "Done"


def nested(message: InboundMessage) -> Dialog:
    """Ask inside another dialog."""
    name = yield "What is your name?"
    return f"Hi, {name}"


def wrong(message: InboundMessage) -> Dialog:
    """Do what the type checker refuses; an ignored error that it does not find is an error too."""
    yield 1  # type: ignore[misc]
    count: int = yield "How many?"  # type: ignore[assignment]
    size: str = yield from ask("How many?", int)  # type: ignore[assignment]
    yield from ask("How many?", bytes)  # type: ignore[arg-type]
    yield from step(order, message.contact)  # type: ignore[call-arg]
    size = yield from wait_for(enqueue(order, message.contact))  # type: ignore[assignment]
    yield from step(order, message.contact, count)  # type: ignore[arg-type]
    return size, 200  # type: ignore[return-value]


def begin(contact: str) -> None:
    """Start dialogs."""
    assert_type(start(signup, to=contact, if_open="queue"), EnqueuedWork[None])
    start(signup, to=contact, if_open="wait")  # type: ignore[arg-type]
    start(order, to=contact)  # type: ignore[arg-type]


def asked(question: Question) -> Question:
    """Take whatever a dialog may yield."""
    return question
