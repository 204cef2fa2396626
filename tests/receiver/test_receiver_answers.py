"""Answers: exactly the return value of a handler is sent to Twilio."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.receiver.programs import EMPTY, Deliveries, Program, text, twiml
from tests.webhook_requests import ACCOUNT, BASIC, SID, SIGNED, authorized, read_settings, signed, webhook
from twiml_app import InboundMessage, Media, Message, Router
from twiml_app.caller import CONTACT, NUMBER, inbound_form
from twiml_app.events import parse_event
from twiml_app.receiver.answering import Answerer
from twiml_app.receiver.auth import StatusUrls
from twiml_app.receiver.conversing import Conversing
from twiml_app.receiver.hooks import NO_HOOKS
from twiml_app.receiver.receiver import Receiver

NOW = 1_800_000_000.0


def status_url(*, base: str = "https://sms.example.com", to: str = CONTACT, from_: str = NUMBER) -> str:
    """Return the status URL of a reply between two addresses."""
    made = StatusUrls(read_settings(BASIC).secret_keys, "/status", clock=lambda: NOW)
    return made.url(base, SID, to=to, from_=from_)


STATUS_URL = status_url()


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
            status_url(base="https://public.example/x"),
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

    given = read_settings(BASIC, {"TWIML_PUBLIC_URL": changes.get("public", "")})
    receiver = Receiver(router, given, now=lambda: NOW)
    sid = changes.get("sid", SID)
    document = receiver.handle(text("x", MessageSid=sid, SmsSid=sid, SmsMessageSid=sid)).body
    shown = url.replace("&", "&amp;")
    attributes = f' action="{shown}" statusCallback="{shown}"' if url else ""

    assert document == twiml(
        f"<Message{attributes}><Body>one</Body></Message>"
        '<Message action="/mine"><Media>https://x/y.png</Media></Message>'
    )
    assert b"quite-long" not in document


@pytest.mark.parametrize(
    ("message", "fields", "url"),
    [
        pytest.param(Message("x", to="+15005550009"), {}, status_url(to="+15005550009"), id="another recipient"),
        pytest.param(Message("x", from_="+15005550009"), {}, status_url(from_="+15005550009"), id="another sender"),
        pytest.param(
            Message("x"),
            {"MessagingServiceSid": "MG" + "0" * 32},
            status_url(from_=""),
            id="a messaging service chooses the sender",
        ),
        pytest.param(
            Message("x", from_="+15005550009"),
            {"MessagingServiceSid": "MG" + "0" * 32},
            status_url(from_="+15005550009"),
            id="a sender of the handler in a messaging service",
        ),
    ],
)
def test_status_url_is_signed_for_the_addresses_of_the_reply(
    message: Message, fields: dict[str, Any], url: str
) -> None:
    """Twilio reports the delivery with the addresses that the handler chose."""
    router = Deliveries().router
    router.default(lambda _: message)
    document = Receiver(router, read_settings(BASIC), now=lambda: NOW).handle(text("x", **fields)).body

    assert url.replace("&", "&amp;").encode() in document


class Counted(StatusUrls):
    """Status URLs that note for whom they are signed."""

    def __init__(self) -> None:
        super().__init__(["key"], "/status")
        self.signed_for: list[tuple[str, str]] = []

    def url(self, base_url: str, message_sid: str, *, to: str, from_: str) -> str:
        """Return the status URL."""
        self.signed_for.append((to, from_))
        return super().url(base_url, message_sid, to=to, from_=from_)


def test_status_url_is_signed_once_for_replies_between_the_same_addresses() -> None:
    """A reply may have ten messages, and Twilio waits."""
    router, urls, request = Deliveries().router, Counted(), text("x")
    router.default(lambda _: ["a", "b", Message("c", to=CONTACT), Message("d", to="+15005550009"), "e"])
    event = parse_event(inbound_form("x", message_sid=SID))
    settings = read_settings(BASIC)
    answerer = Answerer(router, settings, urls, NO_HOOKS, Conversing(router, settings, None, None))
    outcome = answerer.answer(request, event)

    assert outcome.response.body.count(b"statusCallback") == 5
    assert urls.signed_for == [(CONTACT, NUMBER), ("+15005550009", NUMBER)]
