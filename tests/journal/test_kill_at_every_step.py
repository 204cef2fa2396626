"""kill -9 before every step of a request: what was acknowledged is kept, what was not is run once more, at once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.journal.kills import APOLOGY, FORMS, Attempt, First, Sent, attempts, send
from tests.journal.program import Clock, Program, bodies, query, request_of
from tests.webhook_requests import SID
from twiml_app.journal.archive import Filter
from twiml_app.journal.rows import KILLED, ExchangeRow

RUNNING = pytest.param("", id="in a running process")
FIRST_OF_JOURNAL = [RUNNING, pytest.param("journal", id="first request of the journal", marks=pytest.mark.slow)]
#: Creating the journal takes most of the steps, and does not depend on the request that comes after the kill.
FIRST_OF_PROCESS = [RUNNING, pytest.param("process", id="first request of the process", marks=pytest.mark.slow)]


def killed_programs(url: str, sent: Sent, first_of: First) -> Iterator[tuple[Attempt, Program, Clock]]:
    """Yield each attempt to answer a request, with a program on the journal that the killed process left."""
    number = 0
    for number, attempt in enumerate(attempts(url, sent, first_of)):
        clock = Clock()
        program = Program(attempt.url, clock, TWIML_APOLOGY=APOLOGY)
        wait_until_noticed(program, attempt.backends)
        yield attempt, program, clock
        program.engine.close()
        assert attempt.was_killed or number > 8
    print(f"{number} steps")


def wait_until_noticed(program: Program, backends: list[int]) -> None:
    """Wait until the PostgreSQL server has noticed the death of a process, which takes it some milliseconds."""
    marks = ", ".join("?" * len(backends))
    while backends and query(program.engine, f"SELECT pid FROM pg_stat_activity WHERE pid IN ({marks})", backends):
        time.sleep(0.01)


def killed_rows(program: Program) -> list[ExchangeRow]:
    """Return the failed exchanges about the message, after those of killed processes were collected."""
    program.archive.collect_killed()
    return program.archive.all(Filter(failed=True, sid=SID))


def rows_of(program: Program) -> list[tuple[str, bytes | None]]:
    """Return the state and the request of each exchange about the message; no other is unfinished."""
    assert program.archive.overview().unfinished == 0
    return [(row.state, row.body and bytes(row.body)) for row in program.archive.all(Filter(sid=SID))]


@pytest.mark.parametrize("first_of", FIRST_OF_JOURNAL)
def test_message_is_answered_once_and_its_retry_at_once(database_url: str, first_of: First) -> None:
    """Twilio retries within milliseconds: the stored answer must be sent again, and an unstored one made again."""
    body = request_of(FORMS["message"]).body
    for attempt, program, clock in killed_programs(database_url, "message", first_of):
        is_stored = "committed end" in attempt.done
        killed = killed_rows(program)
        began_at = clock.now

        answer = send(program, "message")

        where = f"killed before {attempt.killed_before}"
        expected = (["answer 2 to hello"], []) if is_stored else (["answer 1 to hello"], [SID])
        assert (bodies(answer), program.ran, clock.now) == (*expected, began_at), where
        assert [(row.outcome, bytes(row.body or b"")) for row in killed] in ([], [(KILLED, body)]), where
        assert bool(killed) or is_stored or "handler began" not in attempt.done, where
        assert not (killed and is_stored), where
        assert rows_of(program) == [("done", body)], where


@pytest.mark.slow
@pytest.mark.parametrize("first_of", FIRST_OF_PROCESS)
def test_fallback_after_a_kill_is_answered_at_once(database_url: str, first_of: First) -> None:
    """Twilio calls the fallback URL at once: it gets the stored answer, or else the apology."""
    for attempt, program, clock in killed_programs(database_url, "message", first_of):
        began_at = clock.now

        answer = send(program, "fallback")

        expected = "answer 2 to hello" if "committed end" in attempt.done else APOLOGY
        assert (bodies(answer), program.ran, clock.now) == ([expected], [], began_at), attempt.killed_before


@pytest.mark.slow
@pytest.mark.parametrize("first_of", FIRST_OF_PROCESS)
def test_fallback_request_is_answered_and_kept_once(database_url: str, first_of: First) -> None:
    """The fallback request may be the only one that contains the text."""
    body = request_of(FORMS["fallback"]).body
    for attempt, program, clock in killed_programs(database_url, "fallback", first_of):
        began_at = clock.now

        answer = send(program, "fallback")

        assert (bodies(answer), program.ran, clock.now) == ([APOLOGY], [], began_at), attempt.killed_before
        assert rows_of(program) == [("done", body)], attempt.killed_before


@pytest.mark.parametrize("first_of", FIRST_OF_JOURNAL)
def test_status_callback_is_never_lost_once_it_is_claimed(database_url: str, first_of: First) -> None:
    """Twilio retries few callbacks: those whose process died are found by ``retry``, and the ledger has them."""
    for attempt, program, clock in killed_programs(database_url, "status", first_of):
        is_claimed, is_stored = (f"committed {part}" in attempt.done for part in ("claim", "end"))
        to_retry = [row.message_status for row in program.archive.to_retry(Filter())]
        entry = program.ledger.get(SID)
        began_at = clock.now

        answer = send(program, "status")

        where = f"killed before {attempt.killed_before}"
        assert to_retry == (["delivered"] if is_claimed and not is_stored else []), where
        assert (entry.status if entry else "") == ("delivered" if is_claimed else ""), where
        assert (answer.status, len(program.statuses), clock.now) == (204, int(not is_stored), began_at), where
        assert [state for state, _ in rows_of(program)] == ["done"], where
