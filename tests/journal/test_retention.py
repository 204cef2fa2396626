"""Retention: the application deletes expired rows."""

from __future__ import annotations

import time
from pathlib import Path

from tests.journal.program import Clock, Program
from tests.webhook_requests import SID, webhook
from twiml_app.caller.forms import inbound_form
from twiml_app.journal.archive import Filter
from twiml_app.journal.retention import BATCH, INTERVAL_S, Retention, sweep
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
    retention = Retention(program.engine, clock)
    clock.now += INTERVAL_S
    retention.sweep_sometimes()

    (tmp_path / "folder").unlink()
    program.archive.add([recorded(1)], keep_until=clock.now)
    clock.now += INTERVAL_S
    retention.sweep_sometimes()

    assert program.archive.overview().exchanges == 0


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
