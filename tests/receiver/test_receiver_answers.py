"""Answers: exactly the return value of a handler is sent to Twilio."""

from __future__ import annotations

import logging

import pytest

from tests.receiver.programs import EMPTY, Deliveries, Program, text, twiml
from tests.webhook_requests import ACCOUNT, BASIC, SID, SIGNED, authorized, read_settings, signed, webhook
from twiml_app import InboundMessage, Media, Message, Router
from twiml_app.receiver.auth import StatusUrls
from twiml_app.receiver.receiver import Receiver

STATUS_URL = StatusUrls(read_settings(BASIC).secret_keys, "/status").url("https://sms.example.com", SID)


def test_message_by_get_is_answered_like_any_other(program: Program) -> None:
    """The console offers GET, and some numbers are configured to use it."""
    answer = program.receiver().handle(authorized(webhook(method="GET")))

    assert answer.body == twiml("<Message><Body>you said hello</Body></Message>")


def test_bytes_that_are_not_utf_8_reach_the_handler(program: Program) -> None:
    """A customer's text is never dropped for its encoding."""
    request = authorized(webhook(body=b"From=%2B15005550001&To=%2B1&Body=caf%E9&AccountSid=" + ACCOUNT.encode()))
    answer = program.receiver(SIGNED).handle(signed(request))

    assert answer.body == twiml("<Message><Body>you said caf�</Body></Message>")


def test_handler_that_returns_nothing_sends_nothing(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    """The log distinguishes intended silence from a missing handler."""
    assert program.receiver().handle(text("silent")).body == EMPTY
    assert "outcome=silent" in caplog.text


def test_unhandled_message_is_logged_with_a_handler_to_paste(caplog: pytest.LogCaptureFixture) -> None:
    """A customer who gets no answer is a mistake in the program; the suggestion is logged once."""
    receiver = Receiver(Router(), read_settings(BASIC))
    for _ in range(2):
        assert receiver.handle(text("hello")).body == EMPTY

    assert [record.levelno for record in caplog.records] == [logging.INFO, logging.WARNING, logging.WARNING]
    assert "@router.default" in caplog.records[0].getMessage()
    assert "outcome=unhandled" in caplog.records[1].getMessage()


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        pytest.param({}, STATUS_URL, id="URL as called"),
        pytest.param(
            {"public": "https://public.example/x"},
            STATUS_URL.replace("https://sms.example.com", "https://public.example/x"),
            id="public URL",
        ),
        pytest.param({"sid": ""}, "", id="no status URL without a sid"),
    ],
)
def test_reply_carries_its_status_url(changes: dict[str, str], url: str) -> None:
    """Twilio reports the delivery of a reply only there, and a document must not contain a password."""
    router = Deliveries().router

    @router.default
    def answer(message: InboundMessage) -> list[Message]:
        return [Message("one"), Message(Media("https://x/y.png"), action="/mine")]

    receiver = Receiver(router, read_settings(BASIC, {"TWIML_PUBLIC_URL": changes.get("public", "")}))
    sid = changes.get("sid", SID)
    document = receiver.handle(text("x", MessageSid=sid, SmsSid=sid, SmsMessageSid=sid)).body
    shown = url.replace("&", "&amp;")
    attributes = f' action="{shown}" statusCallback="{shown}"' if url else ""

    assert document == twiml(
        f"<Message{attributes}><Body>one</Body></Message>"
        '<Message action="/mine"><Media>https://x/y.png</Media></Message>'
    )
    assert b"quite-long" not in document
