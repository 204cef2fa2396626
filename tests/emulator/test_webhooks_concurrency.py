"""Webhooks and the clock: programs that send messages, are slow, or are called concurrently."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.emulator.program import (
    CONTACT,
    MONDAY,
    NOTHING,
    Answer,
    Program,
    Received,
    emulator,
    say,
    send,
    twiml,
)
from tests.servers import LIMIT_S
from twiml_app.emulator import Emulator


def test_program_may_send_while_the_clock_is_stepped(twilio: Emulator, program: Program) -> None:
    """A handler of a status callback may send the next message."""

    def next_one(request: Received) -> Answer:
        if request.form["MessageStatus"] == "delivered" and len(twilio.outbox) < 3:
            send(twilio, status_callback=program.url("/status"))
        return NOTHING

    send(twilio, status_callback=program.answers("/status", next_one))
    assert twilio.settle()

    assert [message.status for message in twilio.outbox] == ["delivered"] * 3
    assert [(message.date_sent or 0.0) - MONDAY for message in twilio.outbox] == pytest.approx([0.2, 1.4, 2.6])


def test_clock_may_be_stepped_while_a_program_is_called(twilio: Emulator, program: Program) -> None:
    """The reply is dated when the program answers."""
    asked, release = threading.Event(), threading.Event()

    def slow(_: Received) -> Answer:
        asked.set()
        assert release.wait(LIMIT_S)
        return say("done")

    program.answers("/message", slow)
    with ThreadPoolExecutor(1) as threads:
        pending = threads.submit(twilio.phone(CONTACT).text, "hello")
        assert asked.wait(LIMIT_S)
        twilio.advance(3600)
        release.set()
        (message,) = pending.result(LIMIT_S).messages
    assert twilio.settle()

    assert message.date_created == MONDAY + 3600
    assert [message.body for message in twilio.phone(CONTACT).inbox] == ["done"]


def test_concurrent_messages_with_a_running_clock(program: Program) -> None:
    """Each gets its own reply, and each reply its own statuses."""

    def echo(request: Received) -> Answer:
        return twiml(f"<Message action='/status?of={request.form['Body']}'>{request.form['Body']}</Message>")

    program.answers("/status", NOTHING)
    with emulator(clock="fast") as twilio:
        for n in range(8):
            twilio.add_number(f"+1501712266{n}", program.answers("/message", echo))

        def talk(n: int) -> str:
            return twilio.phone(f"+1555867531{n}").text(str(n), number=f"+1501712266{n}").text

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(talk, range(8))) == [str(n) for n in range(8)]
        assert twilio.settle()

        assert [message.status for message in twilio.outbox] == ["delivered"] * 8
        posted = sorted((request.query["of"][0], request.form["MessageStatus"]) for request in program.at("/status"))
        assert posted == sorted((str(n), status) for n in range(8) for status in ("sent", "delivered"))
