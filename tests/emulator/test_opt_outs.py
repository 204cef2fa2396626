"""Opt-outs: the default handling of STOP, START and HELP, and which messages are refused after a STOP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.base.exceptions import TwilioRestException

from tests.emulator.program import CONTACT, NUMBER, Program, codes, emulator
from twiml_app.emulator import Emulator
from twiml_app.emulator.profiles import find_profile
from twiml_app.emulator.resources import OptOut

OTHER = "+15017122662"
FRIEND = "+15558675311"
SHORT_CODE = "12345"
SERVICE = "MG" + "1" * 32
STOPPED = (
    "You have successfully been unsubscribed. You will not receive any more messages from this number."
    " Reply START to resubscribe."
)
STARTED = (
    "You have successfully been re-subscribed to messages from this number. Reply HELP for help."
    " Reply STOP to unsubscribe. Msg&Data Rates May Apply."
)
HELPED = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."


@pytest.fixture
def twilio(program: Program) -> Iterator[Emulator]:
    """An emulator with two numbers and a short code."""
    with emulator() as twilio:
        for number in (NUMBER, OTHER, SHORT_CODE):
            twilio.add_number(number, program.url("/message"))
        yield twilio


def send(twilio: Emulator, *, to: str = CONTACT, **parameters: Any) -> str:
    """Send a message with the official client; returns its status, or the error code if it is refused."""
    given = parameters or {"from_": NUMBER}
    try:
        return str(twilio.client().messages.create(to=to, body="news", **given).status)
    except TwilioRestException as error:
        return str(error.code)


def inbox(twilio: Emulator, contact: str = CONTACT) -> list[str]:
    """Return the texts that a phone has received, once all are delivered."""
    assert twilio.settle()
    return [message.body for message in twilio.phone(contact).inbox]


def test_stop_is_recorded_answered_and_posted_to_the_program(twilio: Emulator, program: Program) -> None:
    """The reply of the program to it is refused."""
    reply = twilio.phone(CONTACT).text("STOP", number=NUMBER)

    assert program.at("/message")[0].form["Body"] == "STOP"
    assert "OptOutType" not in program.at("/message")[0].form, "only sent with Advanced Opt-Out"
    assert [(message.body, message.status, message.error_code) for message in reply.messages] == [
        ("hello", "failed", 21610)
    ]
    assert codes(reply.problems) == [21610]
    assert inbox(twilio) == [STOPPED]
    assert send(twilio) == "21610"


def test_messages_are_sent_again_after_start(twilio: Emulator) -> None:
    """This includes the reply of the program to START."""
    phone = twilio.phone(CONTACT)
    phone.text("stop", number=NUMBER)
    reply = phone.text(" Start\n", number=NUMBER)

    assert (reply.texts, reply.problems) == (["hello"], [])
    assert inbox(twilio) == [STOPPED, STARTED, "hello"]
    assert send(twilio) == "queued"


def test_help_is_answered_and_changes_nothing(twilio: Emulator) -> None:
    """It neither opts out nor opts in again."""
    phone = twilio.phone(CONTACT)
    phone.text("help", number=NUMBER)
    assert send(twilio) == "queued"
    phone.text("STOP", number=NUMBER)
    phone.text("INFO", number=NUMBER)

    assert send(twilio) == "21610"
    assert inbox(twilio) == [HELPED, "hello", "news", STOPPED, HELPED]


WORDS = [
    *((profile, word, STOPPED) for profile in ("current", "2014") for word in ("STOP", "STOPALL", "UNSUBSCRIBE")),
    *((profile, word, STOPPED) for profile in ("current", "2008") for word in ("CANCEL", "END", "QUIT")),
    *(("current", word, STOPPED) for word in ("REVOKE", "OPTOUT", "  stop  ", "Stop\r\n")),
    *(("2014", word, "") for word in ("REVOKE", "OPTOUT", "UNSTOP")),
    *(("current", word, STARTED) for word in ("START", "YES", "UNSTOP")),
    *(("2014", word, STARTED) for word in ("START", "YES")),
    *((profile, word, HELPED) for profile in ("current", "2014") for word in ("HELP", "INFO")),
    *(("current", word, "") for word in ("STOP PLEASE", "STOP!", "“STOP”", " ", "stopping", "NO")),
]


@pytest.mark.parametrize(("profile", "word", "answer"), WORDS)
def test_opt_out_word_must_be_the_whole_text_in_any_case(
    program: Program, profile: str, word: str, answer: str
) -> None:
    """The list of words depends on the profile."""
    with emulator(profile=profile) as twilio:
        twilio.add_number(NUMBER)
        twilio.phone(CONTACT).text(word)

        assert inbox(twilio) == ([answer] if answer else [])
        assert bool(twilio._context.store.find(OptOut)) is (answer == STOPPED)


@given(st.text(min_size=1, max_size=12))
def test_no_other_text_is_an_opt_out_word(text: str) -> None:
    """Texts may contain any character, even ones that change under upper-casing, and lone surrogates."""
    known = {word for words in find_profile("current").opt_out_words.values() for word in words}
    with emulator() as twilio:
        twilio.add_number(NUMBER)
        twilio.phone(CONTACT).text(text)
        answered = bool(twilio.outbox)

    assert answered is (text.strip().upper() in known)


def test_stop_applies_to_one_number_and_one_contact(twilio: Emulator) -> None:
    """Messages to other contacts and from other numbers are still sent."""
    twilio.phone(CONTACT).text("STOP", number=NUMBER)

    assert send(twilio, to=FRIEND) == "queued"
    assert send(twilio, from_=OTHER) == "queued"
    assert twilio.phone(CONTACT).text("hi", number=OTHER).texts == ["hello"]


def test_stop_applies_to_the_whole_service(program: Program) -> None:
    """It blocks all numbers of the service, and messages sent through the service."""
    numbers = [{"phone_number": number} for number in (NUMBER, OTHER, "+15017122663")]
    services = [{"sid": SERVICE, "numbers": [NUMBER, OTHER], "inbound_request_url": program.url("/message")}]
    with emulator(seed={"numbers": numbers, "services": services}) as twilio:
        twilio.phone(CONTACT).text("STOP", number=NUMBER)

        assert send(twilio) == "21610"
        assert send(twilio, from_=OTHER) == "21610"
        assert send(twilio, messaging_service_sid=SERVICE) == "21610"
        assert send(twilio, messaging_service_sid=SERVICE, from_=OTHER) == "21610"
        assert send(twilio, from_="+15017122663") == "queued"
        assert codes(twilio.phone(CONTACT).text("hi", number=OTHER).problems) == [21610]
        twilio.phone(CONTACT).text("START", number=OTHER)
        assert send(twilio) == "queued"


def test_stop_to_a_short_code_is_left_to_the_program(twilio: Emulator) -> None:
    """Twilio does not handle opt-outs for short codes by default."""
    reply = twilio.phone(CONTACT).text("STOP", number=SHORT_CODE)

    assert reply.texts == ["hello"]
    assert inbox(twilio) == ["hello"]
    assert send(twilio, from_=SHORT_CODE) == "queued"


def test_stop_applies_to_a_number_without_a_program(twilio: Emulator) -> None:
    """A number that is only used for sending has no Message URL."""
    twilio.add_number("+15017122663")
    twilio.phone(CONTACT).text("STOP", number="+15017122663")

    assert inbox(twilio) == [STOPPED]
    assert send(twilio, from_="+15017122663") == "21610"


def test_sender_that_is_not_one_of_our_numbers_has_no_opt_outs(twilio: Emulator) -> None:
    """Without a seed any sender is allowed."""
    assert send(twilio, from_="+15017122699") == "queued"
