"""Senders of messaging services: which number of a service sends a message."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.emulator.network import OTHER, Network
from tests.emulator.program import CONTACT, NUMBER, SERVICE
from twiml_app.emulator import service_senders
from twiml_app.emulator.send_queues import SendQueues
from twiml_app.emulator.service_senders import ServiceSenders


def service_message(network: Network, to: str = CONTACT) -> str:
    """Send a message through the service."""
    return network.send("", to=to, status="accepted", messaging_service_sid=SERVICE)


def test_service_sends_from_the_number_with_the_shortest_queue(network: Network) -> None:
    """A service with several numbers can send faster."""
    network.service(NUMBER, OTHER)
    sids = [service_message(network, f"+1555867531{n}") for n in range(4)]
    assert network.schedule.settle()

    assert [network.get(sid).from_ for sid in sids] == [NUMBER, OTHER, NUMBER, OTHER]
    assert [network.sent_after(sid) for sid in sids] == [0, 0, 1, 1]


@pytest.mark.parametrize(("sticky", "senders"), [(True, [OTHER, OTHER]), (False, [OTHER, NUMBER])])
def test_service_uses_the_same_number_for_a_contact(network: Network, sticky: bool, senders: list[str]) -> None:
    """With a sticky sender, a conversation does not move to another number."""
    network.service(NUMBER, OTHER, sticky_sender=sticky)
    network.send(NUMBER, to="+15558675319")
    sids = [service_message(network)]
    network.schedule.advance(0)
    network.send(OTHER, to="+15558675319")
    network.schedule.advance(30)
    sids.append(service_message(network))
    assert network.schedule.settle()

    assert [network.get(sid).from_ for sid in sids] == senders


def test_service_uses_the_same_number_after_a_restart(tmp_path: Path) -> None:
    """This includes a number that replied to a message."""
    state = tmp_path / "state.db"
    before = Network(state=state)
    with closing(before.store):
        before.service(NUMBER, OTHER)
        before.send(OTHER, direction="outbound-reply", messaging_service_sid=SERVICE)
        assert before.schedule.settle()
    after = Network(state=state, now=before.clock.now() + 60)
    with closing(after.store):
        after.delivery.resume()
        sid = service_message(after)
        assert after.schedule.settle()
        assert after.get(sid).from_ == OTHER

        after.delivery.clear()
        sid = service_message(after)
        assert after.schedule.settle()
        assert after.get(sid).from_ == NUMBER


def test_service_does_not_use_a_number_that_was_removed(network: Network) -> None:
    """The number may belong to another account by now."""
    network.service(NUMBER)
    service_message(network)
    assert network.schedule.settle()
    network.service(OTHER)
    sid = service_message(network)
    assert network.schedule.settle()

    assert network.get(sid).from_ == OTHER


def test_service_without_numbers_still_delivers(network: Network) -> None:
    """Without a seed any sender is allowed, and no numbers have to be created."""
    network.service()
    sid = service_message(network)
    assert network.schedule.settle()

    assert (network.get(sid).status, network.get(sid).from_) == ("delivered", "")


def test_message_of_a_service_whose_queues_are_full_fails() -> None:
    """The number is chosen only after the message was accepted."""
    network = Network(queue_s=1)
    with closing(network.store):
        network.service(NUMBER)
        network.send()
        sid = network.send("", status="accepted", messaging_service_sid=SERVICE)
        network.schedule.advance(0)

        assert (network.get(sid).status, network.get(sid).error_code) == ("failed", 30001)


def test_only_the_latest_pairs_are_remembered(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """An emulator that runs for weeks must not grow with every contact."""
    monkeypatch.setattr(service_senders, "MAX_PAIRS", 2)
    network.service(NUMBER, OTHER)
    senders = ServiceSenders(network.context, SendQueues())
    contacts = [f"+1555867531{n}" for n in range(3)]
    messages = [network.compose("", to=contact, messaging_service_sid=SERVICE) for contact in contacts]
    for message in (*messages[:2], messages[0], messages[2]):
        senders.record(message, OTHER)

    assert [senders.pick(message) for message in messages] == [OTHER, NUMBER, OTHER]
