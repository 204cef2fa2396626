"""Claims as locks: what happens to an answer that cannot be stored, and to the claim of a forked process."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.journal.other_process import script
from tests.journal.program import Program, bodies, claim_message, replied, request_of, rows
from tests.servers import LIMIT_S
from tests.webhook_requests import SID
from twiml_app.caller.forms import inbound_form
from twiml_app.errors import ClaimLost, JournalUnavailable
from twiml_app.events import parse_event
from twiml_app.journal.archive import Filter
from twiml_app.journal.lock_claims import MAX_UNSAVED, LockClaim
from twiml_app.journal.locks import QueueLock
from twiml_app.receiver import Claim


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a journal's file."""
    return tmp_path / "twiml.db"


@pytest.fixture
def locking(path: Path) -> Program:
    """Return a program that claims messages with locks."""
    return Program(f"sqlite:///{path}")


@pytest.fixture
def switching_often() -> Iterator[None]:
    """Let threads take turns as often as possible."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@contextmanager
def outage(path: Path) -> Iterator[None]:
    """Let nobody write."""
    lock = QueueLock(Path(f"{path}-queue"))
    lock.acquire(LIMIT_S)
    yield
    lock.close()


def fail_to_store(program: Program, claim: Claim, text: str = "lost") -> None:
    """End a claim during an outage."""
    with pytest.raises(JournalUnavailable):
        program.journal.finish(claim, replied(text), wait_s=0)


def sid(number: int) -> str:
    """Return the sid of a message."""
    return f"SM{number:032}"


def test_answer_that_could_not_be_stored_is_stored_with_the_next_one(locking: Program, path: Path) -> None:
    """The handler ran, and perhaps sent or booked something: somebody has to know."""
    claim = claim_message(locking, sid(1))
    with outage(path):
        fail_to_store(locking, claim)
        assert locking.engine.store.count_in_flight() == 1
    locking.text(sid=sid(2))

    assert rows(locking) == [(sid(1), "failed", "not stored"), (sid(2), "done", "replied")]
    assert b"lost" in bytes(locking.archive.all(Filter(sid=sid(1)))[0].answer or b"")
    assert locking.engine.store.count_in_flight() == 0


def test_retry_of_an_answer_that_was_not_stored_runs_the_handler_again(locking: Program, path: Path) -> None:
    """The answer was not sent, so the sender still waits for one; afterwards the event is answered for good."""
    claim = claim_message(locking)
    with outage(path):
        fail_to_store(locking, claim)

    assert bodies(locking.text()) == ["answer 1 to hello"]
    assert bodies(locking.text()) == ["answer 1 to hello"]
    assert rows(locking) == [(SID, "done", "replied")]


def test_answer_of_another_process_is_not_replaced_by_one_that_was_not_stored(locking: Program, path: Path) -> None:
    """The answer that was sent is the one that counts."""
    claim = claim_message(locking)
    with outage(path):
        fail_to_store(locking, claim)
    other = Program(f"sqlite:///{path}")
    assert bodies(other.text("again")) == ["answer 1 to again"]

    locking.text(sid=sid(2))

    assert rows(locking) == [(sid(2), "done", "replied"), (SID, "done", "replied")]
    assert bodies(locking.text()) == ["answer 1 to again"]


def test_request_whose_answer_was_not_stored_is_found_after_a_kill(locking: Program, path: Path) -> None:
    """The answer is lost with the process, but not the knowledge that its handler ran."""
    source = """
    from tests.journal.program import Program, claim_message, replied
    from twiml_app.errors import JournalUnavailable
    from twiml_app.journal.locks import QueueLock
    program = Program(f"sqlite:///{sys.argv[1]}")
    claim = claim_message(program)
    lock = QueueLock(Path(sys.argv[1] + "-queue"))
    lock.acquire(600)
    try:
        program.journal.finish(claim, replied("lost"), wait_s=0)
    except JournalUnavailable:
        os.kill(os.getpid(), signal.SIGKILL)
    """
    with script(source, path) as killed:
        assert killed.process.wait(LIMIT_S) == -9
    locking.archive.collect_killed()

    assert rows(locking) == [(SID, "failed", "killed")]
    assert locking.engine.store.count_in_flight() == 0


def test_after_an_answer_was_not_stored_no_handler_runs_until_the_journal_works(locking: Program, path: Path) -> None:
    """A handler that runs for nothing may still send or book something, at each of the retries."""
    claim, second = claim_message(locking), parse_event(inbound_form("hello", message_sid=sid(2)))
    with outage(path):
        fail_to_store(locking, claim)
        with pytest.raises(JournalUnavailable):
            locking.journal.claim(request_of(second.form), second, wait_s=0.01)

    assert isinstance(claim_message(locking, sid(2)), LockClaim)


def test_handler_does_not_run_on_a_full_disk(path: Path, locking: Program) -> None:
    """The first request finds out, as nothing is written before its handler runs; the next ones know."""
    source = """
    import resource
    from tests.journal.program import Program
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    program = Program(f"sqlite:///{sys.argv[1]}")
    program.text(sid="SM1")
    other = Program(f"sqlite:///{sys.argv[1]}")  # SQLite deletes the log with the last connection, which makes space
    other.engine.check()
    size = os.path.getsize(sys.argv[1] + "-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    statuses = [program.text(sid=f"SM{number}").status for number in range(2, 6)]
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    statuses.append(program.text(sid="SM6").status)
    print(json.dumps([statuses, program.ran]))
    """
    with script(source, path) as full:
        printed = full.finish()

    assert printed == '[[503, 503, 503, 503, 200], ["SM1", "SM2", "SM6"]]\n'
    assert rows(locking) == [("SM1", "done", "replied"), ("SM2", "failed", "not stored"), ("SM6", "done", "replied")]


def test_number_of_kept_answers_is_limited(locking: Program, path: Path) -> None:
    """An outage may last for hours, and memory must not run out."""
    claims = [claim_message(locking, sid(number)) for number in range(MAX_UNSAVED + 3)]
    with outage(path):
        for claim in claims:
            fail_to_store(locking, claim)
        assert locking.engine.store.count_in_flight() == MAX_UNSAVED
    locking.text(sid="SM")

    assert rows(locking)[1:] == [(sid(number), "failed", "not stored") for number in range(3, MAX_UNSAVED + 3)]
    assert locking.engine.store.count_in_flight() == 0


def test_kept_answers_are_stored_once_by_requests_that_end_together(
    locking: Program, path: Path, switching_often: None
) -> None:
    """After an outage many requests end at the same moment: if two freed the same slot, two others would share it."""
    kept = [claim_message(locking, sid(number)) for number in range(60)]
    ending = [claim_message(locking, sid(100 + number)) for number in range(8)]
    with outage(path):
        for claim in kept:
            fail_to_store(locking, claim)
    barrier, wrong = threading.Barrier(len(ending)), list[BaseException]()

    def finish(claim: Claim) -> None:
        try:
            barrier.wait(LIMIT_S)
            locking.journal.finish(claim, replied("yes"), wait_s=LIMIT_S)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=finish, args=(claim,)) for claim in ending]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    again = [claim_message(locking, sid(200 + number)) for number in range(80)]

    assert wrong == []
    assert len(rows(locking)) == 68
    assert len({claim.held.slot.number for claim in again if isinstance(claim, LockClaim)}) == len(again)


def test_forked_child_cannot_end_the_claim_of_its_parent(locking: Program) -> None:
    """The parent's handler still runs, and its answer is the one that is sent."""
    claim = claim_message(locking)
    child = os.fork()
    if child == 0:
        try:
            locking.journal.finish(claim, replied("from the child"), wait_s=LIMIT_S)
        except ClaimLost:
            os._exit(0)
        os._exit(1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    locking.journal.finish(claim, replied("from the parent"), wait_s=LIMIT_S)
    assert bodies(locking.text()) == ["from the parent"]


def test_exit_of_a_forked_child_leaves_the_request_of_its_parent_alone(locking: Program, path: Path) -> None:
    """A handler may fork a helper, which ends with sys.exit() in the middle of the handler."""
    other, meanwhile = Program(f"sqlite:///{path}", TWIML_WAIT_S=1), list[int]()

    def fork(_: object) -> None:
        child = os.fork()
        if child == 0:
            raise SystemExit
        os.waitpid(child, 0)
        meanwhile.extend([other.text().status, other.engine.store.count_in_flight()])

    locking.during = fork
    parent = os.getpid()
    try:
        answer = locking.text()
    finally:
        if os.getpid() != parent:
            os._exit(0)

    assert (bodies(answer), meanwhile, other.ran) == (["answer 1 to hello"], [503, 1], [])
    assert rows(locking) == [(SID, "done", "replied")]


def test_lock_is_released_when_the_trace_cannot_be_written(locking: Program) -> None:
    """The handler has not run, so the retry must be able to claim the event."""
    guards = locking.engine.guards()
    assert guards
    guards.worker.close()
    for _ in range(2):
        with pytest.raises(JournalUnavailable, match="cannot be written to"):
            claim_message(locking)


def test_event_that_cannot_be_locked_is_not_answered(locking: Program) -> None:
    """Without the lock another process might answer it too."""
    guards = locking.engine.guards()
    assert guards
    guards.events.close()

    with pytest.raises(JournalUnavailable, match="cannot be locked"):
        claim_message(locking)
