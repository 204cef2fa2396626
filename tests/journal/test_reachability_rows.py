"""Contacts who cannot receive, until they text; the last text; and the segments of a day."""

from __future__ import annotations

from functools import partial

from tests.journal.program import Clock, Program
from tests.webhook_requests import SID
from twiml_app.journal.reachability_rows import (
    UNREACHABLE_DAYS,
    Unreachable,
    count_segments,
    last_text_at,
    set_unreachable,
    unreachable,
)
from twiml_app.journal.upkeep import INTERVAL_S, sweep

CONTACT, NUMBER = "+15005550001", "+15005550006"


def test_contact_cannot_receive_until_a_text_proves_the_contrary(database_url: str) -> None:
    """Each message to a landline costs money."""
    clock = Clock()
    program = Program(database_url, clock)
    program.text(sid="SM1")
    clock.now += 1
    found = Unreachable(30006, SID, clock.now)

    def state() -> Unreachable | None:
        return program.engine.run(lambda execute: unreachable(execute, CONTACT))

    assert state() is None
    for _ in range(2):
        program.engine.run(lambda execute: set_unreachable(execute, CONTACT, found))
    assert state() == found
    program.status("undelivered", error_code=30006)
    assert state() == found
    clock.now += 1
    program.text(sid="SM2")
    assert state() is None


def test_text_counts_even_when_its_exchange_is_deleted(database_url: str) -> None:
    """With TWIML_RECORD=failed an exchange is kept for a day, and the failure for a year."""
    clock = Clock()
    program = Program(database_url, clock, TWIML_RECORD="failed")
    for contact in (CONTACT, "+15005550002"):
        found = Unreachable(30005, SID, clock.now)
        program.engine.run(partial(set_unreachable, contact=contact, found=found))
    clock.now += 1
    program.text()
    clock.now += 86400 + INTERVAL_S
    program.engine.run(lambda execute: sweep(execute, clock.now))

    assert program.engine.run(lambda execute: unreachable(execute, CONTACT)) is None
    assert program.engine.run(lambda execute: unreachable(execute, "+15005550002")) is not None
    program.engine.run(lambda execute: sweep(execute, clock.now + UNREACHABLE_DAYS * 86400))
    assert program.engine.run(lambda execute: unreachable(execute, "+15005550002")) is None


def test_last_text_is_that_of_the_contact_to_the_number(database_url: str) -> None:
    """A status callback is not a text, and the window of one sender is not that of another."""
    clock = Clock()
    program = Program(database_url, clock)
    at = clock.now
    program.text()
    clock.now += 60
    program.status("delivered", "SM2")

    def last(**more: str) -> float | None:
        return program.engine.run(lambda execute: last_text_at(execute, CONTACT, since=at - 1, **more))

    assert (last(), last(number=NUMBER), last(number="+15005550009")) == (at, at, None)
    assert program.engine.run(lambda execute: last_text_at(execute, CONTACT, since=at)) is None


def test_segments_are_counted_up_to_the_limit_of_a_day(program: Program) -> None:
    """A program that repeats itself must not cost more than this until somebody looks."""
    noon = 20_000 * 86400 + 43200.0

    def count(segments: int, now: float = noon, contact: str = CONTACT) -> bool:
        return program.engine.run(lambda execute: count_segments(execute, contact, segments, limit=5, now=now))

    assert [count(each) for each in (6, 3, 3, 2, 1)] == [False, True, False, True, False]
    assert (count(1, contact=NUMBER), count(5, noon + 43200)) == (True, True)
    program.engine.run(lambda execute: sweep(execute, noon + 3 * 86400))
    assert count(5)


def test_erasure_forgets_what_is_known_about_a_contact(program: Program) -> None:
    """It would say that somebody used the service."""
    for contact in (CONTACT, f"whatsapp:{CONTACT}", "+15005550002"):
        found = Unreachable(30005, SID, 1.0)
        program.engine.run(partial(set_unreachable, contact=contact, found=found))
        program.engine.run(partial(count_segments, contact=contact, segments=1, limit=5, now=1.0))

    assert program.archive.erase(CONTACT).rows == 4
    assert program.archive.erase("+15005550002").rows == 2
