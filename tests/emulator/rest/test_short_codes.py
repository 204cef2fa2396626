"""Short codes of an account, which come from a seed: list, fetch, and set their URLs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulator.rest.asking import NUMBER, PHONE, START, Client
from tests.emulator.rest.listening import listening
from twiml_app.emulator import ACCOUNT_SID, Emulator, EmulatorOptions

BASE = f"/2010-04-01/Accounts/{ACCOUNT_SID}/SMS/ShortCodes"
SID = "SC" + "a" * 32
SEED = {
    "numbers": [
        {"sid": "PN" + "a" * 32, "phone_number": "77000"},
        {"phone_number": "88000", "friendly_name": "news"},
        {"phone_number": NUMBER},
    ]
}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator with two short codes and a number."""
    with Emulator(EmulatorOptions(start=START, seed=SEED)) as running:
        yield running


def short_code_json(**changes: Any) -> dict[str, Any]:
    """Return the representation of the first short code."""
    date = "Tue, 14 Nov 2023 22:13:20 +0000"
    return {
        "sid": SID,
        "account_sid": ACCOUNT_SID,
        "friendly_name": "77000",
        "short_code": "77000",
        "date_created": date,
        "date_updated": date,
        "sms_url": None,
        "sms_method": "POST",
        "sms_fallback_url": None,
        "sms_fallback_method": "POST",
        "api_version": "2010-04-01",
        "uri": f"{BASE}/{SID}.json",
        **changes,
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["88000", "77000"]),
        ({"ShortCode": "770"}, ["77000"]),
        ({"ShortCode": "%"}, []),
        ({"FriendlyName": "news"}, ["88000"]),
        ({"PageSize": "1"}, ["88000"]),
    ],
    ids=str,
)
def test_short_codes_are_listed(query: dict[str, str], found: list[str], client: Client) -> None:
    """Numbers are not among them, and they are not among the numbers."""
    listed = client.get(f"{BASE}.json", query).json["short_codes"]
    numbers = client.get("IncomingPhoneNumbers.json").json["incoming_phone_numbers"]

    assert [each["short_code"] for each in listed] == found
    assert [each["phone_number"] for each in numbers] == [NUMBER]


def test_text_to_a_short_code_goes_to_its_new_url(emulator: Emulator, client: Client) -> None:
    """The official client sets it."""
    assert client.get(f"{BASE}/{SID}.json").json == short_code_json()
    with listening() as program:
        url = f"{program.url}/message"
        emulator.client().short_codes(SID).update(sms_url=url, friendly_name="orders")
        emulator.phone(PHONE, number="77000").text("hi")

    assert client.get(f"{BASE}/{SID}.json").json == short_code_json(sms_url=url, friendly_name="orders")
    assert [(path, form["Body"]) for path, form in program.posts] == [("/message", "hi")]


@pytest.mark.parametrize("sid", ["SC" + "9" * 32, "PN" + "a" * 32, "77000"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_short_code_is_not_found(method: str, sid: str, client: Client) -> None:
    """The path needs the sid of a short code."""
    assert client.request(method, f"{BASE}/{sid}.json").error == (404, 20404)


def test_short_codes_cannot_be_bought_or_deleted(client: Client) -> None:
    """Twilio leases them by contract."""
    assert client.post(f"{BASE}.json", {"ShortCode": "99000"}).status == 405
    assert client.request("DELETE", f"{BASE}/{SID}.json").status == 405
