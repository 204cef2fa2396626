"""Requests of killed processes become failed exchanges."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journal.other_process import kill_while_handling, script
from tests.journal.program import Program, bodies, claim_message, rows
from tests.servers import LIMIT_S
from tests.webhook_requests import SID
from twiml_app.journal.archive import Filter
from twiml_app.journal.killed import collect_killed
from twiml_app.journal.worker_files import SLOT_BYTES, WorkerFile, file_of


def test_requests_of_a_killed_process_are_collected_once(program: Program, database_url: str) -> None:
    """Somebody has to see that a handler was interrupted, with the text that was sent."""
    kill_while_handling(database_url, "SM1", "SM2")

    counts = [collect_killed(program.engine, wait_s=LIMIT_S) for _ in range(2)]

    assert counts == [2, 0]
    assert rows(program) == [("SM1", "failed", "killed"), ("SM2", "failed", "killed")]
    exchange = program.archive.all(Filter())[0].exchange
    assert exchange
    assert (exchange.form["Body"], program.engine.store.count_in_flight()) == ("hello", 0)


def test_requests_of_a_living_process_are_left_alone(program: Program, database_url: str) -> None:
    """Its handlers still run, and store their answers themselves."""
    claim_message(Program(database_url))
    claim_message(program, "SM2")

    assert collect_killed(program.engine, wait_s=LIMIT_S) == 0


def test_message_that_was_answered_after_the_kill_is_not_a_failure(program: Program, database_url: str) -> None:
    """Twilio's retry comes at once, the collection a minute later."""
    kill_while_handling(database_url, SID)
    assert bodies(program.text()) == ["answer 1 to hello"]

    collect_killed(program.engine, wait_s=LIMIT_S)

    assert rows(program) == [(SID, "done", "replied")]
    assert program.engine.store.count_in_flight() == 0


def test_collected_message_is_answered_by_its_retry(program: Program, database_url: str) -> None:
    """The collection must not count as an answer."""
    kill_while_handling(database_url, SID)
    collect_killed(program.engine, wait_s=LIMIT_S)

    assert bodies(program.text()) == ["answer 1 to hello"]
    assert rows(program) == [(SID, "done", "replied")]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_file_of_a_dead_process_is_removed_only_after_it_was_stored(program: Program, database_url: str) -> None:
    """A kill between the two steps repeats the collection, and must not lose or double a request."""
    kill_while_handling(database_url, SID)
    (trace,) = program.engine.store.traces()
    copy = trace.path.read_bytes()

    collect_killed(program.engine, wait_s=LIMIT_S)
    assert not trace.path.exists()
    trace.path.write_bytes(copy)

    assert collect_killed(program.engine, wait_s=LIMIT_S) == 0
    assert rows(program) == [(SID, "failed", "killed")]
    assert not trace.path.exists()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_damaged_trace_does_not_stop_the_collection(program: Program, database_url: str) -> None:
    """A power cut may leave half a record, and a later release may write other fields."""
    kill_while_handling(database_url, "SM1", "SM2", "SM3")
    (trace,) = program.engine.store.traces()
    with trace.path.open("r+b") as file:
        file.seek(SLOT_BYTES + 100)
        file.write(b"damage")
    other = WorkerFile(trace.path.parent, 1)
    other.put(b'["https://sms.example.com", "a field of a later release"]\n')
    other.close()

    assert collect_killed(program.engine, wait_s=LIMIT_S) == 2
    assert [sid for sid, *_ in rows(program)] == ["SM1", "SM3"]
    assert not file_of(trace.path.parent, 1).exists()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_several_processes_may_collect_at_once(program: Program, database_url: str, tmp_path: Path) -> None:
    """All workers start together after a crash, and each collects."""
    kill_while_handling(database_url, *(f"SM{number}" for number in range(20)))
    collect = """
    from tests.journal.program import Program
    from twiml_app.journal.killed import collect_killed
    program = Program(sys.argv[1])
    program.journal.check()
    print("ready", flush=True)
    sys.stdin.readline()
    print(collect_killed(program.engine, wait_s=600))
    """
    with script(collect, database_url) as one, script(collect, database_url) as other:
        assert (one.read(), other.read()) == ("ready", "ready")
        one.proceed()
        other.proceed()
        collected = int(one.finish()) + int(other.finish())

    assert (collected, len(rows(program))) == (20, 20)


@pytest.mark.parametrize("database_url", ["sqlite with claims as rows"], indirect=True)
def test_row_that_was_taken_over_is_left_to_its_new_owner(program: Program, database_url: str) -> None:
    """Between the look and the update, a retry may have claimed the message."""
    kill_while_handling(database_url, SID)
    claim_message(program)

    assert collect_killed(program.engine, wait_s=LIMIT_S) == 0
    assert rows(program) == [(SID, "running", "")]
