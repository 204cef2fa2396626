"""Send queues: one message per second from each long number, in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.program import NUMBER
from twiml_app.emulator.send_queues import MAX_QUEUES, SendQueues, is_limited

OTHER = "+15017122662"


@pytest.fixture
def queues() -> SendQueues:
    """Empty queues."""
    return SendQueues()


def test_first_message_is_sent_at_once(queues: SendQueues) -> None:
    """A number that has not sent anything yet does not have to wait."""
    assert queues.wait(NUMBER, 100.0) == 0.0
    assert queues.enqueue(NUMBER, "SM1") == 0.0
    assert queues.first(NUMBER) == "SM1"


def test_only_the_first_message_of_a_queue_is_scheduled(queues: SendQueues) -> None:
    """Otherwise two messages could be sent in the same second."""
    scheduled = [queues.enqueue(NUMBER, sid) for sid in ("SM1", "SM2", "SM3")]

    assert scheduled == [0.0, None, None]


def test_next_message_is_sent_a_second_later(queues: SendQueues) -> None:
    """Nothing is scheduled once the queue is empty."""
    for sid in ("SM1", "SM2"):
        queues.enqueue(NUMBER, sid)
    times = []
    for sid, moment in (("SM1", 100.0), ("SM2", 101.0)):
        queues.remove(NUMBER, sid)
        times.append(queues.record_send(NUMBER, moment))

    assert times == [101.0, None]
    assert queues.enqueue(NUMBER, "SM3") == 102.0


def test_record_of_an_earlier_message_does_not_shorten_the_wait(queues: SendQueues) -> None:
    """A restart may record sent messages in any order."""
    for moment in (100.0, 90.0):
        queues.record_send(NUMBER, moment)

    assert queues.enqueue(NUMBER, "SM1") == 101.0


def test_wait_is_the_rest_of_the_second_and_one_second_per_message(queues: SendQueues) -> None:
    """A sender is refused when one more message would wait for too long."""
    queues.record_send(NUMBER, 100.0)
    waits = [queues.wait(NUMBER, 100.25)]
    for sid in ("SM1", "SM2"):
        queues.enqueue(NUMBER, sid)
        waits.append(queues.wait(NUMBER, 100.25))
    waits.append(queues.wait(NUMBER, 200.0))

    assert waits == [0.75, 1.75, 2.75, 2.0]


def test_removed_message_takes_no_time(queues: SendQueues) -> None:
    """A canceled message must not delay the others."""
    for sid in ("SM1", "SM2"):
        queues.enqueue(NUMBER, sid)
    queues.remove(NUMBER, "SM1")

    assert (queues.first(NUMBER), queues.wait(NUMBER, 0.0)) == ("SM2", 1.0)


def test_removing_a_message_that_is_not_in_the_queue_is_allowed(queues: SendQueues) -> None:
    """The caller need not know whether the message was sent already."""
    queues.remove(NUMBER, "SM1")

    assert queues.first(NUMBER) == ""


def test_idle_queue_becomes_active_with_the_next_message(queues: SendQueues) -> None:
    """A queue must not stop forever after all of its messages were canceled."""
    queues.enqueue(NUMBER, "SM1")
    queues.remove(NUMBER, "SM1")
    queues.mark_idle(NUMBER)

    assert queues.enqueue(NUMBER, "SM2") == 0.0


def test_numbers_do_not_wait_for_each_other(queues: SendQueues) -> None:
    """The limit is one message per second per number."""
    queues.record_send(NUMBER, 100.0)
    queues.enqueue(NUMBER, "SM1")

    assert (queues.wait(OTHER, 100.0), queues.first(OTHER)) == (0.0, "")
    assert queues.enqueue(OTHER, "SM2") == 0.0


def test_clear_forgets_messages_and_moments(queues: SendQueues) -> None:
    """After a reset the time may be the same, but the queues must be empty."""
    queues.record_send(NUMBER, 100.0)
    queues.enqueue(NUMBER, "SM1")
    queues.clear()

    assert (queues.first(NUMBER), queues.wait(NUMBER, 100.0)) == ("", 0.0)
    assert queues.enqueue(NUMBER, "SM2") == 0.0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=40))
def test_messages_stay_in_order(steps: list[tuple[bool, int]]) -> None:
    """Whatever is added and removed, the first message is always the one that has waited longest."""
    queues, waiting = SendQueues(), list[str]()
    for is_added, n in steps:
        sid = f"SM{n}"
        if is_added and sid not in waiting:
            queues.enqueue(NUMBER, sid)
            waiting.append(sid)
        elif not is_added:
            queues.remove(NUMBER, sid)
            waiting = [each for each in waiting if each != sid]

        assert queues.first(NUMBER) == (waiting[0] if waiting else "")
        assert queues.wait(NUMBER, 0.0) == len(waiting)


def test_question_about_a_sender_creates_no_queue(queues: SendQueues) -> None:
    """Clients may ask about any number of senders."""
    queues.wait(NUMBER, 100.0)
    queues.first(NUMBER)
    queues.remove(NUMBER, "SM1")
    queues.mark_idle(NUMBER)

    assert len(queues) == 0


def test_idle_queues_are_deleted_when_there_are_many(queues: SendQueues) -> None:
    """An emulator that runs for weeks must not grow with every sender."""
    for n in range(MAX_QUEUES + 1):
        queues.record_send(f"+1{n:010}", 0.0)
    queues.enqueue(NUMBER, "SM1")
    queues.record_send(NUMBER, 0.0)
    queues.record_send(OTHER, 30.0)
    assert len(queues) == MAX_QUEUES + 3
    queues.record_send(OTHER, 90.0)

    assert len(queues) == 2
    assert (queues.first(NUMBER), queues.wait(OTHER, 90.0)) == ("SM1", 1.0)


@pytest.mark.parametrize(
    ("sender", "limited"),
    [
        pytest.param(NUMBER, True, id="long number"),
        pytest.param("+447700900123", True, id="foreign long number"),
        pytest.param("12345", False, id="short code"),
        pytest.param("ACME", False, id="name"),
        pytest.param(f"whatsapp:{NUMBER}", False, id="channel"),
    ],
)
def test_only_long_numbers_are_limited(sender: str, limited: bool) -> None:
    """Short codes, names and channels can send at any rate."""
    assert is_limited(sender) is limited
