"""The example application: its answers, through HTTP and the real authentication."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import cast

import pytest
from flask import Flask

from handlers.reports import make_report
from tests.servers import ROOT
from twiml_app import InboundMessage
from twiml_app.app import create_app
from twiml_app.caller.forms import inbound_form
from twiml_app.events import parse_event
from twiml_app.testing import Phone


def report_of(text: str) -> str:
    """Return the report that belongs to a text."""
    return make_report(cast(InboundMessage, parse_event(inbound_form(text))))


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """The example application."""
    settings = {"TWIML_CREDENTIALS": "sms:only-for-this-run", "TWIML_DATABASE_URL": f"sqlite:///{tmp_path}/twiml.db"}
    return create_app(settings, root=ROOT)


@pytest.fixture
def phone(app: Flask) -> Phone:
    """A phone that texts the example application."""
    return Phone(app)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        pytest.param(" Hours? ", "We are open from 8 to 18, Monday to Saturday.", id="keyword as people type it"),
        pytest.param(
            "MENU",
            "Today:\n- coffee, 3 €\n- tea, 2 €\nText ORDER with a quantity and an item.",
            id="template with a loop",
        ),
        pytest.param("Order 2  Flat White", "Thanks! 2 Flat White will be ready in ten minutes.", id="pattern"),
        pytest.param("order 0 tea", "Order at least one, for example: order 2 coffee", id="count of zero"),
        pytest.param(
            "order 1 <b>&</b>", "Thanks! 1 <b>&</b> will be ready in ten minutes.", id="markup is text, escaped once"
        ),
        pytest.param(
            "?",
            "Text MENU, HOURS, or ORDER with a quantity and an item, for example: order 2 coffee",
            id="anything else",
        ),
    ],
)
def test_messages_are_answered(phone: Phone, text: str, answer: str) -> None:
    """Users copy the examples, so each must work as described."""
    assert phone.text(text).texts == [answer]


def test_report_is_announced_and_made_after_the_answer(phone: Phone) -> None:
    """The contact does not wait for it."""
    assert phone.text("report").texts == ["The report is on its way."]
    assert report_of("report") == "So far, 12 coffees and 3 teas have been ordered today."


def test_picture_is_answered_with_a_picture(phone: Phone) -> None:
    """An image-only message has an empty text and is still a message."""
    reply = phone.image("https://example.com/cat.jpg")

    assert reply.texts == ["Thanks, 1 received. Here is ours:"]
    assert reply.media == ["https://demo.twilio.com/owl.png"]


def test_receipt_is_saved(app: Flask, phone: Phone, tmp_path: Path) -> None:
    """A picture is downloaded while the handler runs, and kept in a file."""
    app.instance_path = str(tmp_path)
    picture = tmp_path / "photo.jpg"
    picture.write_bytes(b"a photo")

    assert phone.image(picture, "Receipt", MessageSid="MM" + "1" * 32).texts == ["Thanks, your receipt is filed."]
    assert (tmp_path / "receipts" / f"MM{'1' * 32}.jpg").read_bytes() == b"a photo"


def test_local_picture_is_sent(app: Flask, phone: Phone) -> None:
    """The reply has a link to the file of the project, which needs no credentials."""
    reply = phone.text("way")
    answer = app.test_client().get(reply.media[0].removeprefix("http://localhost"), buffered=True)

    assert reply.texts == ["We are at the red dot:"]
    assert (answer.content_type, answer.data) == ("image/png", (ROOT / "pictures" / "way.png").read_bytes())


def test_delivery_of_a_reply_is_reported_to_its_status_url(phone: Phone, caplog: pytest.LogCaptureFixture) -> None:
    """The signed URL in the reply is the only way to get a report on its delivery."""
    caplog.set_level(logging.INFO)
    reply = phone.text("hours", MessageSid="SM" + "1" * 32)

    assert phone.report(reply, "delivered").status == 204
    assert f"in reply to SM{'1' * 32}" in caplog.text


@pytest.mark.parametrize(
    ("code", "says"),
    [
        pytest.param(30005, "30005: unknown destination phone, look up the number", id="exact code"),
        pytest.param(30034, "30034: the number is not allowed to send this", id="code of a range"),
    ],
)
def test_error_codes_reach_their_handler(phone: Phone, caplog: pytest.LogCaptureFixture, code: int, says: str) -> None:
    """A failed message has a status and an error code, and the handlers of both run."""
    assert phone.status("SM" + "2" * 32, "undelivered", error_code=code).status == 204

    assert f"SM{'2' * 32} did not arrive: undelivered" in caplog.text
    assert says in caplog.text


def test_stop_reaches_its_handler_and_gets_no_reply(phone: Phone, caplog: pytest.LogCaptureFixture) -> None:
    """Twilio answers STOP itself, and refuses messages that are sent afterwards."""
    caplog.set_level(logging.INFO)

    assert phone.text("Stop").texts == []
    assert "a contact left +15005550006" in caplog.text


def test_start_reaches_its_handler_and_then_the_routes(phone: Phone, caplog: pytest.LogCaptureFixture) -> None:
    """After START the contact can be texted again, so the program may greet."""
    caplog.set_level(logging.INFO)

    assert phone.text("START").texts == [
        "Text MENU, HOURS, or ORDER with a quantity and an item, for example: order 2 coffee"
    ]
    assert "a contact came back to +15005550006" in caplog.text


def test_dialog_asks_one_question_after_the_other(phone: Phone) -> None:
    """A dialog is tested like any handler: every text from a test answers, however quickly it comes."""
    phone.text("Sign up")
    texts = [phone.text(body).text for body in ("Ann", "medium", "LARGE")]

    assert texts[:2] == ["Which size?", "Small or large, please."]
    assert texts[2].startswith("Thanks, Ann. Order ")


def test_dialog_that_is_cancelled_is_over(phone: Phone) -> None:
    """The next text is one for the other handlers."""
    assert phone.text("sign up").text == "What is your name?"
    assert phone.text("Never mind!").text == "OK, cancelled."
    assert phone.text("hours").text == "We are open from 8 to 18, Monday to Saturday."
