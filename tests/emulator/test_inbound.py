"""Inbound messages: what is recorded of a text, and which URL is called for it."""

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
    """A program with a page for everybody who may be asked."""
    with Program() as program:
        for name in ("number", "application", "service", "fallback"):
            program.answers(f"/{name}", say(name))
        yield program


@pytest.fixture
def twilio(program: Program) -> Iterator[Emulator]:
    """An emulator with one number, which leads to the program."""
    with emulator() as twilio:
        twilio.add_number(NUMBER, program.url("/number"))
        yield twilio


def test_text_is_recorded(twilio: Emulator) -> None:
    """As the REST API will show it."""
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
    assert twilio.context.store.get(MessageRecord, inbound.sid) == inbound


def test_long_text_costs_what_its_segments_cost(twilio: Emulator) -> None:
    """161 characters are two of them."""
    inbound = twilio.phone(CONTACT).text("a" * 161).inbound

    assert (inbound.num_segments, inbound.price) == (2, -0.015)


def test_picture_is_recorded_with_its_bytes(twilio: Emulator) -> None:
    """One segment, whatever it weighs."""
    inbound = twilio.phone(CONTACT).text("look " * 50, media=[PICTURE]).inbound
    (kept,) = twilio.context.media_of(inbound.sid)

    assert (inbound.sid[:2], inbound.num_media, inbound.num_segments, inbound.price) == ("MM", 1, 1, -0.02)
    assert (kept.content_type, twilio.context.store.read_bytes(kept.sid)) == ("image/png", PICTURE.content)


def test_turn_tells_what_the_program_sent(twilio: Emulator, program: Program) -> None:
    """The first reply is what most tests look at."""
    program.answers("/number", say("a", "b"))
    turn = twilio.phone(CONTACT).text("hi")

    assert (turn.text, turn.texts, turn.problems) == ("a", ["a", "b"], [])
    assert [reply.in_reply_to for reply in turn.messages] == [turn.inbound.sid] * 2


def test_turn_tells_of_its_own_problems_alone(twilio: Emulator, program: Program) -> None:
    """Those of another text are in the debugger of the emulator."""
    program.answers("/number", say(""))
    first = twilio.phone(CONTACT).text("hi")
    second = twilio.phone(CONTACT).text("hi")

    assert (first.text, codes(first.problems), codes(second.problems)) == ("", [14103], [14103])
    assert twilio.debugger == [*first.problems, *second.problems]


def test_number_that_is_not_ours_is_refused(twilio: Emulator) -> None:
    """A typing mistake in a test is no silence of the program."""
    with pytest.raises(ConfigurationError, match=r"^number: \+15017122662 is no number of ours: add it"):
        twilio.phone(CONTACT).text("hi", number=OTHER)


def test_number_without_a_url_keeps_what_comes_in(twilio: Emulator) -> None:
    """It is in the log of messages, and nobody is asked."""
    twilio.add_number(OTHER)
    turn = twilio.phone(CONTACT).text("hi", number=OTHER)

    assert (turn.messages, turn.problems, twilio.debugger) == ([], [], [])
    assert turn.unrouted == f"{OTHER} has no Message URL"
    assert twilio.client().messages(turn.inbound.sid).fetch().body == "hi"


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_account_that_is_not_active_asks_nobody(program: Program, status: str) -> None:
    """Twilio calls no webhook of it."""
    account = {"sid": "AC" + "2" * 32, "auth_token": "token", "status": status}
    number = {"phone_number": NUMBER, "sms_url": program.url("/number"), "account_sid": account["sid"]}
    with emulator(seed={"accounts": [account], "numbers": [number]}) as twilio:
        turn = twilio.phone(CONTACT).text("hi")

    assert (turn.inbound.status, turn.messages, program.received) == ("received", [], [])
    assert turn.unrouted == f"the account {account['sid']} is not active"


URLS = {"inbound_request_url": "/service"}
ON_NUMBER = {"use_inbound_webhook_on_number": True}
ROUTES = [
    # id, of the number, of the service, who is asked
    ("number", {}, None, "number"),
    ("application", {"sms_application_sid": APPLICATION}, None, "application"),
    ("service", {}, URLS, "service"),
    ("service of an application", {"sms_application_sid": APPLICATION}, URLS, "service"),
    ("service without a URL", {}, {}, ""),
    ("service that leaves it to the number", {}, URLS | ON_NUMBER, "number"),
    ("service that leaves it to the application", {"sms_application_sid": APPLICATION}, ON_NUMBER, "application"),
]


@pytest.mark.parametrize(("of_number", "of_service", "asked"), [pytest.param(*row, id=name) for name, *row in ROUTES])
def test_program_that_is_asked(
    program: Program, of_number: dict[str, str], of_service: dict[str, Any] | None, asked: str
) -> None:
    """A service hides the number's own URL unless it says otherwise, and drops what comes in if it has none."""
    seed: dict[str, Any] = {
        "numbers": [{"phone_number": NUMBER, "sms_url": program.url("/number"), **of_number}],
        "applications": [{"sid": APPLICATION, "sms_url": program.url("/application")}],
    }
    if of_service is not None:
        urls = {name: program.url(value) if isinstance(value, str) else value for name, value in of_service.items()}
        seed["services"] = [{"sid": SERVICE, "numbers": [NUMBER], **urls}]
    with emulator(seed=seed) as twilio:
        turn = twilio.phone(CONTACT).text("hi")

    assert turn.text == asked
    assert turn.inbound.messaging_service_sid == ("" if of_service is None else SERVICE)
    assert program.paths == ([f"/{asked}"] if asked else [])


def test_number_of_an_application_that_is_gone_answers_for_itself(program: Program) -> None:
    """Its own settings are still there."""
    with emulator() as twilio:
        twilio.add_number(NUMBER, program.url("/number"), application_sid=APPLICATION)

        assert twilio.phone(CONTACT).text("hi").text == "number"


OF_OWNERS = ("sms_url", "sms_method", "sms_fallback_url", "sms_fallback_method")
OF_SERVICES = ("inbound_request_url", "inbound_method", "fallback_url", "fallback_method")


@pytest.mark.parametrize(
    ("table", "names"), [("numbers", OF_OWNERS), ("applications", OF_OWNERS), ("services", OF_SERVICES)]
)
@pytest.mark.parametrize("methods", [("GET", "POST"), ("POST", "GET")])
def test_methods_and_fallback_are_those_of_whoever_is_asked(
    program: Program, table: str, names: tuple[str, ...], methods: tuple[str, str]
) -> None:
    """Each of them has four settings of its own."""
    settings = (program.bare("/missing"), methods[0], program.url("/fallback"), methods[1])
    seed: dict[str, list[dict[str, Any]]] = {"numbers": [{"phone_number": NUMBER}]}
    if table == "applications":
        seed |= {"applications": [{"sid": APPLICATION}]}
        seed["numbers"][0]["sms_application_sid"] = APPLICATION
    if table == "services":
        seed |= {"services": [{"sid": SERVICE, "numbers": [NUMBER]}]}
    seed[table][0] |= dict(zip(names, settings, strict=True))
    with emulator(seed=seed) as twilio:
        turn = twilio.phone(CONTACT).text("hi")

    assert turn.text == "fallback"
    assert [(request.method, request.path) for request in program.received] == [
        (methods[0], "/missing"),
        (methods[1], "/fallback"),
    ]
