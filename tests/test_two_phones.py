"""The phone for tests and the phone of the emulator have the same interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest
from flask import Flask

from twiml_app import InboundMessage, Media, Message, Router, StatusCallback
from twiml_app.app import Twiml
from twiml_app.emulator import EmulatedPhone, EmulatedReply
from twiml_app.served_app import emulator_for
from twiml_app.testing import Phone, Reply


@dataclass
class Pair:
    """A phone, and a function that makes a reply to it fail with an error code."""

    phone: Phone | EmulatedPhone
    fail: Callable[[Reply | EmulatedReply, int], object]
    statuses: list[StatusCallback]


def make_app(statuses: list[StatusCallback]) -> Flask:
    """Make an application that follows the delivery of its replies."""
    router = Router()

    @router.message("twice")
    def twice(message: InboundMessage) -> list[str]:
        return ["one", "two"]

    @router.default
    def echo(message: InboundMessage) -> str | None:
        return message.body or None

    @router.error_code(range(30000, 31000))
    def lost(status: StatusCallback) -> None:
        statuses.append(status)

    app = Flask("phones")
    app.config.update({"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_DATABASE_URL": "off"})
    Twiml(app, router=router)
    return app


@contextmanager
def phone_for_tests(statuses: list[StatusCallback]) -> Iterator[Pair]:
    """Yield the phone for tests."""
    phone = Phone(make_app(statuses), contact="+15558675310", number="+15005550006")

    def fail(reply: Reply | EmulatedReply, code: int) -> None:
        assert isinstance(reply, Reply)
        phone.report(reply, "undelivered", error_code=code)

    yield Pair(phone, fail, statuses)


@contextmanager
def phone_of_the_emulator(statuses: list[StatusCallback]) -> Iterator[Pair]:
    """Yield the phone of the emulator."""
    with emulator_for(make_app(statuses), number="+15005550006") as emulator:
        phone = emulator.phone("+15558675310")

        def fail(reply: Reply | EmulatedReply, code: int) -> None:
            phone.will("undelivered", code)
            emulator.settle()

        yield Pair(phone, fail, statuses)


@pytest.fixture(params=[phone_for_tests, phone_of_the_emulator], ids=["tests", "emulator"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Each of the two phones."""
    with ExitStack() as stack:
        yield stack.enter_context(request.param([]))


def test_phone_has_a_contact_and_a_number(pair: Pair) -> None:
    """The roles have the same names in both directions."""
    assert (pair.phone.contact, pair.phone.number) == ("+15558675310", "+15005550006")


def test_reply_has_texts_media_and_statuses(pair: Pair) -> None:
    """A test can switch from one phone to the other without changes."""
    reply = pair.phone.text("twice")

    assert (reply.text, reply.texts, reply.media) == ("one", ["one", "two"], [])
    assert reply.statuses == ["queued", "queued"]


def test_no_reply_is_an_empty_reply(pair: Pair) -> None:
    """An opt-out word gets no reply."""
    reply = pair.phone.text("STOP")

    assert (reply.text, reply.texts, reply.media, reply.statuses) == ("", [], [], [])


def test_delivery_result_reaches_the_reply_and_the_handler(pair: Pair) -> None:
    """The reply itself shows its delivery status."""
    reply = pair.phone.text("hello")
    pair.fail(reply, 30005)

    assert reply.statuses == ["undelivered"]
    assert [(status.message_status, status.error_code) for status in pair.statuses] == [("undelivered", 30005)]


def test_media_of_a_reply_are_urls() -> None:
    """Both return a URL to fetch the picture from: the program's own, or that of the emulator's copy."""
    router = Router()
    router.default(lambda _: Message("look", Media("https://example.com/cat.jpg")))
    app = Flask("pictures")
    app.config.update({"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_DATABASE_URL": "off"})
    Twiml(app, router=router)

    assert Phone(app).text("hi").media == ["https://example.com/cat.jpg"]
    with emulator_for(app) as emulator:
        (url,) = emulator.phone("+15558675310").text("hi").media
        assert url.startswith(f"{emulator.url}/2010-04-01/Accounts/{emulator.account_sid}/Messages/MM")
