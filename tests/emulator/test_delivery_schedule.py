"""Scheduled delivery: a message with SendAt is sent at that time, and its validity starts then."""

from __future__ import annotations

from tests.emulator.network import START, Network


def test_validity_of_a_scheduled_message_starts_when_it_is_queued(network: Network) -> None:
    """A message may be scheduled further ahead than its validity."""
    sid = network.send(status="scheduled", send_at=START + 3600, validity_s=60)
    network.schedule.advance(3599)
    assert network.get(sid).status == "scheduled"
    network.schedule.advance(1)
    assert network.schedule.settle()

    assert network.sent_after(sid) == 3600
    assert network.posted == [(3600, "queued"), (3600.2, "sent"), (3601.2, "delivered")]


def test_settle_does_not_send_scheduled_messages(network: Network) -> None:
    """A reminder for tomorrow is not in transit yet."""
    sid = network.send(status="scheduled", send_at=START + 3600)
    assert network.schedule.settle()

    assert (network.get(sid).status, network.clock.now()) == ("scheduled", START)


def test_scheduled_message_without_a_date_is_sent_at_once(network: Network) -> None:
    """An older state may contain such a message."""
    sid = network.send(status="scheduled")
    network.schedule.advance(2)

    assert network.get(sid).status == "delivered"
