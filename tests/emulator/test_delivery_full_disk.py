"""Delivery on a full disk: a step that fails is retried, and no status is lost or posted twice."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.network import SHORT_CODE, START, Network
from tests.emulator.program import NUMBER, SERVICE
from tests.servers import LIMIT_S
from twiml_app.emulator.clocks import RunningClock
from twiml_app.emulator.resources import ResourceT
from twiml_app.emulator.store import ResourceStore


class Failing(ResourceStore):
    """A store that fails at some of its saves, as with a full disk."""

    failures: frozenset[int] = frozenset()
    saved = 0

    def save(self, resource: ResourceT) -> ResourceT:
        """Save, or fail."""
        self.saved += 1
        if self.saved in self.failures:
            raise sqlite3.OperationalError("database or disk is full")
        return super().save(resource)


def settle_all(network: Network) -> int:
    """Settle until that succeeds; returns how often it failed."""
    failures = 0
    while True:
        try:
            assert network.schedule.settle()
        except sqlite3.OperationalError:
            failures += 1
        else:
            return failures


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        pytest.param({}, [0, 1, 2], id="number"),
        pytest.param({"from_": SHORT_CODE}, [0, 0, 0], id="short code"),
        pytest.param({"from_": "", "status": "accepted"}, [0, 1, 2], id="service"),
    ],
)
@given(failures=st.frozensets(st.integers(1, 12), max_size=6))
def test_message_arrives_even_if_the_store_fails_sometimes(
    fields: dict[str, Any], left: list[float], failures: frozenset[int]
) -> None:
    """A temporary failure must not block a number forever, and every status is posted exactly once."""
    store = Failing()
    network = Network(store=store)
    with closing(store):
        network.service(NUMBER)
        sids = [network.send(**fields, messaging_service_sid=SERVICE) for _ in range(3)]
        store.failures = frozenset(store.saved + n for n in failures)
        failed = settle_all(network)

        assert network.statuses == ["delivered"] * 3
        assert failed == sum(n <= store.saved for n in store.failures)
        posted = sorted(status for _, status in network.posted if status != "queued")
        assert posted == ["delivered"] * 3 + ["sent"] * 3
        assert sorted(network.sent_after(sid) or 0.0 for sid in sids) == left
        assert network.tasks == []


def test_order_of_a_queue_survives_a_failure_of_the_store() -> None:
    """The first message is retried before the others are sent."""
    store = Failing()
    network = Network(store=store)
    with closing(store):
        first, second = network.send(), network.send()
        store.failures = frozenset({store.saved + 1})
        with pytest.raises(sqlite3.OperationalError):
            network.schedule.advance(5)
        assert network.statuses == ["queued", "queued"]
        network.delivery.cancel(network.get(network.send()))
        assert network.schedule.settle()

        assert [network.sent_after(first), network.sent_after(second)] == [0, 1]


class Full(ResourceStore):
    """A store whose disk is full until the test makes room."""

    def __init__(self) -> None:
        super().__init__()
        self.has_room, self.has_failed = threading.Event(), threading.Event()
        self.has_room.set()

    def save(self, resource: ResourceT) -> ResourceT:
        """Save, or fail."""
        if not self.has_room.is_set():
            self.has_failed.set()
            raise sqlite3.OperationalError("database or disk is full")
        return super().save(resource)


def test_settle_returns_false_while_the_store_fails() -> None:
    """Otherwise a test would go on although its message is still queued."""
    store = Full()
    network = Network(store=store, clock=RunningClock(START, speed=1000.0))
    with closing(store):
        network.send()
        store.has_room.clear()
        network.schedule.start()
        assert store.has_failed.wait(LIMIT_S)
        assert not network.schedule.settle(0.0)
        assert network.statuses == ["queued"]
        store.has_room.set()
        assert network.schedule.settle(LIMIT_S)
        network.schedule.stop()

        assert network.statuses == ["delivered"]
