"""The phone of the tests and the phone of the emulator are read in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest
from flask import Flask

from twiml_app import InboundMessage, Media, Message, Router, StatusCallback
from twiml_app.app import Twiml
from twiml_app.emulator import EmulatedPhone, EmulatedReply
from twiml_app.testing import Phone, Reply, emulator_for


@dataclass
class Pair:
    """A phone, and what makes a reply to it fail with an error code."""

    phone: Phone | EmulatedPhone
    fail: Callable[[Reply | EmulatedReply, int], object]
    told: list[StatusCallback]


def make_app(told: list[StatusCallback]) -> Flask:
    """Make an application whose replies are followed."""
    router = Router()

    @router.message("twice")
    def twice(message: InboundMessage) -> list[str]:
        return ["one", "two"]

    @router.default
    def echo(message: InboundMessage) -> str | None:
        return message.body or None

    @router.error_code(range(30000, 31000))
    def lost(status: StatusCallback) -> None:
        told.append(status)

    app = Flask("phones")
    app.config.update({"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_DATABASE_URL": "off"})
    Twiml(app, router=router)
    return app


@contextmanager
def phone_of_the_tests(told: list[StatusCallback]) -> Iterator[Pair]:
    """Give the phone of the tests."""
    phone = Phone(make_app(told), contact="+15558675310", number="+15005550006")

    def fail(reply: Reply | EmulatedReply, code: int) -> None:
        assert isinstance(reply, Reply)
        phone.report(reply, "undelivered", error_code=code)

    yield Pair(phone, fail, told)


@contextmanager
def phone_of_the_emulator(told: list[StatusCallback]) -> Iterator[Pair]:
    """Give the phone of the emulator."""
    with emulator_for(make_app(told), number="+15005550006") as emulator:
        phone = emulator.phone("+15558675310")

        def fail(reply: Reply | EmulatedReply, code: int) -> None:
            phone.will("undelivered", code)
            emulator.settle()

        yield Pair(phone, fail, told)


@pytest.fixture(params=[phone_of_the_tests, phone_of_the_emulator], ids=["tests", "emulator"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Each of the two phones."""
    with ExitStack() as stack:
        yield stack.enter_context(request.param([]))


def test_phone_has_a_contact_and_a_number(pair: Pair) -> None:
    """The roles have the same names whichever way a message goes."""
    assert (pair.phone.contact, pair.phone.number) == ("+15558675310", "+15005550006")


def test_reply_has_texts_media_and_statuses(pair: Pair) -> None:
    """A test moves from one phone to the other without new words."""
    reply = pair.phone.text("twice")

    assert (reply.text, reply.texts, reply.media) == ("one", ["one", "two"], [])
    assert reply.statuses == ["queued", "queued"]


def test_silence_is_an_empty_reply(pair: Pair) -> None:
    """Nothing is sent for an opt-out word."""
    reply = pair.phone.text("STOP")

    assert (reply.text, reply.texts, reply.media, reply.statuses) == ("", [], [], [])


def test_delivery_result_reaches_the_reply_and_the_handler(pair: Pair) -> None:
    """What became of a reply is read where the reply is."""
    reply = pair.phone.text("hello")
    pair.fail(reply, 30005)

    assert reply.statuses == ["undelivered"]
    assert [(status.message_status, status.error_code) for status in pair.told] == [("undelivered", 30005)]


def test_media_of_a_reply_are_urls() -> None:
    """Both say where a picture is fetched: the program's own URL, or the emulator's copy."""
    router = Router()
    router.default(lambda _: Message("look", Media("https://example.com/cat.jpg")))
    app = Flask("pictures")
    app.config.update({"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_DATABASE_URL": "off"})
    Twiml(app, router=router)

    assert Phone(app).text("hi").media == ["https://example.com/cat.jpg"]
    with emulator_for(app) as emulator:
        (url,) = emulator.phone("+15558675310").text("hi").media
        assert url.startswith(f"{emulator.url}/2010-04-01/Accounts/{emulator.account_sid}/Messages/MM")
