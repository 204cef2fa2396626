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


def test_long_number_sends_one_a_second(network: Network) -> None:
    """What is beyond waits in the queue."""
    sids = [network.send() for _ in range(3)]
    others = [network.send(OTHER) for _ in range(2)]
    network.schedule.advance(1)
    assert network.statuses == ["sent", "sending", "queued", "sent", "sending"]
    assert network.schedule.settle()

    assert [network.left(sid) for sid in (*sids, *others)] == [0, 1, 2, 0, 1]


@pytest.mark.parametrize("sender", [SHORT_CODE, "ACME", "whatsapp:+15017122661"])
def test_other_senders_are_not_limited(network: Network, sender: str) -> None:
    """Short codes are why there is a limit to write about."""
    sids = [network.send(sender) for _ in range(5)]
    assert network.schedule.settle()

    assert [network.left(sid) for sid in sids] == [0, 0, 0, 0, 0]


ACTIONS = st.lists(
    st.one_of(
        st.sampled_from([NUMBER, OTHER, SHORT_CODE]),
        st.integers(1, 10).map(lambda quarters: quarters / 4),
        st.tuples(st.integers(0, 20)),
    ),
    max_size=40,
)


@given(ACTIONS)
def test_no_number_is_ever_faster_and_none_waits_for_nothing(actions: list[Any]) -> None:
    """Send, let time pass, cancel: each leaves in its turn, a second after the one before or at once."""
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
            assert (message.status, network.left(sid)) == ("delivered", expected)
            if message.from_ in free:
                free[message.from_] = expected + 1


def test_clients_at_the_same_time_get_different_seconds() -> None:
    """Eight threads of a program, all at once."""
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
    """A clock of a busy machine: everything happens later than it is due."""

    def __init__(self, start: float, delays: list[float]) -> None:
        super().__init__(start)
        self._delays = iter(delays)

    def move_to(self, moment: float) -> None:
        """Move on, and a little beyond."""
        super().move_to(moment + next(self._delays, 0.0))


@given(st.lists(st.floats(0, 100), max_size=30), st.integers(2, 6))
def test_busy_machine_makes_no_number_faster(delays: list[float], messages: int) -> None:
    """A hundred times as fast, a delay of ten milliseconds is a second: the next message left right behind."""
    network = Network(clock=LateClock(START, delays))
    with closing(network.store):
        sids = [network.send() for _ in range(messages)]
        assert network.schedule.settle()

        assert [network.left(sid) for sid in sids] == [*range(messages)]
        delivered = [network.get(sid).date_delivered or 0.0 for sid in sids]
        assert [round(moment - START, 6) for moment in delivered] == [n + 1.2 for n in range(messages)]


def test_queue_that_is_full_refuses() -> None:
    """21611, as soon as one more would wait for longer than the profile allows."""
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
    """Tell whether a sender is refused for its queue."""
    try:
        network.delivery.refuse_overflow(sender)
    except ApiError as refused:
        return refused.code == 21611
    return False


def test_what_is_canceled_makes_room_in_the_queue() -> None:
    """And the next one waits that much less."""
    network = Network(queue_s=2)
    with closing(network.store):
        network.send()
        sid = network.send()
        before = is_full(network, NUMBER)
        network.delivery.cancel(network.get(sid))

        assert (before, is_full(network, NUMBER)) == (True, False)


def test_queue_of_a_short_code_is_never_full() -> None:
    """It does not wait."""
    network = Network(queue_s=1)
    with closing(network.store):
        for _ in range(5):
            network.send(SHORT_CODE)
            network.send(NUMBER)

        assert (is_full(network, SHORT_CODE), is_full(network, NUMBER)) == (False, True)


def test_forgotten_lines_begin_anew(network: Network) -> None:
    """Reset: the first message of the next test does not wait for the last one."""
    for _ in range(5):
        network.send()
    network.schedule.clear()
    network.delivery.clear()
    sid = network.send()
    assert network.schedule.settle()

    assert network.left(sid) == 0
