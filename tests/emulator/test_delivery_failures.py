"""Delivery failures: reasons why a message cannot be sent, and their error codes."""

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
def test_message_that_waits_longer_than_its_validity_fails(
    profile: str, waits: int, status: str, error_code: int | None
) -> None:
    """A one-time code is useless after ten minutes."""
    network = Network(profile)
    with closing(network.store):
        for _ in range(waits):
            network.send()
        sid = network.send(validity_s=2)
        last = network.send()
        assert network.schedule.settle()

        assert (network.get(sid).status, network.get(sid).error_code) == (status, error_code)
        assert network.sent_after(last) == 3, "a message that is not sent takes no time"


@pytest.mark.parametrize(
    ("profile", "max_price", "status", "error_code"),
    [
        pytest.param("current", 0.001, "delivered", None, id="ignored today"),
        pytest.param("2014", 0.001, "failed", 30010, id="too expensive"),
        pytest.param("2014", 0.0075, "delivered", None, id="exactly the maximum"),
        pytest.param("2014", None, "delivered", None, id="no maximum"),
    ],
)
def test_message_above_its_max_price_fails_in_old_profiles(
    profile: str, max_price: float | None, status: str, error_code: int | None
) -> None:
    """As documented in 2015, the message is queued first, and then fails."""
    network = Network(profile)
    with closing(network.store):
        sid = network.send(max_price=max_price)
        assert network.schedule.settle()

        assert (network.get(sid).status, network.get(sid).error_code) == (status, error_code)
        assert [each for _, each in network.posted] == (["failed"] if status == "failed" else ["sent", "delivered"])


def test_queued_message_of_a_suspended_account_fails(network: Network) -> None:
    """The status of the account is checked when the message is sent."""
    first, second = network.send(), network.send()
    network.schedule.advance(0.5)
    network.save(replace(network.context.account(ACCOUNT), status="suspended"))
    assert network.schedule.settle()

    assert (network.get(first).status, network.get(first).error_code) == ("delivered", None)
    assert (network.get(second).status, network.get(second).error_code) == ("failed", 30002)


def test_message_of_a_deleted_account_fails(network: Network) -> None:
    """There is no account that it could be billed to."""
    network.store.delete(Account, ACCOUNT)
    sid = network.send()
    assert network.schedule.settle()

    assert (network.get(sid).status, network.get(sid).error_code) == ("failed", 30002)


@pytest.mark.parametrize(("takes", "status", "code"), [(True, "delivered", None), (False, "failed", 30011)])
def test_picture_fails_if_the_phone_accepts_no_media(
    network: Network, takes: bool, status: str, code: int | None
) -> None:
    """This is the case if the account does not replace media by links."""
    network.phone(takes_media=takes)
    sid = network.send(num_media=1)
    assert network.schedule.settle()

    assert (network.get(sid).status, network.get(sid).error_code) == (status, code)


def test_message_that_cannot_be_sent_at_all_fails(network: Network) -> None:
    """A reply after STOP is stored with its error code, and its status is posted."""
    message = network.compose()
    failed = network.delivery.fail(message, 21610)
    assert network.schedule.settle()

    assert (failed.status, failed.error_code, failed.price) == ("failed", 21610, None)
    assert network.posted == [(0, "failed")]
    network.store.delete(MessageRecord, message.sid)
    assert network.delivery.fail(message, 21610) == message
