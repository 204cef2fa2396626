"""Numbers in a messaging service: list, add, fetch, remove."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulator.rest.asking import NUMBER, START, Client
from tests.emulator.rest.counting import counted_sids
from twiml_app.emulator import ACCOUNT_SID, Emulator, EmulatorOptions

SID = f"MG{1:032}"
PATH = f"/v1/Services/{SID}"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator with two numbers, PN…1 and PN…2."""
    with Emulator(EmulatorOptions(start=START), new_sid=counted_sids()) as running:
        running.add_number(NUMBER)
        running.add_number("+447700900001", mms=False)
        yield running


@pytest.fixture
def service(client: Client) -> str:
    """The path of a new service."""
    client.post("/v1/Services", {"FriendlyName": "News"})
    return PATH


def number_json(base: str, n: int, number: str, country: str | None, capabilities: list[str]) -> dict[str, Any]:
    """Return the representation of a number in the service."""
    return {
        "sid": f"PN{n:032}",
        "account_sid": ACCOUNT_SID,
        "service_sid": SID,
        "phone_number": number,
        "country_code": country,
        "capabilities": capabilities,
        "date_created": "2023-11-14T22:13:20Z",
        "date_updated": "2023-11-14T22:13:20Z",
        "url": f"{base}{PATH}/PhoneNumbers/PN{n:032}",
    }


def test_number_is_added_to_a_service(emulator: Emulator, client: Client, service: str) -> None:
    """The update date of the service changes too."""
    emulator.advance(60)
    reply = client.post(f"{service}/PhoneNumbers", {"PhoneNumberSid": f"PN{1:032}"})
    expected = number_json(emulator.url, 1, NUMBER, "US", ["SMS", "MMS"])

    assert (reply.status, reply.json) == (201, expected)
    assert client.get(f"{service}/PhoneNumbers/PN{1:032}").json == expected
    assert client.get(service).json["date_updated"] == "2023-11-14T22:14:20Z"


def test_numbers_of_a_service_are_paged(emulator: Emulator, client: Client, service: str) -> None:
    """A service can have hundreds of numbers."""
    for n in (1, 2):
        client.post(f"{service}/PhoneNumbers", {"PhoneNumberSid": f"PN{n:032}"})
    first = client.get(f"{service}/PhoneNumbers?PageSize=1").json
    second = client.get(first["meta"]["next_page_url"].removeprefix(emulator.url)).json
    url = f"{emulator.url}{PATH}/PhoneNumbers?PageSize=1&Page="

    assert first["phone_numbers"] == [number_json(emulator.url, 2, "+447700900001", None, ["SMS"])]
    assert second["phone_numbers"] == [number_json(emulator.url, 1, NUMBER, "US", ["SMS", "MMS"])]
    assert second["meta"] == {
        "page": 1,
        "page_size": 1,
        "first_page_url": f"{url}0",
        "previous_page_url": f"{url}0",
        "url": f"{url}1",
        "next_page_url": None,
        "key": "phone_numbers",
    }
    assert client.get(f"{service}/PhoneNumbers?Page=1&PageSize=1").json["phone_numbers"] == second["phone_numbers"]


@pytest.mark.parametrize("query", ["PageToken=PAPN9", "PageToken=x", "PageSize=1001"])
def test_invalid_page_is_refused(query: str, client: Client, service: str) -> None:
    """Starting from the first page instead would be an endless loop."""
    assert client.get(f"{service}/PhoneNumbers?{query}").status == 400


@pytest.mark.parametrize(
    ("sid", "error"),
    [
        ("", (400, 21711)),
        ("PN1", (400, 21711)),
        ("PN" + "9" * 32, (400, 21711)),
        (f"PN{3:032}", (400, 21711)),
        (f"PN{1:032}", (409, 21710)),
        (f"PN{2:032}", (409, 21712)),
    ],
    ids=[
        *("empty", "malformed SID", "unknown number", "number of another account"),
        *("number in this service", "number in another service"),
    ],
)
def test_number_that_cannot_be_added_is_refused(sid: str, error: tuple[int, int], client: Client, service: str) -> None:
    """A number can be in one service only, and both must belong to the same account."""
    child = client.post("/2010-04-01/Accounts.json").json["sid"]
    client.post(f"/2010-04-01/Accounts/{child}/IncomingPhoneNumbers.json", {"PhoneNumber": "+15017122663"})
    other = client.post("/v1/Services", {"FriendlyName": "Other"}).json["sid"]
    client.post(f"/v1/Services/{other}/PhoneNumbers", {"PhoneNumberSid": f"PN{2:032}"})
    client.post(f"{service}/PhoneNumbers", {"PhoneNumberSid": f"PN{1:032}"})

    assert client.post(f"{service}/PhoneNumbers", {"PhoneNumberSid": sid}).error == error
    listed = client.get(f"{service}/PhoneNumbers").json["phone_numbers"]
    assert [each["sid"] for each in listed] == [f"PN{1:032}"]


def test_number_is_removed_from_a_service(emulator: Emulator, client: Client, service: str) -> None:
    """The number itself stays, and so do the other numbers of the service."""
    for n in (1, 2):
        client.post(f"{service}/PhoneNumbers", {"PhoneNumberSid": f"PN{n:032}"})

    assert client.request("DELETE", f"{service}/PhoneNumbers/PN{1:032}").status == 204
    assert client.request("DELETE", f"{service}/PhoneNumbers/PN{1:032}").status == 404
    shown = client.get(f"{service}/PhoneNumbers").json["phone_numbers"]
    assert [each["sid"] for each in shown] == [f"PN{2:032}"]
    assert client.get(f"IncomingPhoneNumbers/PN{1:032}.json").status == 200
