"""Delivery failures: what keeps a message from being sent, and the error code of each case."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from tests.emulator.network import ACCOUNT, Network
from twiml_app.emulator.resources import Account, MessageRecord


@pytest.mark.parametrize(
    ("profile", "waits", "status", "error_code"),
    [
        pytest.param("current", 2, "delivered", None, id="in time"),
        pytest.param("current", 3, "failed", 30036, id="too late"),
        pytest.param("2014", 3, "failed", 30001, id="too late in 2014"),
    ],
)
def test_message_that_waits_longer_than_it_is_valid_fails(
    profile: str, waits: int, status: str, error_code: int | None
) -> None:
    """A one-time code of ten minutes ago helps nobody."""
    network = Network(profile)
    with closing(network.store):
        for _ in range(waits):
            network.send()
        sid = network.send(validity_s=2)
        last = network.send()
        assert network.schedule.settle()

        assert (network.get(sid).status, network.get(sid).error_code) == (status, error_code)
        assert network.left(last) == 3, "what does not leave takes no time"


@pytest.mark.parametrize(
    ("profile", "max_price", "status", "error_code"),
    [
        pytest.param("current", 0.001, "delivered", None, id="obsolete today"),
        pytest.param("2014", 0.001, "failed", 30010, id="too dear"),
        pytest.param("2014", 0.0075, "delivered", None, id="just so"),
        pytest.param("2014", None, "delivered", None, id="any price"),
    ],
)
def test_message_above_its_max_price_fails_where_that_counts(
    profile: str, max_price: float | None, status: str, error_code: int | None
) -> None:
    """The documents of 2015: it is queued, and then fails and is not sent."""
    network = Network(profile)
    with closing(network.store):
        sid = network.send(max_price=max_price)
        assert network.schedule.settle()

        assert (network.get(sid).status, network.get(sid).error_code) == (status, error_code)
        assert [each for _, each in network.posted] == (["failed"] if status == "failed" else ["sent", "delivered"])


def test_account_suspended_meanwhile_sends_nothing_more(network: Network) -> None:
    """What was queued before fails as well."""
    first, second = network.send(), network.send()
    network.schedule.advance(0.5)
    network.save(replace(network.context.account(ACCOUNT), status="suspended"))
    assert network.schedule.settle()

    assert (network.get(first).status, network.get(first).error_code) == ("delivered", None)
    assert (network.get(second).status, network.get(second).error_code) == ("failed", 30002)


def test_account_that_is_gone_sends_nothing(network: Network) -> None:
    """Nobody is left to pay."""
    network.store.delete(Account, ACCOUNT)
    sid = network.send()
    assert network.schedule.settle()

    assert (network.get(sid).status, network.get(sid).error_code) == ("failed", 30002)


@pytest.mark.parametrize(("takes", "status", "code"), [(True, "delivered", None), (False, "failed", 30011)])
def test_picture_for_a_phone_that_takes_none_fails(
    network: Network, takes: bool, status: str, code: int | None
) -> None:
    """Where the account wants no links instead, nothing can be sent."""
    network.phone(takes_media=takes)
    sid = network.send(num_media=1)
    assert network.schedule.settle()

    assert (network.get(sid).status, network.get(sid).error_code) == (status, code)


def test_message_that_cannot_be_sent_at_all_fails(network: Network) -> None:
    """A reply to somebody who sent STOP: it is there, with its reason, and its status is posted."""
    message = network.compose()
    failed = network.delivery.fail(message, 21610)
    assert network.schedule.settle()

    assert (failed.status, failed.error_code, failed.price) == ("failed", 21610, None)
    assert network.posted == [(0, "failed")]
    network.store.delete(MessageRecord, message.sid)
    assert network.delivery.fail(message, 21610) == message
