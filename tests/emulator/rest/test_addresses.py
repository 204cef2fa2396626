"""Addresses of an account: create, list, fetch, update, delete; and numbers that refer to one."""

from __future__ import annotations

import pytest

from tests.emulator.rest.asking import NUMBER, Client
from twiml_app.emulator import ACCOUNT_SID, Emulator

BASE = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
SID = f"AD{1:032}"
DATE = "Tue, 14 Nov 2023 22:13:20 +0000"
FORM = {
    "CustomerName": "Jenny",
    "Street": "4th",
    "City": "San Francisco",
    "Region": "CA",
    "PostalCode": "94019",
    "IsoCountry": "US",
}
ADDRESS = {
    "sid": SID,
    "account_sid": ACCOUNT_SID,
    "friendly_name": None,
    "customer_name": "Jenny",
    "street": "4th",
    "street_secondary": None,
    "city": "San Francisco",
    "region": "CA",
    "postal_code": "94019",
    "iso_country": "US",
    "emergency_enabled": False,
    "validated": False,
    "verified": False,
    "date_created": DATE,
    "date_updated": DATE,
    "uri": f"{BASE}/Addresses/{SID}.json",
}


def test_address_is_created_changed_and_deleted(emulator: Emulator, client: Client) -> None:
    """The country of an address stays."""
    created = client.post("Addresses.json", FORM)
    emulator.advance(60)
    changes = {"City": "Oakland", "FriendlyName": "office", "EmergencyEnabled": "true", "IsoCountry": "CA"}
    changed = client.post(f"Addresses/{SID}.json", changes).json

    assert (created.status, created.json) == (201, ADDRESS)
    assert changed == {
        **ADDRESS,
        "city": "Oakland",
        "friendly_name": "office",
        "emergency_enabled": True,
        "date_updated": "Tue, 14 Nov 2023 22:14:20 +0000",
    }
    assert client.get(f"Addresses/{SID}.json").json == changed
    assert client.request("DELETE", f"Addresses/{SID}.json").status == 204
    assert client.get(f"Addresses/{SID}.json").error == (404, 20404)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        *(({name: ""}, f"{name} is required.") for name in FORM),
        ({"Street": "x" * 257}, "street can have at most 256 characters."),
        ({"EmergencyEnabled": "perhaps"}, "EmergencyEnabled is 'perhaps': it must be true or false."),
    ],
    ids=str,
)
def test_invalid_address_is_refused(changes: dict[str, str], problem: str, client: Client) -> None:
    """The error names the parameter."""
    reply = client.post("Addresses.json", {**FORM, **changes})

    assert (reply.error, reply.json["message"]) == ((400, 20001), problem)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["Joe", "Jenny"]),
        ({"CustomerName": "Jenny"}, ["Jenny"]),
        ({"IsoCountry": "GB"}, ["Joe"]),
        ({"FriendlyName": "x"}, []),
    ],
    ids=str,
)
def test_addresses_are_listed(query: dict[str, str], found: list[str], client: Client) -> None:
    """Newest first."""
    client.post("Addresses.json", FORM)
    client.post("Addresses.json", {**FORM, "CustomerName": "Joe", "IsoCountry": "GB"})

    assert [each["customer_name"] for each in client.get("Addresses.json", query).json["addresses"]] == found


def test_number_refers_to_an_address(emulator: Emulator) -> None:
    """An address that a number refers to cannot be deleted."""
    twilio, client = emulator.client(), Client(emulator)
    address = twilio.addresses.create(
        customer_name="Jenny", street="4th", city="SF", region="CA", postal_code="94019", iso_country="US"
    )
    number = twilio.incoming_phone_numbers.create(phone_number=NUMBER, address_sid=address.sid)

    assert number.address_sid == address.sid
    assert [each.sid for each in address.dependent_phone_numbers.list()] == [number.sid]
    assert client.request("DELETE", f"Addresses/{address.sid}.json").error == (409, 20409)
    number.update(address_sid="")
    assert address.delete()


def test_address_of_another_account_is_not_found(client: Client) -> None:
    """A number cannot refer to it either."""
    child = client.post("/2010-04-01/Accounts.json").json["sid"]
    theirs = client.post(f"/2010-04-01/Accounts/{child}/Addresses.json", FORM).json["sid"]

    assert client.get(f"Addresses/{theirs}.json").error == (404, 20404)
    form = {"PhoneNumber": NUMBER, "AddressSid": theirs}
    assert client.post("IncomingPhoneNumbers.json", form).error == (400, 20001)
