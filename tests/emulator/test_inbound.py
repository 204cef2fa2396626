"""Inbound messages: how they are stored, and which URL is called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulator.program import CONTACT, MONDAY, NUMBER, Program, codes, emulator, say
from twiml_app.emulator import ACCOUNT_SID, Emulator, FetchedMedia
from twiml_app.emulator.resources import MessageRecord
from twiml_app.errors import ConfigurationError

OTHER = "+15017122662"
SERVICE = "MG" + "1" * 32
APPLICATION = "AP" + "1" * 32
PICTURE = FetchedMedia(content_type="image/png", content=b"\x89PNG\r\n\x1a\n")


@pytest.fixture
def program() -> Iterator[Program]:
    """A program with a different answer at each path."""
    with Program() as program:
        for name in ("number", "application", "service", "fallback"):
            program.answers(f"/{name}", say(name))
        yield program


@pytest.fixture
def twilio(program: Program) -> Iterator[Emulator]:
    """An emulator with one number, whose messages are posted to the program."""
    with emulator() as twilio:
        twilio.add_number(NUMBER, program.url("/number"))
        yield twilio


def test_text_is_stored(twilio: Emulator) -> None:
    """The REST API shows it later."""
    inbound = twilio.phone(CONTACT).text("hi").inbound

    assert inbound == MessageRecord(
        sid="SM00000000000000000000000000000002",
        account_sid=ACCOUNT_SID,
        date_created=MONDAY,
        date_updated=MONDAY,
        to=NUMBER,
        from_=CONTACT,
        body="hi",
        status="received",
        direction="inbound",
        date_sent=MONDAY,
        price=-0.0075,
    )
    assert twilio._context.store.get(MessageRecord, inbound.sid) == inbound


def test_price_of_a_long_text_depends_on_its_segments(twilio: Emulator) -> None:
    """161 characters are two segments."""
    inbound = twilio.phone(CONTACT).text("a" * 161).inbound

    assert (inbound.num_segments, inbound.price) == (2, -0.015)


def test_picture_is_stored_with_its_bytes(twilio: Emulator) -> None:
    """A message with media has one segment."""
    inbound = twilio.phone(CONTACT).text("look " * 50, media=[PICTURE]).inbound
    (kept,) = twilio._context.media_of(inbound.sid)

    assert (inbound.sid[:2], inbound.num_media, inbound.num_segments, inbound.price) == ("MM", 1, 1, -0.02)
    assert (kept.content_type, twilio._context.store.read_bytes(kept.sid)) == ("image/png", PICTURE.content)


def test_reply_contains_the_messages_of_the_program(twilio: Emulator, program: Program) -> None:
    """Most tests check only the first one."""
    program.answers("/number", say("a", "b"))
    reply = twilio.phone(CONTACT).text("hi")

    assert (reply.text, reply.texts, reply.problems) == ("a", ["a", "b"], [])
    assert [message.in_reply_to for message in reply.messages] == [reply.inbound.sid] * 2


def test_reply_contains_only_its_own_problems(twilio: Emulator, program: Program) -> None:
    """Those of all messages are in the debugger of the emulator."""
    program.answers("/number", say(""))
    first = twilio.phone(CONTACT).text("hi")
    second = twilio.phone(CONTACT).text("hi")

    assert (first.text, codes(first.problems), codes(second.problems)) == ("", [14103], [14103])
    assert twilio.debugger == [*first.problems, *second.problems]


def test_number_that_is_not_ours_is_refused(twilio: Emulator) -> None:
    """A typo in a test must not look like a program that does not answer."""
    with pytest.raises(ConfigurationError, match=r"^number: \+15017122662 is not one of your numbers: add it"):
        twilio.phone(CONTACT).text("hi", number=OTHER)


def test_message_to_a_number_without_a_url_is_only_stored(twilio: Emulator) -> None:
    """No webhook is called."""
    twilio.add_number(OTHER)
    reply = twilio.phone(CONTACT).text("hi", number=OTHER)

    assert (reply.messages, reply.problems, twilio.debugger) == ([], [], [])
    assert reply.unrouted == f"{OTHER} has no Message URL"
    assert twilio.client().messages(reply.inbound.sid).fetch().body == "hi"


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_webhook_of_an_inactive_account_is_not_called(program: Program, status: str) -> None:
    """Twilio does not call webhooks of suspended or closed accounts."""
    account = {"sid": "AC" + "2" * 32, "auth_token": "token", "status": status}
    number = {"phone_number": NUMBER, "sms_url": program.url("/number"), "account_sid": account["sid"]}
    with emulator(seed={"accounts": [account], "numbers": [number]}) as twilio:
        reply = twilio.phone(CONTACT).text("hi")

    assert (reply.inbound.status, reply.messages, program.received) == ("received", [], [])
    assert reply.unrouted == f"the account {account['sid']} is not active"


URLS = {"inbound_request_url": "/service"}
ON_NUMBER = {"use_inbound_webhook_on_number": True}
ROUTES = [
    # id, settings of the number, settings of the service, path that is called
    ("number", {}, None, "number"),
    ("application", {"sms_application_sid": APPLICATION}, None, "application"),
    ("service", {}, URLS, "service"),
    ("service of an application", {"sms_application_sid": APPLICATION}, URLS, "service"),
    ("service without a URL", {}, {}, ""),
    ("service that uses the URL of the number", {}, URLS | ON_NUMBER, "number"),
    ("service that uses the URL of the application", {"sms_application_sid": APPLICATION}, ON_NUMBER, "application"),
]


@pytest.mark.parametrize(("of_number", "of_service", "asked"), [pytest.param(*row, id=name) for name, *row in ROUTES])
def test_number_service_and_application_decide_which_url_is_called(
    program: Program, of_number: dict[str, str], of_service: dict[str, Any] | None, asked: str
) -> None:
    """A service overrides the URL of the number by default, and drops the message if it has no URL."""
    seed: dict[str, Any] = {
        "numbers": [{"phone_number": NUMBER, "sms_url": program.url("/number"), **of_number}],
        "applications": [{"sid": APPLICATION, "sms_url": program.url("/application")}],
    }
    if of_service is not None:
        urls = {name: program.url(value) if isinstance(value, str) else value for name, value in of_service.items()}
        seed["services"] = [{"sid": SERVICE, "numbers": [NUMBER], **urls}]
    with emulator(seed=seed) as twilio:
        reply = twilio.phone(CONTACT).text("hi")

    assert reply.text == asked
    assert reply.inbound.messaging_service_sid == ("" if of_service is None else SERVICE)
    assert program.paths == ([f"/{asked}"] if asked else [])


def test_number_of_a_deleted_application_uses_its_own_url(program: Program) -> None:
    """The settings of the number are still there."""
    with emulator() as twilio:
        twilio.add_number(NUMBER, program.url("/number"), application_sid=APPLICATION)

        assert twilio.phone(CONTACT).text("hi").text == "number"


OF_OWNERS = ("sms_url", "sms_method", "sms_fallback_url", "sms_fallback_method")
OF_SERVICES = ("inbound_request_url", "inbound_method", "fallback_url", "fallback_method")


@pytest.mark.parametrize(
    ("table", "names"), [("numbers", OF_OWNERS), ("applications", OF_OWNERS), ("services", OF_SERVICES)]
)
@pytest.mark.parametrize("methods", [("GET", "POST"), ("POST", "GET")])
def test_methods_and_fallback_belong_to_the_owner_of_the_url(
    program: Program, table: str, names: tuple[str, ...], methods: tuple[str, str]
) -> None:
    """Numbers, applications and services each have four such settings."""
    settings = (program.bare("/missing"), methods[0], program.url("/fallback"), methods[1])
    seed: dict[str, list[dict[str, Any]]] = {"numbers": [{"phone_number": NUMBER}]}
    if table == "applications":
        seed |= {"applications": [{"sid": APPLICATION}]}
        seed["numbers"][0]["sms_application_sid"] = APPLICATION
    if table == "services":
        seed |= {"services": [{"sid": SERVICE, "numbers": [NUMBER]}]}
    seed[table][0] |= dict(zip(names, settings, strict=True))
    with emulator(seed=seed) as twilio:
        reply = twilio.phone(CONTACT).text("hi")

    assert reply.text == "fallback"
    assert [(request.method, request.path) for request in program.received] == [
        (methods[0], "/missing"),
        (methods[1], "/fallback"),
    ]
