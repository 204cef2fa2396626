"""Delivery rates: a long number sends one message per second, and its queue has a limit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.network import OTHER, SHORT_CODE, START, Network
from tests.emulator.program import CONTACT, NUMBER, emulator
from twiml_app.emulator.clocks import SteppedClock
from twiml_app.errors import ApiError


def test_long_number_sends_one_message_per_second(network: Network) -> None:
    """Further messages wait in the queue of their number."""
    sids = [network.send() for _ in range(3)]
    others = [network.send(OTHER) for _ in range(2)]
    network.schedule.advance(1)
    assert network.statuses == ["sent", "sending", "queued", "sent", "sending"]
    assert network.schedule.settle()

    assert [network.sent_after(sid) for sid in (*sids, *others)] == [0, 1, 2, 0, 1]


@pytest.mark.parametrize("sender", [SHORT_CODE, "ACME", "whatsapp:+15017122661"])
def test_other_senders_are_not_limited(network: Network, sender: str) -> None:
    """Twilio limits only long numbers."""
    sids = [network.send(sender) for _ in range(5)]
    assert network.schedule.settle()

    assert [network.sent_after(sid) for sid in sids] == [0, 0, 0, 0, 0]


ACTIONS = st.lists(
    st.one_of(
        st.sampled_from([NUMBER, OTHER, SHORT_CODE]),
        st.integers(1, 10).map(lambda quarters: quarters / 4),
        st.tuples(st.integers(0, 20)),
    ),
    max_size=40,
)


@given(ACTIONS)
def test_number_is_never_faster_than_its_limit_and_never_waits_longer(actions: list[Any]) -> None:
    """In any sequence of actions, a message is sent at once or a second after the one before."""
    network, made = Network(), list[tuple[str, float]]()
    with closing(network.store):
        for action in actions:
            if isinstance(action, str):
                made.append((network.send(action), network.clock.now() - START))
            elif isinstance(action, float):
                network.schedule.advance(action)
            elif made:
                network.delivery.cancel(network.get(made[action[0] % len(made)][0]))
        assert network.schedule.settle()

        free = {NUMBER: 0.0, OTHER: 0.0}
        for sid, created in made:
            message = network.get(sid)
            if message.status == "canceled":
                assert message.date_sent is None
                continue
            expected = max(created, free.get(message.from_, 0.0))
            assert (message.status, network.sent_after(sid)) == ("delivered", expected)
            if message.from_ in free:
                free[message.from_] = expected + 1


def test_messages_of_concurrent_clients_are_sent_in_different_seconds() -> None:
    """A program may send from several threads."""
    with emulator() as twilio:
        twilio.add_number(NUMBER)

        def create(n: int) -> None:
            twilio.client().messages.create(to=CONTACT, from_=NUMBER, body=str(n))

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(create, range(32)))
        assert twilio.settle()
        sent = sorted(message.date_sent or 0.0 for message in twilio.outbox)

        assert len(sent) == 32
        assert [round(later - earlier, 3) for earlier, later in pairwise(sent)] == [1.0] * 31


class LateClock(SteppedClock):
    """The clock of a busy machine, where everything runs late."""

    def __init__(self, start: float, delays: list[float]) -> None:
        super().__init__(start)
        self._delays = iter(delays)

    def move_to(self, moment: float) -> None:
        """Move past the given time."""
        super().move_to(moment + next(self._delays, 0.0))


@given(st.lists(st.floats(0, 100), max_size=30), st.integers(2, 6))
def test_number_is_not_faster_on_a_busy_machine(delays: list[float], messages: int) -> None:
    """With the fast clock, ten milliseconds are a second, so two messages could be sent together after a delay."""
    network = Network(clock=LateClock(START, delays))
    with closing(network.store):
        sids = [network.send() for _ in range(messages)]
        assert network.schedule.settle()

        assert [network.sent_after(sid) for sid in sids] == [*range(messages)]
        delivered = [network.get(sid).date_delivered or 0.0 for sid in sids]
        assert [round(moment - START, 6) for moment in delivered] == [n + 1.2 for n in range(messages)]


def test_full_queue_refuses_messages() -> None:
    """The error is 21611 once another message would wait for longer than the profile allows."""
    network = Network(queue_s=3)
    with closing(network.store):
        for _ in range(3):
            network.delivery.refuse_overflow(NUMBER)
            network.send()
        with pytest.raises(ApiError, match="exceeded the maximum number of queued messages") as refused:
            network.delivery.refuse_overflow(NUMBER)
        assert refused.value.code == 21611
        network.delivery.refuse_overflow(OTHER)

        network.schedule.advance(1)
        network.delivery.refuse_overflow(NUMBER)


def is_full(network: Network, sender: str) -> bool:
    """Return whether the queue of a sender is full."""
    try:
        network.delivery.refuse_overflow(sender)
    except ApiError as refused:
        return refused.code == 21611
    return False


def test_canceled_message_makes_room_in_the_queue() -> None:
    """Only messages that will be sent count."""
    network = Network(queue_s=2)
    with closing(network.store):
        network.send()
        sid = network.send()
        before = is_full(network, NUMBER)
        network.delivery.cancel(network.get(sid))

        assert (before, is_full(network, NUMBER)) == (True, False)


def test_queue_of_a_short_code_is_never_full() -> None:
    """Messages from a short code do not wait."""
    network = Network(queue_s=1)
    with closing(network.store):
        for _ in range(5):
            network.send(SHORT_CODE)
            network.send(NUMBER)

        assert (is_full(network, SHORT_CODE), is_full(network, NUMBER)) == (False, True)


def test_queues_are_empty_after_a_clear(network: Network) -> None:
    """The first message of the next test must not wait for those of the last one."""
    for _ in range(5):
        network.send()
    network.schedule.clear()
    network.delivery.clear()
    sid = network.send()
    assert network.schedule.settle()

    assert network.sent_after(sid) == 0
