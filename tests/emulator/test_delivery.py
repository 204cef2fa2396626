"""Delivery: the statuses of a message, and which of them are posted."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from tests.emulator.network import OTHER, START, Network
from twiml_app.emulator.resources import MessageRecord


def test_message_moves_from_queued_to_delivered(network: Network) -> None:
    """All statuses with their dates, and the price."""
    sid = network.send()
    seen = [network.get(sid).status]
    for _ in range(14):
        network.schedule.advance(0.1)
        seen.append(network.get(sid).status)
    message = network.get(sid)

    assert list(dict.fromkeys(seen)) == ["queued", "sending", "sent", "delivered"]
    assert (message.date_sent, message.date_delivered, message.price) == (START + 0.2, START + 1.2, -0.0075)
    assert network.posted == [(0.2, "sent"), (1.2, "delivered")]


@pytest.mark.parametrize(
    ("phone_settings", "posted", "error_code"),
    [
        pytest.param({"status": "delivered"}, ["sent", "delivered"], None, id="delivered"),
        pytest.param({"status": "sent"}, ["sent"], None, id="sent, without a delivery receipt"),
        pytest.param({"status": "read"}, ["sent", "delivered", "read"], None, id="read"),
        pytest.param({"status": "undelivered"}, ["sent", "undelivered"], 30003, id="undelivered"),
        pytest.param(
            {"status": "undelivered", "error_code": 30005}, ["sent", "undelivered"], 30005, id="undelivered with a code"
        ),
        pytest.param({"status": "failed"}, ["failed"], 30008, id="failed"),
        pytest.param({"status": "failed", "error_code": 30007}, ["failed"], 30007, id="failed with a code"),
    ],
)
def test_message_ends_with_the_delivery_outcome_of_its_phone(
    network: Network, phone_settings: dict[str, Any], posted: list[str], error_code: int | None
) -> None:
    """Tests must be able to reach every branch of a program that depends on MessageStatus."""
    network.phone(**phone_settings)
    sid = network.send()
    assert network.schedule.settle()
    message = network.get(sid)

    assert [status for _, status in network.posted] == posted
    assert (message.status, message.error_code) == (posted[-1], error_code)
    assert (message.price is None) is (posted == ["failed"])


def test_delivery_outcome_may_change_in_transit(network: Network) -> None:
    """A message that was sent can no longer fail, so it stays sent."""
    sid = network.send()
    network.schedule.advance(0.5)
    network.phone(status="failed")
    assert network.schedule.settle()

    assert network.get(sid).status == "sent"


@pytest.mark.parametrize(
    ("profile", "fields", "posted"),
    [
        pytest.param("current", {}, ["queued", "sent", "delivered"], id="today"),
        pytest.param("2014", {}, ["sent", "delivered"], id="2014"),
        pytest.param("2008", {}, ["sent", "delivered"], id="2008"),
        pytest.param("current", {"status_brief": True}, ["sent"], id="legacy resources"),
        pytest.param("current", {"status_url": ""}, [], id="without a status callback"),
    ],
)
def test_statuses_are_posted_as_documented_for_the_profile(
    profile: str, fields: dict[str, Any], posted: list[str]
) -> None:
    """The initial status and ``sending`` are never posted."""
    network = Network(profile)
    with closing(network.store):
        network.send(from_="", status="accepted", **fields)
        assert network.schedule.settle()

        assert [status for _, status in network.posted] == posted


def test_price_depends_on_the_number_of_segments(network: Network) -> None:
    """Twilio bills every segment."""
    sid = network.send(num_segments=3)
    assert network.schedule.settle()

    assert network.get(sid).price == -0.0225


@pytest.mark.parametrize(
    ("fields", "advance", "is_canceled"),
    [
        pytest.param({"status": "scheduled", "send_at": START + 3600}, 60, True, id="scheduled"),
        pytest.param({"status": "accepted", "from_": ""}, None, True, id="accepted"),
        pytest.param({}, None, True, id="queued"),
        pytest.param({}, 0.1, False, id="sending"),
        pytest.param({}, 0.5, False, id="sent"),
        pytest.param({}, 5, False, id="delivered"),
    ],
)
def test_only_a_message_that_was_not_sent_can_be_canceled(
    network: Network, fields: dict[str, Any], advance: float | None, is_canceled: bool
) -> None:
    """A message that the carrier has accepted cannot be called back."""
    sid = network.send(**fields)
    if advance is not None:
        network.schedule.advance(advance)
    canceled = network.delivery.cancel(network.get(sid))
    network.schedule.advance(7200)

    assert (canceled is not None) is is_canceled
    assert network.get(sid).status == ("canceled" if is_canceled else "delivered")
    assert [status for _, status in network.posted] == (["canceled"] if is_canceled else ["sent", "delivered"])


@pytest.mark.parametrize(
    ("fields", "advance"),
    [
        pytest.param({"status": "scheduled", "send_at": START + 60}, 0, id="scheduled"),
        pytest.param({}, None, id="queued"),
        pytest.param({}, 0.1, id="sending"),
        pytest.param({}, 0.5, id="sent"),
        pytest.param({"to": "+15558675311"}, 1.5, id="delivered"),
    ],
)
def test_message_that_is_deleted_in_transit_stays_deleted(
    network: Network, fields: dict[str, Any], advance: float | None
) -> None:
    """Its deletion must not affect the messages after it."""
    network.phone("+15558675311", status="read")
    sid = network.send(**fields)
    if advance is not None:
        network.schedule.advance(advance)
    assert network.store.delete(MessageRecord, sid)
    other = network.send(OTHER)
    network.schedule.advance(120)

    assert network.store.get(MessageRecord, sid) is None
    assert network.get(other).status == "delivered"


def test_message_that_is_canceled_at_the_last_moment_is_not_sent(network: Network) -> None:
    """The status is checked again when it is the message's reply."""
    first, second = network.send(), network.send()
    network.save(replace(network.get(first), status="canceled"))
    network.schedule.advance(0.1)
    network.save(replace(network.get(second), status="canceled"))
    assert network.schedule.settle()

    assert network.statuses == ["canceled", "canceled"]
    assert network.posted == []
