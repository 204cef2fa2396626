"""Opt-outs: STOP, START and HELP as they are by default, and what is refused after a STOP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.base.exceptions import TwilioRestException

from tests.emulator.program import CONTACT, NUMBER, Program, codes, emulator, say
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
def program() -> Iterator[Program]:
    """A program that answers whatever comes."""
    with Program() as program:
        program.answers("/message", say("hello"))
        yield program


@pytest.fixture
def twilio(program: Program) -> Iterator[Emulator]:
    """An emulator with two numbers and a short code."""
    with emulator() as twilio:
        for number in (NUMBER, OTHER, SHORT_CODE):
            twilio.add_number(number, program.url("/message"))
        yield twilio


def send(twilio: Emulator, *, to: str = CONTACT, **parameters: Any) -> str:
    """Send a message with the official client; returns its status, or the number that it is refused with."""
    given = parameters or {"from_": NUMBER}
    try:
        return str(twilio.client().messages.create(to=to, body="news", **given).status)
    except TwilioRestException as error:
        return str(error.code)


def inbox(twilio: Emulator, number: str = CONTACT) -> list[str]:
    """Return what a phone has received once all is done."""
    assert twilio.settle()
    return [message.body for message in twilio.phone(number).inbox]


def test_stop_is_recorded_answered_and_handed_on(twilio: Emulator, program: Program) -> None:
    """The program hears of it, and its own answer does not get through."""
    turn = twilio.phone(CONTACT).text("STOP", number=NUMBER)

    assert program.at("/message")[0].form["Body"] == "STOP"
    assert "OptOutType" not in program.at("/message")[0].form, "there is one with Advanced Opt-Out alone"
    assert [(reply.body, reply.status, reply.error_code) for reply in turn.messages] == [("hello", "failed", 21610)]
    assert codes(turn.problems) == [21610]
    assert inbox(twilio) == [STOPPED]
    assert send(twilio) == "21610"


def test_start_lets_everything_through_again(twilio: Emulator) -> None:
    """With the program's answer to it."""
    phone = twilio.phone(CONTACT)
    phone.text("stop", number=NUMBER)
    turn = phone.text(" Start\n", number=NUMBER)

    assert (turn.texts, turn.problems) == (["hello"], [])
    assert inbox(twilio) == [STOPPED, STARTED, "hello"]
    assert send(twilio) == "queued"


def test_help_is_answered_and_changes_nothing(twilio: Emulator) -> None:
    """Neither for those who read along, nor for those who sent STOP."""
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
def test_word_counts_alone_and_in_any_case(program: Program, profile: str, word: str, answer: str) -> None:
    """Which words there are depends on the year."""
    with emulator(profile=profile) as twilio:
        twilio.add_number(NUMBER)
        twilio.phone(CONTACT).text(word)

        assert inbox(twilio) == ([answer] if answer else [])
        assert bool(twilio.context.store.find(OptOut)) is (answer == STOPPED)


@given(st.text(min_size=1, max_size=12))
def test_no_other_text_is_taken_for_a_word(text: str) -> None:
    """Whatever people type, a German s or half an emoji included."""
    known = {word for words in find_profile("current").opt_out_words.values() for word in words}
    with emulator() as twilio:
        twilio.add_number(NUMBER)
        twilio.phone(CONTACT).text(text)
        answered = bool(twilio.outbox)

    assert answered is (text.strip().upper() in known)


def test_stop_counts_for_one_number_and_one_person(twilio: Emulator) -> None:
    """Others go on, and so do other numbers."""
    twilio.phone(CONTACT).text("STOP", number=NUMBER)

    assert send(twilio, to=FRIEND) == "queued"
    assert send(twilio, from_=OTHER) == "queued"
    assert twilio.phone(CONTACT).text("hi", number=OTHER).texts == ["hello"]


def test_stop_counts_for_the_whole_service(program: Program) -> None:
    """Whichever number of it writes, or the service itself."""
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


def test_short_code_answers_for_itself(twilio: Emulator) -> None:
    """Nothing is recorded, and the program must do it all."""
    turn = twilio.phone(CONTACT).text("STOP", number=SHORT_CODE)

    assert turn.texts == ["hello"]
    assert inbox(twilio) == ["hello"]
    assert send(twilio, from_=SHORT_CODE) == "queued"


def test_stop_counts_without_a_program(twilio: Emulator) -> None:
    """A number that only sends has no Message URL."""
    twilio.add_number("+15017122663")
    twilio.phone(CONTACT).text("STOP", number="+15017122663")

    assert inbox(twilio) == [STOPPED]
    assert send(twilio, from_="+15017122663") == "21610"


def test_stop_to_a_sender_that_is_no_number_of_ours_is_unknown(twilio: Emulator) -> None:
    """Without a seed anything may be a sender."""
    assert send(twilio, from_="+15017122699") == "queued"
