"""Requests to create a message: the differences between the resources they are sent through."""

from __future__ import annotations

import pytest

from twiml_app.emulator.numbers import read_sender
from twiml_app.emulator.resources import API_2008
from twiml_app.emulator.rest.message_request import MessageApi

OLD_RESOURCES = [MessageApi(is_legacy=True), MessageApi(is_legacy=True, api_version=API_2008)]


@pytest.mark.parametrize("api", OLD_RESOURCES, ids=lambda api: str(api.api_version))
def test_old_resource_allows_160_units(api: MessageApi) -> None:
    """They are older than concatenated messages, which can have 1600."""
    assert (api.max_units, MessageApi().max_units) == (160, 1600)


@pytest.mark.parametrize("api", OLD_RESOURCES, ids=lambda api: str(api.api_version))
def test_old_resource_has_no_channels(api: MessageApi) -> None:
    """They are older than channels, so such an address counts as invalid."""
    address = read_sender("whatsapp:+15017122661")

    assert api.accept(address) is None
    assert MessageApi().accept(address) == address


@pytest.mark.parametrize("address", ["+15017122661", "77000", "ACME"])
@pytest.mark.parametrize("api", [MessageApi(), *OLD_RESOURCES], ids=["current", "2010", "2008"])
def test_other_addresses_are_accepted_by_every_resource(api: MessageApi, address: str) -> None:
    """Numbers, short codes and names can send through all of them."""
    assert api.accept(read_sender(address)) == read_sender(address)
