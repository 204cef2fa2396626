"""Test helpers for users: a phone whose texts go through the whole application."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, session

from tests.webhook_requests import ACCOUNT, BASIC, OTHER_ACCOUNT, SID, SIGNED, TOKEN
from twiml_app import InboundMessage, Media, Message, MessagingResponse, Redirect, Router, StatusCallback
from twiml_app.app import Twiml, create_app
from twiml_app.caller.caller import Caller
from twiml_app.caller.forms import CONTACT, NUMBER, inbound_form
from twiml_app.caller.types import OutgoingRequest, Webhook
from twiml_app.errors import CallError, TwimlError
from twiml_app.served_app import in_process
from twiml_app.testing import Phone, read_reply
from twiml_app.webhook import WebhookResponse

OFF = {"TWIML_DATABASE_URL": "off"}


class Program:
    """Handlers that keep their events."""

    def __init__(self) -> None:
        self.router = Router()
        self.messages: list[InboundMessage] = []
        self.statuses: list[StatusCallback] = []

        @self.router.message(query={"step": "2"})
        def second(message: InboundMessage) -> list[Message]:
            return [Message("second", Media("pictures/owl.png"), Media("https://cdn.example/cat.png"))]

        @self.router.message("menu")
        def menu(message: InboundMessage) -> MessagingResponse:
            return MessagingResponse(Message("first"), Redirect("/message?step=2"), Message("unreachable"))

        @self.router.message("loop")
        def loop(message: InboundMessage) -> MessagingResponse:
            return MessagingResponse(Redirect("/message", method="GET"))

        @self.router.message("away")
        def away(message: InboundMessage) -> MessagingResponse:
            return MessagingResponse(Redirect("https://elsewhere.example/message"))

        @self.router.message("count")
        def count(message: InboundMessage) -> str:
            session["count"] = session.get("count", 0) + 1
            return f"text {session['count']}"

        @self.router.message("silent")
        def silent(message: InboundMessage) -> None: ...

        @self.router.message("fail")
        def fail(message: InboundMessage) -> str:
            raise ValueError("a bug")

        @self.router.message("own")
        def own(message: InboundMessage) -> Message:
            return Message("own", action="/status?mine=1&token=x", method="GET")

        @self.router.message("elsewhere")
        def elsewhere(message: InboundMessage) -> Message:
            return Message("look", to="+1 500-555-0009", from_=message.profile_name or None)

        @self.router.default
        def keep(message: InboundMessage) -> str:
            self.messages.append(message)
            return "kept"

    def follow(self) -> Program:
        """Register a status handler."""

        @self.router.status("delivered", "failed")
        def delivered(status: StatusCallback) -> None:
            self.statuses.append(status)

        return self

    def app(self, *parts: Mapping[str, Any], url_prefix: str = "") -> Flask:
        """Return an application with these handlers."""
        app = Flask("program")
        for part in (BASIC, OFF, *parts):
            app.config.update(part)
        Twiml(app, router=self.router, url_prefix=url_prefix)
        return app


@pytest.fixture
def program() -> Program:
    """The handlers."""
    return Program()


def test_reply_shows_what_the_contact_would_receive(program: Program) -> None:
    """A test needs one line to send a text and one to check the reply."""
    reply = Phone(program.app()).text("hello")

    assert reply.texts == ["kept"]
    assert [message.text for message in reply.messages] == ["kept"]
    assert reply.media == []
    assert reply.twiml == (
        '<?xml version="1.0" encoding="UTF-8"?><Response><Message><Body>kept</Body></Message></Response>'
    )


def test_every_request_goes_through_the_challenge_and_the_signature(program: Program) -> None:
    """A test that skips authentication proves nothing about production."""
    reply = Phone(program.app(SIGNED)).text("hello")
    statuses = [attempt.response.status for attempt in reply.call.attempts if attempt.response]

    assert statuses == [401, 200]
    assert "X-Twilio-Signature" in dict(reply.call.attempts[0].request.headers)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(({"TWIML_CREDENTIALS": "sms:p%ss/w:rd@x+y"},), id="password with the characters of a URL"),
        pytest.param(({"TWIML_CREDENTIALS": "new:quite-long-enough old:quite-long-enough"},), id="rotated password"),
        pytest.param(({"TWIML_CREDENTIALS": ""}, SIGNED), id="signature only"),
        pytest.param(({"TWIML_AUTH_TOKENS": [TOKEN, "old"]},), id="rotated token"),
        pytest.param(({"TWIML_AUTH_TOKENS": {ACCOUNT: "a", OTHER_ACCOUNT: "b"}},), id="accounts with tokens"),
        pytest.param(({"TWIML_ACCOUNTS": OTHER_ACCOUNT},), id="served account"),
        pytest.param((SIGNED, {"TWIML_ACCOUNTS": [OTHER_ACCOUNT]}), id="served account, and a token of any account"),
        pytest.param(
            ({"TWIML_AUTH_TOKENS": {ACCOUNT: "a", OTHER_ACCOUNT: "b"}, "TWIML_ACCOUNTS": OTHER_ACCOUNT},),
            id="one of two accounts is served",
        ),
        pytest.param(
            ({"TWIML_AUTH_TOKENS": {ACCOUNT: "a", "": "b"}, "TWIML_ACCOUNTS": OTHER_ACCOUNT},),
            id="account without own token",
        ),
        pytest.param((SIGNED, {"TWIML_PUBLIC_URL": "https://public.example"}), id="public URL"),
        pytest.param((SIGNED, {"TWIML_PUBLIC_URL": "https://public.example:8443/a/b"}), id="public URL with a prefix"),
        pytest.param((SIGNED, {"TWIML_MESSAGE_PATH": "/in", "TWIML_STATUS_PATH": "/out"}), id="other paths"),
        pytest.param((SIGNED, {"TWIML_PROXY_HOPS": 2}), id="proxies"),
    ],
)
@pytest.mark.parametrize("url_prefix", ["", "/sms"])
def test_phone_is_accepted_with_any_configuration(parts: tuple[Mapping[str, Any], ...], url_prefix: str) -> None:
    """Nobody should have to weaken the settings to make a test pass."""
    program = Program().follow()
    phone = Phone(program.app(*parts, url_prefix=url_prefix))
    reply = phone.text("hello")

    assert reply.texts == ["kept"]
    assert phone.status(SID, "delivered").status == 204
    assert phone.report(reply, "failed", error_code=30005).status == 204
    assert [(status.message_status, status.error_code) for status in program.statuses] == [
        ("delivered", None),
        ("failed", 30005),
    ]


def test_text_arrives_as_an_inbound_message(program: Program) -> None:
    """A handler may read any field that Twilio sends."""
    phone = Phone(program.app(), contact="+491", number="+492", new_sid=lambda prefix: prefix + "1")
    phone.text("Grüße & <3 \n", ProfileName="Ann", FromCity="BERLIN")
    (message,) = program.messages

    assert (message.body, message.from_, message.to) == ("Grüße & <3 \n", "+491", "+492")
    assert (message.message_sid, message.profile_name, message.from_city) == ("SM1", "Ann", "BERLIN")
    assert (message.channel, message.num_segments, message.num_media) == ("sms", 1, 0)


def test_media_file_arrives_with_its_content_type(program: Program) -> None:
    """A message with only a picture has an empty text."""
    phone = Phone(program.app(), new_sid=lambda prefix: prefix + "1")
    phone.image("https://x/cat.jpg")
    phone.image("https://x/cat.gif", "look", content_type="image/gif")
    first, second = program.messages

    assert (first.body, first.message_sid, [(each.url, each.content_type) for each in first.media]) == (
        "",
        "MM1",
        [("https://x/cat.jpg", "image/jpeg")],
    )
    assert (second.body, second.media[0].content_type) == ("look", "image/gif")


def test_redirects_of_the_document_are_followed(program: Program) -> None:
    """The contact receives the messages before the Redirect and those of the next document."""
    reply = Phone(program.app(SIGNED)).text("menu")

    assert reply.texts == ["first", "second"]
    assert reply.media == ["http://localhost/pictures/owl.png", "https://cdn.example/cat.png"]
    assert reply.call.url == "http://localhost/message?step=2"


def test_redirect_to_another_host_is_called_without_credentials(program: Program) -> None:
    """In process any host is this application; a real server would have received the password."""
    with pytest.raises(CallError, match="answered 401: send the credentials of the Message URL") as refused:
        Phone(program.app()).text("away")

    assert refused.value.url == "https://elsewhere.example/message"


def test_endless_redirects_are_an_error(program: Program) -> None:
    """Twilio stops with this error code in its debugger."""
    with pytest.raises(CallError, match="too many TwiML Redirects") as failed:
        Phone(program.app()).text("loop")

    assert failed.value.code == 14106


def test_application_that_fails_is_an_error(program: Program) -> None:
    """A test should not have to check HTTP statuses."""
    with pytest.raises(CallError, match=r"^http://localhost/message: answered 500: the handler failed$"):
        Phone(program.app()).text("fail")


def test_document_that_twilio_would_not_execute_is_an_error() -> None:
    """An HTML error page is not a reply."""
    app = Flask("other")
    app.config.update(BASIC | OFF)
    Twiml(app, router=Router())

    @app.after_request
    def spoil(response: Any) -> Any:
        if response.status_code == 200:
            response.data = b"<html/>"
        return response

    with pytest.raises(TwimlError, match="the root is html, not Response"):
        Phone(app).text("hello")


def test_nothing_sent_is_an_empty_reply(program: Program) -> None:
    """A test can also check that nothing is sent."""
    phone = Phone(program.app())

    assert phone.text("silent").texts == phone.text("stop").texts == []


def test_status_at_the_message_url_gives_an_empty_reply(program: Program) -> None:
    """The answer has no document to parse."""
    assert Phone(program.app()).text("x", SmsStatus="sent").verbs == ()


def test_session_of_a_conversation_is_kept(program: Program) -> None:
    """Flask's session works across texts, because Twilio keeps cookies for two numbers."""
    app = program.app({"SECRET_KEY": "x"})
    phone = Phone(app)

    assert [phone.text("count").texts for _ in range(2)] == [["text 1"], ["text 2"]]
    phone.contact = "+15005550009"
    assert phone.text("count").texts == ["text 1"]


def test_delivery_is_reported_at_the_status_url_of_the_reply() -> None:
    """Only that URL tells the program which message was answered."""
    program = Program().follow()
    phone = Phone(program.app(SIGNED), new_sid=lambda prefix: prefix + "9")
    phone.report(phone.text("hello", MessageSid=SID), "delivered", RawDlrDoneDate="2401010000")
    (status,) = program.statuses

    assert (status.in_reply_to, status.message_sid, status.message_status) == (SID, "SM9", "delivered")
    assert (status.from_, status.to, status.raw_dlr_done_date) == (NUMBER, CONTACT, "2401010000")


@pytest.mark.parametrize(
    ("sender", "reported"),
    [
        pytest.param("", NUMBER, id="our number"),
        pytest.param("12345", "12345", id="another sender"),
        pytest.param("MG" + "0" * 32, NUMBER, id="a messaging service"),
    ],
)
def test_delivery_is_reported_with_the_addresses_of_the_message(sender: str, reported: str) -> None:
    """The application refuses a report about a message to somebody else."""
    program = Program().follow()
    phone = Phone(program.app())
    reply = phone.text("elsewhere", From="+15005550002", ProfileName=sender)
    phone.report(reply, "delivered")
    (status,) = program.statuses

    assert (status.to, status.from_) == ("+1 500-555-0009", reported)
    with pytest.raises(CallError, match="answered 401: the token of the status URL is not valid"):
        phone.report(reply, "failed", To=CONTACT)


@pytest.mark.parametrize(
    ("contact", "status", "date"),
    [
        pytest.param(CONTACT, "delivered", "2411210230", id="delivered"),
        pytest.param(CONTACT, "failed", "", id="no receipt"),
        pytest.param(f"whatsapp:{CONTACT}", "delivered", "", id="another channel"),
    ],
)
def test_carriers_delivery_receipt_has_a_date(contact: str, status: str, date: str) -> None:
    """Twilio passes on the date of the carrier's receipt, which only SMS and MMS have."""
    program = Program().follow()
    Phone(program.app(), contact=contact, clock=lambda: 1732156200).status(SID, status)

    assert [each.raw_dlr_done_date for each in program.statuses] == [date]


def test_report_for_a_reply_without_status_url_is_an_error(program: Program) -> None:
    """Otherwise the test would pass with a handler that never runs in production."""
    phone = Phone(program.app())

    for text in ("hello", "silent"):
        with pytest.raises(CallError, match="the reply has no status URL: register a status handler"):
            phone.report(phone.text(text), "delivered")


def test_delivery_is_reported_with_the_method_of_the_reply() -> None:
    """With GET, the fields are in the query."""
    program = Program().follow()
    phone = Phone(program.app({"TWIML_CREDENTIALS": ""}, SIGNED))
    phone.report(phone.text("own"), "delivered")
    (status,) = program.statuses

    assert (status.query["mine"], status.query["MessageStatus"]) == ("1", "delivered")


def test_custom_status_url_gets_no_token(program: Program) -> None:
    """The application would refuse Twilio there, too."""
    phone = Phone(program.app())

    with pytest.raises(CallError, match="answered 401") as refused:
        phone.report(phone.text("own"), "delivered")
    assert refused.value.status == 401


def test_redirect_is_relative_to_the_url_that_answered() -> None:
    """An HTTP redirect may have changed the URL before the TwiML Redirect is resolved."""
    answers = [
        WebhookResponse(status=307, headers=(("Location", "/deep/message"),)),
        WebhookResponse(status=200, body=b"<Response><Redirect>next</Redirect></Response>"),
        WebhookResponse(status=401, headers=(("WWW-Authenticate", 'Basic realm="x"'),)),
        WebhookResponse(status=200, body=b"<Response><Message>arrived</Message></Response>"),
    ]
    sent: list[OutgoingRequest] = []

    def send(request: OutgoingRequest) -> WebhookResponse:
        sent.append(request)
        return answers.pop(0)

    reply = read_reply(Caller(send), Webhook(url="https://a:b@h/message"), inbound_form("x"))

    assert reply.texts == ["arrived"]
    assert [request.url for request in sent[1:]] == [
        "https://h/deep/message",
        "https://h/deep/next",
        "https://h/deep/next",
    ]
    assert "Authorization" in dict(sent[-1].headers)


def test_application_in_process_has_its_public_url(program: Program) -> None:
    """Relative URLs in a document must resolve as in production."""
    app = program.app({"TWIML_PUBLIC_URL": "https://public.example/a"}, url_prefix="/sms")

    assert in_process(app)[0].base_url == "https://public.example/a/sms"
    assert Phone(app).text("hello").call.url == "https://public.example/a/sms/message"


def test_phone_works_with_a_project(tmp_path: Path) -> None:
    """The two lines in the documentation must work unchanged."""
    (tmp_path / "phoned_handlers.py").write_text(
        "from twiml_app import Router\nrouter = Router()\nrouter.default(lambda message: 'hi')\nrouters = [router]\n"
    )
    settings = {"TWIML_CREDENTIALS": "test:only-for-this-test", "TWIML_HANDLERS": "phoned_handlers"}
    phone = Phone(create_app(settings, root=tmp_path))

    assert phone.text("hello").texts == ["hi"]


def test_phone_signs_with_a_shared_key_if_there_is_no_token() -> None:
    """The newer scheme must be testable offline like the older one."""
    router = Router()
    router.default(lambda _: "Hello!")
    app = Flask("shared")
    app.config.update({"TWIML_SHARED_KEYS": {"key1": "secret"}, "TWIML_DATABASE_URL": "off"})
    Twiml(app, router=router)

    assert Phone(app).text("hi").texts == ["Hello!"]
