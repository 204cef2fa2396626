"""Running work: at least once, with retries, and in one commit with what the function asks for."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from tests.journal.program import query
from tests.webhook_requests import SID
from tests.work import programs
from tests.work.programs import Program, ask_again, fail, fail_once, leave, note
from twiml_app import enqueue, enqueue_in
from twiml_app.errors import JournalUnavailable, UnknownWork
from twiml_app.journal import WorkArchive, WorkFilter
from twiml_app.journal.archive import Archive
from twiml_app.journal.migrations import SCHEMA_VERSION
from twiml_app.work import Background
from twiml_app.work.runner import Retries


@pytest.fixture
def program(database_url: str) -> Any:
    """Return a program on an empty journal of each kind."""
    program = Program(database_url)
    yield program
    program.engine.close()


def test_failing_work_is_tried_again_with_the_same_key(program: Program, ran: list[Any]) -> None:
    """The key lets the function find out what its first attempt has already done."""
    program.handle = lambda _: enqueue(fail_once, "a")
    program.phone.text("report")
    with pytest.raises(ValueError, match="a bug"):
        program.run()
    (row,) = program.rows()
    assert (row.state, row.due_at, row.error) == ("waiting", program.clock.now + 15, "ValueError: a bug")
    assert [type(error) for error in program.exceptions] == [ValueError]

    assert program.run() == 0
    program.clock.now += 15
    assert program.run() == 1
    assert ran == [("a", 1, row.key), ("a", 2, row.key)]
    (row,) = program.rows()
    assert [(each.attempt, each.outcome, each.error) for each in row.attempts] == [
        (1, "failed", "ValueError: a bug"),
        (2, "done", ""),
    ]


def test_work_is_given_up_after_eight_attempts_in_about_a_day(program: Program, ran: list[Any]) -> None:
    """A bug must not keep the workers busy for ever, and a service may be down for a day."""
    started = program.clock.now
    with program.app.app_context():
        enqueue(fail)
    while [state for _, state, _ in program.states()] == ["waiting"]:
        program.clock.now = program.rows()[0].due_at
        with pytest.raises(ValueError, match="a bug"):
            program.run()

    assert program.states() == [("fail", "failed", 8)]
    assert [attempt for (attempt,) in ran] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert 0.9 * 86400 < program.clock.now - started < 86400
    assert program.rows()[0].keep_until == program.clock.now + 86400


def test_what_a_failed_attempt_asked_for_is_not_stored(program: Program, ran: list[Any]) -> None:
    """Otherwise each retry would add another piece."""
    with program.app.app_context():
        enqueue(ask_again, "x")
    with pytest.raises(ValueError, match="a bug"):
        program.run()
    assert program.states() == [("ask_again", "waiting", 1)]

    program.clock.now += 15
    assert program.run() == 2
    assert ran == [("asked for by", "x")]


def test_function_that_ends_the_thread_is_a_failed_attempt(program: Program, ran: list[Any]) -> None:
    """A script that was made a function often ends with sys.exit."""
    with program.app.app_context():
        enqueue(leave)
    with pytest.raises(SystemExit):
        program.run()

    assert program.rows()[0].error == "SystemExit: done"


def test_function_that_the_code_does_not_have_is_tried_again_after_a_deployment(
    program: Program, ran: list[Any]
) -> None:
    """While one machine has the new code and another the old, work of the new one is not lost."""
    with program.app.app_context():
        enqueue(note, "new")
    query(program.engine, "UPDATE work SET function = 'tests.work.programs:not_yet'")
    with pytest.raises(UnknownWork, match="has no function not_yet"):
        program.run()
    assert program.states() == [("not_yet", "waiting", 1)]

    query(program.engine, "UPDATE work SET function = 'tests.work.no_such_module:note'")
    program.clock.now += 15
    with pytest.raises(UnknownWork, match=r"No module named 'tests\.work\.no_such_module'"):
        program.run()

    query(program.engine, "UPDATE work SET function = 'tests.work.programs:note'")
    program.clock.now += 60
    program.run()
    assert ran == [("new",)]


def test_work_whose_process_died_runs_again_when_its_lease_has_ended(program: Program, ran: list[Any]) -> None:
    """Nothing that was accepted is lost."""
    with program.app.app_context():
        enqueue(note, "x")
    dead = program.another_work(Background())
    assert dead._claim(program.clock()) is not None
    assert program.run() == 0

    program.clock.now += 29
    program.work.keeper.run_due()
    assert program.run() == 0
    program.clock.now += 11
    program.work.keeper.run_due()
    assert program.run() == 1
    assert [each.outcome for each in program.rows()[0].attempts] == ["killed", "done"]


def test_work_that_kills_its_process_each_time_is_given_up(database_url: str, ran: list[Any]) -> None:
    """It takes all the memory, perhaps, and would kill one worker after the other."""
    program = Program(database_url, retries=Retries(attempts=2))
    with program.app.app_context():
        enqueue(note, "x")
    for _ in range(2):
        assert program.work._claim(program.clock()) is not None
        program.clock.now += 31
        program.work.keeper.run_due()

    assert program.states() == [("note", "failed", 2)]
    assert program.rows()[0].attempts[-1].outcome == "killed"
    program.engine.close()


def test_long_work_keeps_its_lease(program: Program, ran: list[Any]) -> None:
    """A second run only happens after the death of a process."""
    with program.app.app_context():
        enqueue(take_minutes, "x")
    other = program.another_work(Background())
    programs.DURING[:] = [lambda: _minutes(program, other)]
    program.run()

    assert ran == [("x",)]
    assert program.states() == [("take_minutes", "done", 1)]


def _minutes(program: Program, other: Any) -> None:
    for _ in range(20):
        program.clock.now += 11
        program.work.keeper.run_due()
        other.keeper.run_due()
        assert other._claim(program.clock()) is None


def take_minutes(value: str) -> None:
    """Do what the test wants to happen meanwhile."""
    programs.RAN.append((value,))
    programs.DURING.pop()()


def test_attempt_that_another_process_took_over_stores_nothing(
    program: Program, ran: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A machine that was suspended must not end the work of another one."""
    with program.app.app_context():
        enqueue(be_suspended, "x")
    programs.DURING[:] = [lambda: query(program.engine, "UPDATE work SET owner = 'another'")]
    with caplog.at_level(logging.ERROR, "twiml_app"):
        program.run()

    assert program.states() == [("be_suspended", "running", 1)]
    assert "another process took this work over" in caplog.text


def be_suspended(value: str) -> None:
    """Ask for more work, while another process takes this piece over."""
    enqueue(note, value)
    programs.DURING.pop()()


def test_erasing_a_contact_ends_its_work(program: Program, ran: list[Any]) -> None:
    """Nobody gets a reminder after asking to be forgotten."""
    program.handle = lambda message: enqueue_in(60, note, message)
    phone = program.phone
    phone.text("remind me")
    assert Archive(program.engine).erase(phone.contact).rows == 2
    program.clock.now += 60

    assert program.run() == 0


def test_finished_work_is_deleted_after_its_time_and_other_work_is_kept(program: Program, ran: list[Any]) -> None:
    """The journal does not grow without end, and forgets nothing that is still to be done."""
    from twiml_app.journal.upkeep import sweep

    with program.app.app_context():
        enqueue(note, "x")
        enqueue_in(86400 * 365, note, "in a year")
    program.run()
    program.clock.now += 86401
    program.engine.run(lambda execute: sweep(execute, program.clock()))

    assert program.states() == [("note", "waiting", 0)]


def test_failed_work_runs_again_when_somebody_says_so(database_url: str, ran: list[Any]) -> None:
    """After the bug is fixed."""
    program = Program(database_url, retries=Retries(attempts=1))
    program.handle = lambda _: enqueue(fail_once, "x")
    program.phone.text("report", MessageSid=SID)
    with pytest.raises(ValueError, match="a bug"):
        program.run()
    archive = WorkArchive(program.engine)
    assert archive.counts(program.clock()).failed == 1
    assert archive.retry(WorkFilter(function="no_such"), program.clock()) == 0
    assert archive.retry(WorkFilter(origin=SID), program.clock()) == 1

    assert program.states() == [("fail_once", "waiting", 0)]
    assert len(json.loads(program.rows()[0].history)) == 1
    program.engine.close()


def test_hook_that_fails_does_not_end_the_attempt(
    program: Program, ran: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """An error tracker may be down."""

    def broken(_: Exception) -> None:
        raise RuntimeError("down")

    program.exceptions = type("Broken", (list,), {"append": staticmethod(broken)})()
    work = program.another_work(Background())
    with program.app.app_context():
        enqueue(fail)
    with pytest.raises(ValueError, match="a bug"):
        work.run_until(program.clock())

    assert "the exception hook raised RuntimeError" in caplog.text
    assert program.states() == [("fail", "waiting", 1)]


def test_end_of_an_attempt_is_stored_again_while_the_journal_is_away(
    program: Program, ran: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function has run, so it must not be run again because of that."""
    with program.app.app_context():
        enqueue(break_journal, "x")
    run, left = program.engine.run, [3]

    def away(operation: Any, **options: Any) -> Any:
        if programs.RAN and left[0]:
            left[0] -= 1
            raise JournalUnavailable("away")
        return run(operation, **options)

    monkeypatch.setattr(program.engine, "run", away)
    program.run()

    assert program.states() == [("break_journal", "done", 1)]


def break_journal(value: str) -> None:
    """Make the test take the journal away."""
    programs.RAN.append(value)


def test_failed_attempt_that_another_process_took_over_stores_nothing(
    program: Program, ran: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The other process has the next attempt."""
    with program.app.app_context():
        enqueue(fail_after, "x")
    programs.DURING[:] = [lambda: query(program.engine, "UPDATE work SET owner = 'another'")]
    with pytest.raises(Unprintable):
        program.run()

    assert program.states() == [("fail_after", "running", 1)]
    assert "another process took this work over" in caplog.text


class Unprintable(Exception):
    """An exception without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def fail_after(_value: str) -> None:
    """Fail after another process has taken this piece over."""
    programs.DURING.pop()()
    raise Unprintable


def test_step_says_when_it_has_to_be_called_again(program: Program, ran: list[Any]) -> None:
    """The journal is read once a second at most while there is nothing to do."""
    assert program.work.run_due() == 1.0
    with program.app.app_context():
        enqueue_in(0.5, note)
        assert program.work.run_due() == 0.5
        enqueue_in(0, note)
        assert program.work.run_due() == 0.0
        assert ran == [()]


def repeat() -> None:
    """Ask for the same again."""
    enqueue(repeat)


def test_work_that_repeats_itself_does_not_hang_a_test(program: Program) -> None:
    """The error says what may be wrong."""
    with program.app.app_context():
        enqueue(repeat)
    with pytest.raises(RuntimeError, match="does work repeat itself"):
        program.work.run_until(program.clock(), most=10)


def test_tables_of_work_belong_to_schema_3() -> None:
    """Earlier releases share the journal, and leave work to this one."""
    assert SCHEMA_VERSION >= 3
