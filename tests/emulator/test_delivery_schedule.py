"""Scheduled delivery: a message with a SendAt leaves at that moment, and its validity starts then."""

from __future__ import annotations

from tests.emulator.network import START, Network


def test_scheduled_message_is_valid_from_the_moment_it_is_queued(network: Network) -> None:
    """The validity of a service is shorter than what may be scheduled."""
    sid = network.send(status="scheduled", send_at=START + 3600, validity_s=60)
    network.schedule.advance(3599)
    assert network.get(sid).status == "scheduled"
    network.schedule.advance(1)
    assert network.schedule.settle()

    assert network.left(sid) == 3600
    assert network.posted == [(3600, "queued"), (3600.2, "sent"), (3601.2, "delivered")]


def test_settling_leaves_what_is_scheduled(network: Network) -> None:
    """A reminder for tomorrow is not on its way."""
    sid = network.send(status="scheduled", send_at=START + 3600)
    assert network.schedule.settle()

    assert (network.get(sid).status, network.clock.now()) == ("scheduled", START)


def test_scheduled_message_without_a_moment_leaves_at_once(network: Network) -> None:
    """An older state may hold one."""
    sid = network.send(status="scheduled")
    network.schedule.advance(2)

    assert network.get(sid).status == "delivered"
