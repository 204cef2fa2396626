"""Which messages that the program sends first may leave, and what is learned from error codes."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.journal.program import Clock, Program
from twiml_app.consent.permission import Leaving, Refusal, learn_from_error, refusal_of, warn_if_long
from twiml_app.journal.opt_out_rows import OptOut, add_opt_out, names_of, opt_outs_of, set_service

CONTACT, FRIEND = "+15005550001", "+15005550002"
NUMBER, OTHER = "+15005550006", "+15017122662"
SERVICE, ANOTHER_SERVICE = "MG" + "1" * 32, "MG" + "2" * 32
#: 2027-01-15 08:00:00 UTC.
NOW = 1_800_000_000.0


def opt_out(program: Program, sender: str, source: str = "text") -> None:
    """Record that the contact opted out."""
    added = OptOut(CONTACT, sender, source, "", "", NOW)
    program.engine.run(partial(add_opt_out, added=added))


def refusal(program: Program, contact: str = CONTACT, sender: str = NUMBER, now: float = NOW, **more: Any) -> Any:
    """Return why a message would be refused."""
    leaving = Leaving(contact=contact, sender=sender, **more)
    return program.engine.run(partial(refusal_of, settings=program.settings, leaving=leaving, now=now))


def code(program: Program, **more: Any) -> int | None:
    """Return the code of the refusal, 0 if the message may leave."""
    refused = refusal(program, **more)
    return refused.code if refused else 0


def learn(program: Program, error: int | None, sender: str = NUMBER, contact: str = CONTACT, now: float = NOW) -> None:
    """Learn from an error code."""
    leaving = Leaving(contact=contact, sender=sender)
    program.engine.run(partial(learn_from_error, code=error, leaving=leaving, origin="SM1", now=now))


def test_opt_out_holds_for_its_contact_and_its_sender(program: Program) -> None:
    """A contact who stops the news still gets the reminders that come from another number."""
    program.engine.run(partial(set_service, number=OTHER, service=""))
    opt_out(program, NUMBER)

    assert refusal(program) == Refusal(
        21610,
        f"21610: the contact opted out of messages from {NUMBER} on 2027-01-15: a START from the contact ends that",
    )
    assert [code(program, sender=OTHER), code(program, contact=FRIEND)] == [0, 0]
    assert code(program, contact=f"whatsapp:{CONTACT}") == 21610


def test_opt_out_that_a_program_recorded_holds_for_every_sender(program: Program) -> None:
    """Who says "leave me alone" does not mean one of the numbers."""
    opt_out(program, "*", "program")

    assert [code(program, sender=sender) for sender in (NUMBER, SERVICE, "12345")] == [21610] * 3
    assert refusal(program).reason == (
        "21610: the contact opted out of messages from all senders on 2027-01-15: `twiml-app opt-outs remove` ends that"
    )


def test_opt_out_of_a_service_holds_for_its_numbers_and_for_those_that_may_be_its(program: Program) -> None:
    """Twilio refuses them all; which number belongs to which service is known from what was received."""
    for number, service in ((NUMBER, SERVICE), (OTHER, ANOTHER_SERVICE), ("12345", "")):
        program.engine.run(partial(set_service, number=number, service=service))
    opt_out(program, SERVICE)

    refused = {sender for sender in (SERVICE, NUMBER, "+15017122663") if code(program, sender=sender) == 21610}
    assert refused == {SERVICE, NUMBER, "+15017122663"}
    assert [code(program, sender=sender) for sender in (ANOTHER_SERVICE, OTHER, "12345")] == [0] * 3


def test_opt_out_of_a_number_holds_for_its_service(program: Program) -> None:
    """The service could choose that number."""
    opt_out(program, NUMBER)
    assert code(program, sender=SERVICE) == 0

    program.engine.run(partial(set_service, number=NUMBER, service=SERVICE))

    assert code(program, sender=SERVICE) == 21610


def test_scope_all_makes_every_opt_out_hold_for_all_senders(database_url: str) -> None:
    """Some companies treat every STOP as one for the whole company."""
    program = Program(database_url, TWIML_OPT_OUT_SCOPE="all")
    opt_out(program, NUMBER)

    assert [code(program, sender=sender) for sender in (NUMBER, OTHER, SERVICE)] == [21610] * 3
    assert code(program, contact=FRIEND) == 0


def test_erased_contact_stays_opted_out_through_a_rotation_of_the_key(database_url: str) -> None:
    """The hash gets the new key when it is used, so that the old one can be taken out of the settings."""
    old = Program(database_url, SECRET_KEY="old")
    opt_out(old, NUMBER)
    old.archive.erase(CONTACT, old.settings.secret_keys)

    for fallback in ("old", None):
        rotated = Program(database_url, SECRET_KEY="new", SECRET_KEY_FALLBACKS=fallback)
        assert code(rotated) == 21610


@pytest.mark.parametrize("sender", [pytest.param(NUMBER, id="number"), pytest.param(OTHER, id="number of a service")])
def test_21610_adds_an_opt_out_of_the_service_if_it_is_known(program: Program, sender: str) -> None:
    """The STOP may have come before there was a journal, or on a day when it was down."""
    program.engine.run(partial(set_service, number=OTHER, service=SERVICE))
    for _ in range(2):
        learn(program, 21610, sender)

    (found,) = program.engine.run(lambda execute: opt_outs_of(execute, names_of(CONTACT, ())))
    assert found == OptOut(
        CONTACT, SERVICE if sender == OTHER else sender, "21610", "Twilio refused a message", "SM1", NOW
    )
    assert code(program, sender=sender) == 21610


REASONS = {
    21211: "the number is not valid",
    21614: "the number cannot receive texts",
    30005: "the number is unknown or no longer in service",
    30006: "the number is a landline, or its carrier cannot be reached",
}


@pytest.mark.parametrize("error", REASONS)
def test_contact_who_cannot_receive_gets_nothing_until_the_next_text(database_url: str, error: int) -> None:
    """Carriers block senders that keep writing to numbers that do not exist."""
    clock = Clock()
    program = Program(database_url, clock)
    learn(program, error, now=clock.now)
    refused = refusal(program, now=clock.now)
    clock.now += 60
    program.text()

    assert refused == Refusal(
        error, f"{error}: {REASONS[error]}: a message failed on 2027-01-15, and the contact has not texted since"
    )
    assert code(program, now=clock.now) == 0


@pytest.mark.parametrize("error", [None, 30003, 63016])
def test_other_errors_change_nothing(program: Program, error: int | None) -> None:
    """A phone that is switched off today may be on tomorrow."""
    learn(program, error)

    assert code(program) == 0


def test_whatsapp_takes_free_text_for_a_day_after_the_contacts_text(database_url: str) -> None:
    """Twilio would charge for the attempt, and fail it with 63016."""
    clock = Clock()
    program = Program(database_url, clock)
    start, day = clock.now, 86400.0
    person, ours = f"whatsapp:{CONTACT}", f"whatsapp:{NUMBER}"
    program.text(From=person, To=ours)

    def at(seconds: float, sender: str = ours, **more: Any) -> int | None:
        return code(program, contact=person, sender=sender, now=start + seconds, **more)

    assert [at(1), at(day - 1), at(day), at(day + 1)] == [0, 0, 63016, 63016]
    assert [at(1, f"whatsapp:{OTHER}"), at(1, SERVICE), at(day, SERVICE)] == [63016, 0, 63016]
    assert at(day, is_template=True) == 0
    assert code(program, contact=CONTACT, now=start + 2 * day) == 0
    assert "template=" in refusal(program, contact=person, sender=ours, now=start + day).reason


def test_segments_of_a_contact_are_limited_per_day(database_url: str) -> None:
    """A loop in a program must end before somebody sees the bill."""
    program = Program(database_url, TWIML_SEGMENTS_PER_DAY=5)

    assert [code(program, segments=3), code(program, segments=2, is_counted=True)] == [0, 0]
    assert refusal(program, segments=3) == Refusal(
        None,
        "the contact would get more than 5 segments today: look for a program that repeats itself, or raise"
        " TWIML_SEGMENTS_PER_DAY",
    )
    assert [code(program, segments=2), code(program), code(program, contact=FRIEND)] == [0, None, 0]
    assert code(program, now=NOW + 86400) == 0


def test_refused_message_does_not_count(database_url: str) -> None:
    """Only what is sent costs something."""
    program = Program(database_url, TWIML_SEGMENTS_PER_DAY=1)
    opt_out(program, NUMBER)
    program.engine.run(partial(set_service, number=OTHER, service=""))

    assert [code(program), code(program, sender=OTHER)] == [21610, 0]


def test_long_message_is_logged_without_the_number(tmp_path: Any, caplog: pytest.LogCaptureFixture) -> None:
    """One emoji can double the price of a message."""
    settings = Program(f"sqlite:///{tmp_path}/twiml.db", TWIML_SEGMENTS_WARNING=2).settings
    for segments in (2, 3):
        warn_if_long(settings, Leaving(contact=CONTACT, sender=NUMBER, segments=segments))

    assert [record.getMessage() for record in caplog.records] == [
        f"long message segments=3 from={NUMBER} to=+*******0001"
    ]
