"""Schedules at work: one occurrence runs once, however many processes there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.work import programs
from tests.work.programs import Program
from twiml_app import Router
from twiml_app.work import Background


def tick(*, idempotency_key: str) -> None:
    """Record an occurrence."""
    programs.RAN.append(idempotency_key)


KEY = "tests.work.test_schedules:tick every 0:05:00 2027-01-15T{}:00+00:00"


@pytest.fixture
def program(database_url: str) -> Iterator[Program]:
    """Return a program with a schedule, at 08:00 in UTC."""
    router = Router()
    router.every(minutes=5)(tick)
    program = Program(database_url, router=router)
    yield program
    program.engine.close()


def test_occurrence_runs_once_on_two_machines(program: Program, ran: list[Any]) -> None:
    """Both look at the same journal."""
    other = program.another_work(Background())
    for _ in range(21):
        for work in (program.work, other):
            work.keeper.run_due()
            work.run_until(program.clock())
        program.clock.now += 30

    assert ran == [KEY.format("08:00"), KEY.format("08:05"), KEY.format("08:10")]


def test_process_that_starts_again_does_not_repeat_an_occurrence(program: Program, ran: list[Any]) -> None:
    """A deployment at 08:03 sends nobody a second greeting."""
    program.work.keeper.run_due()
    program.run()
    program.clock.now += 180
    again = program.another_work(Background())
    again.keeper.run_due()

    assert again.run_until(program.clock()) == 0
    assert len(ran) == 1


def test_of_missed_occurrences_only_the_latest_runs(program: Program, ran: list[Any]) -> None:
    """After a night without power, five hundred reports at once help nobody."""
    program.work.keeper.run_due()
    program.run()
    program.clock.now += 3600 * 9
    program.work.keeper.run_due()
    program.run()

    assert ran == [KEY.format("08:00"), KEY.format("17:00")]


def test_keeper_comes_back_in_time(program: Program, ran: list[Any]) -> None:
    """It sleeps for a second at most, and less if something is due before that."""
    assert program.work.keeper.run_due() == 1
    program.clock.now += 299.75
    program.work.keeper.run_due()
    assert program.work.keeper.run_due() == 0.25
    assert program.work.is_needed()
    assert program.rows(function="tick")[0].kind == "scheduled"
