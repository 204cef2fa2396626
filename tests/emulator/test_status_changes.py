"""Status changes: a message is changed together with the tasks that follow, which survive a restart."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.network import Network
from twiml_app.emulator.delivery_steps import DeliverySteps
from twiml_app.emulator.pending_tasks import PendingTasks
from twiml_app.emulator.resources import MessageRecord
from twiml_app.emulator.status_changes import StatusChanges

QUEUED = frozenset({"queued"})


def make_changes(network: Network) -> StatusChanges:
    """Make status changes that post nothing."""
    steps = DeliverySteps(network.schedule, network.clock)
    return StatusChanges(network.context, network.schedule, steps, lambda _: None)


@pytest.mark.parametrize(
    ("fields", "status", "tasks"),
    [
        pytest.param({}, "sent", ["post"], id="posted status"),
        pytest.param({}, "sending", [], id="status that is not posted"),
        pytest.param({"status_url": ""}, "sent", [], id="no status callback"),
        pytest.param({"status_brief": True}, "delivered", ["read"], id="legacy resource"),
        pytest.param({}, "delivered", ["post", "read"], id="posted and read"),
    ],
)
def test_tasks_that_follow_are_stored_until_they_are_done(
    network: Network, fields: dict[str, Any], status: str, tasks: list[str]
) -> None:
    """After a kill, the next start continues with them."""
    network.phone(status="read")
    message = network.compose(**fields)
    changed = make_changes(network).change(message.sid, QUEUED, status=status)

    assert changed == network.get(message.sid)
    assert changed.status == status
    assert network.tasks == tasks
    assert network.schedule.settle()
    assert network.tasks == []


def test_message_with_another_status_is_not_changed(network: Network) -> None:
    """A message that was canceled must not be sent, and its status must not be posted."""
    message = network.compose(status="canceled")

    assert make_changes(network).change(message.sid, QUEUED, status="sent") is None
    assert (network.statuses, network.tasks) == (["canceled"], [])


def test_message_is_not_changed_if_its_tasks_cannot_be_stored(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the program would wait forever for a status."""

    def fail(*_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(PendingTasks, "add", fail)
    message = network.compose()
    with pytest.raises(sqlite3.OperationalError):
        make_changes(network).change(message.sid, QUEUED, status="sent")

    assert network.statuses == ["queued"]


@pytest.mark.parametrize("posted_before", [["sent"], ["sent", "delivered"]], ids=["sent", "sent and delivered"])
def test_phone_reads_messages_after_a_restart(tmp_path: Path, posted_before: list[str]) -> None:
    """If the emulator stops between delivered and read, a program would wait for read forever."""
    state = tmp_path / "state.db"
    before = Network(state=state)
    with closing(before.store):
        before.phone(status="read")
        before.send()
        before.send("12345", to="+15558675311")
        before.schedule.advance(1.1)
        before.schedule.advance(0.5)
        assert before.statuses == ["delivered", "delivered"]
    after = Network(state=state, now=before.clock.now())
    with closing(after.store):
        after.phone("+15558675311", status="read")
        after.delivery.resume()
        assert after.schedule.settle()

        assert after.statuses == ["read", "delivered"], (
            "the second message was delivered before its phone was set to read"
        )
        assert [status for _, status in after.posted] == ["read"]
        assert after.tasks == []


def test_pending_status_callbacks_are_posted_after_a_restart(tmp_path: Path) -> None:
    """Each is posted once, in order, with the status that the message had then."""
    state = tmp_path / "state.db"
    before = Network(state=state)
    with closing(before.store):
        for _ in range(2):
            before.delivery.fail(before.compose(), 30001)
        before.delivery.fail(before.compose(status_url=""), 30001)
        before.store.delete(MessageRecord, "SM2")
    for expected in ([(0, "failed")] * 2, []):
        after = Network(state=state)
        with closing(after.store):
            after.delivery.resume()
            assert after.schedule.settle()

            assert after.posted == expected


def test_status_callback_that_raises_is_not_retried_after_a_restart() -> None:
    """It would raise again at every start."""

    class Broken(Network):
        def _post(self, message: MessageRecord) -> None:
            raise LookupError(message.account_sid)

    network = Broken()
    with closing(network.store):
        network.delivery.fail(network.compose(), 30001)
        with pytest.raises(LookupError):
            network.schedule.settle()

        assert network.tasks == []
