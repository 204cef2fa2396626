"""Pending tasks: what is still to be done survives a restart."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from twiml_app.emulator.pending_tasks import PendingTasks
from twiml_app.emulator.resources import MessageRecord
from twiml_app.emulator.store import ResourceStore


def message(sid: str, body: str = "hello") -> MessageRecord:
    """Make a message."""
    return MessageRecord(
        sid=sid,
        account_sid="AC1",
        date_created=1.0,
        date_updated=1.0,
        to="+15558675310",
        from_="+15017122661",
        body=body,
        status="sent",
        direction="outbound-api",
    )


def test_task_that_is_removed_is_done() -> None:
    """Removing it again makes no difference."""
    with closing(ResourceStore()) as store:
        tasks = PendingTasks(store.database)
        number = tasks.add("post", message("SM1"))
        assert tasks.all(MessageRecord) == [(number, "post", message("SM1"))]
        for _ in range(2):
            tasks.remove(number)

        assert tasks.all(MessageRecord) == []


def test_task_keeps_the_resource_as_it_was(tmp_path: Path) -> None:
    """A status callback contains the status of its time, even if the message was changed or deleted since."""
    path = tmp_path / "state.db"
    with closing(ResourceStore(path)) as store:
        tasks = PendingTasks(store.database)
        numbers = [tasks.add(kind, message("SM1", body=kind)) for kind in ("first", "second", "third")]
        store.save(message("SM1", body="changed"))
        store.delete(MessageRecord, "SM1")
        tasks.remove(numbers[1])
    with closing(ResourceStore(path)) as store:
        tasks = PendingTasks(store.database)
        assert [(kind, each.body) for _, kind, each in tasks.all(MessageRecord)] == [
            ("first", "first"),
            ("third", "third"),
        ]
        assert tasks.add("fourth", message("SM2")) not in numbers
