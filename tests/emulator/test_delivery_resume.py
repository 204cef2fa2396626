"""Delivery after a restart: messages, queues and status callbacks continue where the emulator stopped."""

from __future__ import annotations

from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.network import OTHER, SHORT_CODE, START, Network
from tests.emulator.program import NUMBER
from twiml_app.emulator.resources import MessageRecord, ResourceT
from twiml_app.emulator.store import Condition, ResourceStore

#: The fields of the message that is sent, and how many seconds later the emulator stops.
STATES: dict[str, tuple[dict[str, Any], float | None]] = {
    "scheduled": ({"status": "scheduled", "send_at": START + 5}, 1),
    "accepted": ({"status": "accepted", "from_": ""}, None),
    "queued": ({}, None),
    "sending": ({}, 0.1),
    "sent": ({}, 0.5),
    "delivered": ({}, 2),
}


@pytest.mark.parametrize("status", STATES)
def test_message_in_transit_continues_after_a_restart(tmp_path: Path, status: str) -> None:
    """A message that was sent before the stop must not be lost."""
    state = tmp_path / "state.db"
    before = Network(state=state)
    with closing(before.store):
        fields, seconds = STATES[status]
        before.send(**fields)
        if seconds is not None:
            before.schedule.advance(seconds)
        assert before.statuses == [status]
    after = Network(state=state, now=before.clock.now())
    with closing(after.store):
        after.delivery.resume()
        after.schedule.advance(10)

        assert after.statuses == ["delivered"]


def test_number_is_not_faster_after_a_restart(tmp_path: Path) -> None:
    """The next message waits a second after the last one before the stop."""
    state = tmp_path / "state.db"
    before = Network(state=state)
    with closing(before.store):
        for _ in range(3):
            before.send()
        before.send("", to=NUMBER, direction="inbound", status="received", date_sent=START + 0.5)
        before.schedule.advance(0.25)
    after = Network(state=state, now=START + 0.25)
    with closing(after.store):
        after.delivery.resume()
        assert after.schedule.settle()
        sent = [message.date_sent for message in after.store.find(MessageRecord, oldest_first=True)][:3]

        assert [later - earlier >= 1 for earlier, later in pairwise(each or 0.0 for each in sent)] == [True, True]


def test_message_that_is_begun_twice_is_sent_once(network: Network) -> None:
    """A resume also finds messages that were begun before the emulator was started."""
    sid = network.send()
    network.delivery.resume()
    assert network.schedule.settle()

    assert network.sent_after(sid) == 0
    assert network.posted == [(0.2, "sent"), (1.2, "delivered")]


class Counting(ResourceStore):
    """A store that counts the messages read from it."""

    read_messages = 0

    def find(self, kind: type[ResourceT], *conditions: Condition, **options: Any) -> list[ResourceT]:
        """Find, and count."""
        found = super().find(kind, *conditions, **options)
        self.read_messages += len(found) if kind is MessageRecord else 0
        return found


def test_restart_reads_only_unfinished_messages(tmp_path: Path) -> None:
    """A state may contain a year of messages, which must not all be loaded into memory."""
    store = Counting(tmp_path / "state.db")
    network = Network(store=store)
    with closing(store):
        for sender in (NUMBER, OTHER, SHORT_CODE) * 3:
            network.send(sender)
        assert network.schedule.settle()
        sid = network.send(OTHER)
        network.schedule.clear()
        network.delivery.clear()
        store.read_messages = 0
        network.delivery.resume()
        assert store.read_messages == 1
        assert network.schedule.settle()

        assert network.get(sid).status == "delivered"
