"""Faults of the emulator against an application: what its handlers get, and what reaches the phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from flask import Flask

from twiml_app import InboundMessage, Router, StatusCallback
from twiml_app.app import Twiml
from twiml_app.emulator import Emulator, Fault
from twiml_app.served_app import emulator_for

CONTACT = "+15558675310"
TOKEN = "0123456789abcdef0123456789abcdef"


class Handled:
    """What the handlers of an application got."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.statuses: list[tuple[str, bool]] = []


Serve = Callable[[], AbstractContextManager[tuple[Emulator, Handled]]]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """A function that serves an application with a journal, both kinds of authentication, and an emulator."""

    @contextmanager
    def serving() -> Iterator[tuple[Emulator, Handled]]:
        handled, router = Handled(), Router()

        @router.default
        def count(message: InboundMessage) -> str:
            handled.texts.append(message.body)
            return f"number {len(handled.texts)}"

        @router.status("sent", "delivered")
        def follow(status: StatusCallback) -> None:
            handled.statuses.append((status.message_status, status.late))

        app = Flask("faults")
        app.config.update(
            {
                "TWIML_CREDENTIALS": "sms:quite-long-enough",
                "TWIML_AUTH_TOKENS": TOKEN,
                "TWIML_DATABASE_URL": f"sqlite:///{tmp_path}/twiml.db",
            }
        )
        Twiml(app, router=router)
        with emulator_for(app) as emulator:
            yield emulator, handled

    return serving


@pytest.mark.parametrize("kind", ["webhook-duplicate", "webhook-retry"])
def test_repeated_webhook_is_handled_once(serve: Serve, kind: str) -> None:
    """The promise of exactly one reply, whichever of the two answers Twilio uses."""
    with serve() as (emulator, handled):
        reply = emulator.phone(CONTACT).text("hello", fault=kind)

    assert (handled.texts, reply.texts, reply.problems) == (["hello"], ["number 1"], [])


@pytest.mark.parametrize("kind", ["webhook-late", "webhook-cut"])
def test_lost_answer_is_sent_by_the_fallback_url(serve: Serve, kind: str) -> None:
    """The handler has run: its stored reply reaches the contact on the second way."""
    with serve() as (emulator, handled):
        reply = emulator.phone(CONTACT).text("hello", fault=kind)

    assert (handled.texts, reply.texts) == (["hello"], ["number 1"])
    assert [problem.code for problem in reply.problems] == [11200]


@pytest.mark.parametrize(
    "kind",
    ["webhook-wrong-signature", "webhook-no-signature", "webhook-wrong-credentials", "webhook-no-credentials"],
)
def test_webhook_that_is_not_authenticated_reaches_no_handler(serve: Serve, kind: str) -> None:
    """Both the signature and the credentials are required, on the fallback URL too."""
    with serve() as (emulator, handled):
        reply = emulator.phone(CONTACT).text("hello", fault=Fault(kind, count=2))

    assert (handled.texts, reply.texts) == ([], [])
    assert [problem.code for problem in reply.problems] == [11200, 11200]


def test_late_status_is_known_to_be_late(serve: Serve) -> None:
    """The handler of a status learns that the message is further already."""
    with serve() as (emulator, handled):
        emulator.faults.add("status-reorder")
        emulator.phone(CONTACT).text("hello")
        emulator.settle()

    assert handled.statuses == [("delivered", False), ("sent", True)]
