"""Send queues: one message per second from each long number, in the order of joining."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.program import NUMBER
from twiml_app.emulator.send_queues import SendQueues, is_limited

OTHER = "+15017122662"


@pytest.fixture
def queues() -> SendQueues:
    """Queues with nothing in them."""
    return SendQueues()


def test_first_message_may_leave_at_once(queues: SendQueues) -> None:
    """A number that has not sent anything yet has nothing to wait for."""
    assert queues.wait(NUMBER, 100.0) == 0.0
    assert queues.join(NUMBER, "SM1") == 0.0
    assert queues.first(NUMBER) == "SM1"


def test_queue_is_called_once_however_many_join(queues: SendQueues) -> None:
    """Two calls for the same queue would let two messages leave in one second."""
    joined = [queues.join(NUMBER, sid) for sid in ("SM1", "SM2", "SM3")]

    assert joined == [0.0, None, None]


def test_message_that_leaves_says_when_the_next_one_may(queues: SendQueues) -> None:
    """The next call is a second later, and none is needed once the queue is empty."""
    for sid in ("SM1", "SM2"):
        queues.join(NUMBER, sid)
    left = []
    for sid, moment in (("SM1", 100.0), ("SM2", 101.0)):
        queues.give_up(NUMBER, sid)
        left.append(queues.leave(NUMBER, moment))

    assert left == [101.0, None]
    assert queues.join(NUMBER, "SM3") == 102.0


def test_earlier_message_makes_nobody_leave_sooner(queues: SendQueues) -> None:
    """A restart reports messages that have left in any order."""
    for moment in (100.0, 90.0):
        queues.leave(NUMBER, moment)

    assert queues.join(NUMBER, "SM1") == 101.0


def test_wait_counts_the_second_that_runs_and_one_per_message(queues: SendQueues) -> None:
    """A sender is refused when one more message would wait for too long."""
    queues.leave(NUMBER, 100.0)
    waits = [queues.wait(NUMBER, 100.25)]
    for sid in ("SM1", "SM2"):
        queues.join(NUMBER, sid)
        waits.append(queues.wait(NUMBER, 100.25))
    waits.append(queues.wait(NUMBER, 200.0))

    assert waits == [0.75, 1.75, 2.75, 2.0]


def test_message_that_is_given_up_takes_no_time(queues: SendQueues) -> None:
    """A canceled message neither waits nor holds up the others."""
    for sid in ("SM1", "SM2"):
        queues.join(NUMBER, sid)
    queues.give_up(NUMBER, "SM1")

    assert (queues.first(NUMBER), queues.wait(NUMBER, 0.0)) == ("SM2", 1.0)


def test_message_that_is_not_in_the_queue_can_be_given_up(queues: SendQueues) -> None:
    """Whoever cancels a message need not know whether it has left."""
    queues.give_up(NUMBER, "SM1")

    assert queues.first(NUMBER) == ""


def test_queue_that_stopped_is_called_when_the_next_one_joins(queues: SendQueues) -> None:
    """After all of its messages were canceled, a queue must not stop for good."""
    queues.join(NUMBER, "SM1")
    queues.give_up(NUMBER, "SM1")
    queues.stand(NUMBER)

    assert queues.join(NUMBER, "SM2") == 0.0


def test_numbers_do_not_wait_for_each_other(queues: SendQueues) -> None:
    """The limit is one message per second per number."""
    queues.leave(NUMBER, 100.0)
    queues.join(NUMBER, "SM1")

    assert (queues.wait(OTHER, 100.0), queues.first(OTHER)) == (0.0, "")
    assert queues.join(OTHER, "SM2") == 0.0


def test_clear_forgets_messages_and_moments(queues: SendQueues) -> None:
    """After a reset the clock may be the same, and the queues are as at the start."""
    queues.leave(NUMBER, 100.0)
    queues.join(NUMBER, "SM1")
    queues.clear()

    assert (queues.first(NUMBER), queues.wait(NUMBER, 100.0)) == ("", 0.0)
    assert queues.join(NUMBER, "SM2") == 0.0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=40))
def test_messages_keep_the_order_in_which_they_joined(steps: list[tuple[bool, int]]) -> None:
    """Whoever joins and is given up in between: the first is always the one that has waited longest."""
    queues, waiting = SendQueues(), list[str]()
    for joins, n in steps:
        sid = f"SM{n}"
        if joins and sid not in waiting:
            queues.join(NUMBER, sid)
            waiting.append(sid)
        elif not joins:
            queues.give_up(NUMBER, sid)
            waiting = [each for each in waiting if each != sid]

        assert queues.first(NUMBER) == (waiting[0] if waiting else "")
        assert queues.wait(NUMBER, 0.0) == len(waiting)


@pytest.mark.parametrize(
    ("sender", "limited"),
    [
        pytest.param(NUMBER, True, id="long number"),
        pytest.param("+447700900123", True, id="long number of another country"),
        pytest.param("12345", False, id="short code"),
        pytest.param("ACME", False, id="name"),
        pytest.param(f"whatsapp:{NUMBER}", False, id="channel"),
    ],
)
def test_only_long_numbers_are_limited(sender: str, limited: bool) -> None:
    """Short codes, names and channels send as fast as they are asked to."""
    assert is_limited(sender) is limited
