"""Addresses: what Twilio takes as a recipient and as a sender, and which kind of sender it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.addresses import channel_of, contact_address, is_service, sender_address, sender_kind

SERVICE = "MG" + "1" * 32


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("+15005550001", "+15005550001", id="number"),
        pytest.param(" +1 (500) 555-0001 ", "+15005550001", id="punctuation"),
        pytest.param("whatsapp:+1 500 555 0001", "whatsapp:+15005550001", id="whatsapp"),
        pytest.param("messenger:1234567890", "messenger:1234567890", id="messenger"),
        pytest.param("rcs:brand_x1", "rcs:brand_x1", id="agent"),
        pytest.param("5005550001", "", id="without the country"),
        pytest.param("40404", "", id="short code"),
        pytest.param(SERVICE, "", id="service"),
        pytest.param("+0123456789", "", id="country 0"),
        pytest.param("+1234", "", id="too short"),
        pytest.param("Ada", "", id="name"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_address_of_a_person(text: str, address: str) -> None:
    """Opt-outs and searches compare addresses, so each has one spelling."""
    assert contact_address(text) == address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("+15005550001", "+15005550001", id="number"),
        pytest.param("40404", "40404", id="short code"),
        pytest.param(f" {SERVICE} ", SERVICE, id="service"),
        pytest.param("whatsapp:+15005550001", "whatsapp:+15005550001", id="whatsapp"),
        pytest.param("MG1", "", id="not a sid"),
        pytest.param("SHOP", "", id="name"),
    ],
)
def test_address_of_a_sender(text: str, address: str) -> None:
    """A sender may also be a short code or a service."""
    assert sender_address(text) == address


@pytest.mark.parametrize(
    ("sender", "kind"),
    [
        pytest.param("+15005550001", "long number", id="long number"),
        pytest.param("+18885550001", "toll-free number", id="toll-free number"),
        pytest.param("+188855500011", "long number", id="like toll-free, but longer"),
        pytest.param("40404", "short code", id="short code"),
        pytest.param("whatsapp:+18885550001", "whatsapp", id="whatsapp"),
        pytest.param("rcs:brand_x1", "channel", id="another channel"),
        pytest.param(SERVICE, "service", id="service"),
    ],
)
def test_kind_of_a_sender(sender: str, kind: str) -> None:
    """Twilio sends at another pace from each kind."""
    assert sender_kind(sender) == kind
    assert is_service(sender) == (kind == "service")


@pytest.mark.parametrize(
    ("address", "channel"),
    [
        pytest.param("+15005550001", "sms", id="number"),
        pytest.param("whatsapp:+15005550001", "whatsapp", id="whatsapp"),
    ],
)
def test_channel_of_an_address(address: str, channel: str) -> None:
    """Sender and recipient must be on the same channel."""
    assert channel_of(address) == channel


@given(st.text())
def test_reading_an_address_again_changes_nothing(text: str) -> None:
    """What was stored is found again."""
    for read in (contact_address, sender_address):
        assert read(read(text)) == read(text)
