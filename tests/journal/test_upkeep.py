"""Retention: the application deletes expired rows."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from tests.journal.other_process import kill_while_handling, wait_until
from tests.journal.program import Clock, Program, query
from tests.servers import LIMIT_S
from tests.webhook_requests import SID, webhook
from twiml_app.caller.forms import inbound_form
from twiml_app.journal.archive import Filter
from twiml_app.journal.engine import Engine
from twiml_app.journal.locks import QueueLock
from twiml_app.journal.migrations import set_meta
from twiml_app.journal.sqlite import SqliteStore
from twiml_app.journal.upkeep import BATCH, INTERVAL_S, Upkeep, sweep
from twiml_app.recordings.format import Exchange
from twiml_app.webhook import WebhookResponse


def test_application_deletes_old_exchanges(database_url: str) -> None:
    """A cron job would be forgotten."""
    clock = Clock()
    program = Program(database_url, clock, TWIML_RETENTION_DAYS=2)
    program.text()
    program.status("delivered")
    clock.now += 3 * 86400
    program.text(sid="SM2")

    assert [each.sid for each in program.archive.all(Filter())] == ["SM2"]
    assert program.ledger.get(SID) is None


def test_backlog_is_deleted_in_batches_a_second_apart(database_url: str) -> None:
    """A long delete would block every request that waits for the writer."""
    clock = Clock()
    program = Program(database_url, clock)
    program.archive.add([recorded(number) for number in range(BATCH + 50)], keep_until=clock.now)

    counts = []
    for place, seconds in enumerate((INTERVAL_S, 0.5, 0.5)):
        clock.now += seconds
        program.text(sid=f"SM{place}")
        counts.append(program.archive.overview().exchanges)

    assert counts == [50 + 1, 50 + 2, 3]


def test_nothing_is_deleted_right_after_the_start(database_url: str) -> None:
    """Many workers start at the same time: they answer first, and delete a minute later."""
    clock = Clock()
    program = Program(database_url, clock)
    program.archive.add([recorded(1)], keep_until=clock.now - 1)
    clock.now += INTERVAL_S - 1
    program.text()

    assert program.archive.overview().exchanges == 2


def test_rows_of_each_table_are_deleted(program: Program) -> None:
    """Refusals and ledger entries hold personal data too."""
    program.text()
    program.status("delivered")
    program.receiver.handle(webhook(headers={"authorization": "Basic d3Jvbmc6d3Jvbmc="}))

    deleted = program.engine.run(lambda execute: sweep(execute, time.time() + 10_000 * 86400))

    assert deleted == 2
    assert (program.archive.overview().exchanges, program.ledger.get(SID), program.archive.refusals(9)) == (0, None, [])


def test_outage_only_postpones_the_deletion(tmp_path: Path) -> None:
    """A request must not fail because of a deletion that any later request can do."""
    (tmp_path / "folder").touch()
    clock = Clock()
    program = Program(f"sqlite:///{tmp_path}/folder/twiml.db", clock)
    upkeep = Upkeep(program.engine, clock)
    clock.now += INTERVAL_S
    upkeep.run_if_due()

    (tmp_path / "folder").unlink()
    program.archive.add([recorded(1)], keep_until=clock.now)
    clock.now += INTERVAL_S
    upkeep.run_if_due()

    assert program.archive.overview().exchanges == 0


def test_requests_of_killed_processes_are_collected_at_once_and_then_each_minute(database_url: str) -> None:
    """After a crash somebody looks at the journal soon, and a worker may be killed at any time."""
    clock, counts = Clock(), list[int]()
    clock.now = time.time()
    program = Program(database_url, clock)
    for number, seconds in enumerate((0, INTERVAL_S - 1, 1)):
        kill_while_handling(database_url, f"SM1{number}")
        clock.now += seconds
        program.text(sid=f"SM2{number}")
        counts.append(program.archive.overview().killed)

    assert counts == [1, 1, 3]


def test_upkeep_of_one_thread_holds_up_no_other(tmp_path: Path) -> None:
    """A second thread that finds it running goes on with its request."""
    clock = Clock()
    program = Program(f"sqlite:///{tmp_path}/twiml.db", clock)
    program.engine.check()
    upkeep, held = Upkeep(program.engine, clock), QueueLock(tmp_path / "twiml.db-queue")
    clock.now += INTERVAL_S
    held.acquire(LIMIT_S)
    thread = threading.Thread(target=upkeep.run_if_due)
    thread.start()
    wait_until(lambda: upkeep._lock.locked() or not thread.is_alive())
    upkeep.run_if_due()
    held.close()
    thread.join(LIMIT_S)

    assert not upkeep._lock.locked()


def test_request_does_not_wait_long_until_erased_texts_can_be_removed(tmp_path: Path) -> None:
    """Another process may hold the journal, and Twilio waits 15 seconds for everything together."""
    limits: list[float] = []

    class Recording(SqliteStore):
        def forget(self, limit_s: float) -> bool:
            limits.append(limit_s)
            return super().forget(limit_s)

    clock = Clock()
    engine = Engine(lambda: Recording(tmp_path / "twiml.db", durable=True))
    upkeep = Upkeep(engine, clock)
    engine.run(lambda execute: set_meta(execute, "forget", "due"))
    clock.now += INTERVAL_S
    upkeep.run_if_due()

    assert limits == [1.0]
    assert query(engine, "SELECT name FROM meta WHERE name = 'forget'") == []


def recorded(number: int) -> Exchange:
    """Return an exchange to import."""
    return Exchange(
        received_at=1.0,
        kind="message",
        endpoint="message",
        method="POST",
        url="https://sms.example.com/message",
        form=inbound_form("hello", message_sid=f"SM{number:032}"),
        answer=WebhookResponse(status=200),
    )
