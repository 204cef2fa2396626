"""The senders of a messaging service that are not numbers, and every link of a service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulator.rest.asking import NUMBER, PHONE, START, Client
from twiml_app.emulator import ACCOUNT_SID, Emulator, EmulatorOptions

SID = "MG" + "1" * 32
PATH = f"/v1/Services/{SID}"
ABROAD = "+447400123456"
SEED = {
    "numbers": [{"phone_number": "77000", "sid": "PN" + "a" * 32, "mms": False}, {"phone_number": NUMBER}],
    "services": [{"sid": SID, "friendly_name": "News"}],
}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator with an empty service, a short code and a number."""
    with Emulator(EmulatorOptions(start=START, seed=SEED)) as running:
        yield running


def alpha_json(client: Client, emulator: Emulator) -> dict[str, Any]:
    """Add a name to the service, and return its representation."""
    added = client.post(f"{PATH}/AlphaSenders", {"AlphaSender": "News-24"})
    assert added.status == 201
    assert added.json == {
        "sid": added.json["sid"],
        "account_sid": ACCOUNT_SID,
        "service_sid": SID,
        "alpha_sender": "News-24",
        "capabilities": ["SMS"],
        "date_created": "2023-11-14T22:13:20Z",
        "date_updated": "2023-11-14T22:13:20Z",
        "url": f"{emulator.url}{PATH}/AlphaSenders/{added.json['sid']}",
    }
    return dict(added.json)


def test_name_is_added_listed_fetched_and_removed(emulator: Emulator, client: Client) -> None:
    """A service has one name at most."""
    added = alpha_json(client, emulator)
    one = f"{PATH}/AlphaSenders/{added['sid']}"

    assert client.get(f"{PATH}/AlphaSenders").json["alpha_senders"] == [added]
    assert client.get(f"{PATH}/AlphaSenders?Page=1").json["alpha_senders"] == []
    assert client.get(one).json == added
    assert client.post(f"{PATH}/AlphaSenders", {"AlphaSender": "Other"}).error == (409, 20409)
    assert client.request("DELETE", one).status == 204
    assert client.request("DELETE", one).status == 404
    assert client.get(f"{PATH}/AlphaSenders").json["alpha_senders"] == []


@pytest.mark.parametrize("name", ["", "12345", "TwelveLetter", "Ακμή", "<b>"])
def test_invalid_name_is_refused(name: str, client: Client) -> None:
    """Names are shown by old phones."""
    assert client.post(f"{PATH}/AlphaSenders", {"AlphaSender": name}).error == (400, 20001)


@pytest.mark.parametrize("path", ["AlphaSenders/AI" + "1" * 32, "ShortCodes/SC" + "1" * 32, "ShortCodes/PN" + "a" * 32])
def test_unknown_sender_is_not_found(path: str, client: Client) -> None:
    """A service without a name has none at any sid."""
    assert client.get(f"{PATH}/{path}").error == (404, 20404)


@pytest.mark.parametrize(
    ("to", "numbers", "sender"),
    [
        pytest.param(ABROAD, [], "News-24", id="abroad"),
        pytest.param(ABROAD, [NUMBER], "News-24", id="abroad, rather than the number"),
        pytest.param(PHONE, [NUMBER], NUMBER, id="where names cannot send"),
    ],
)
def test_service_sends_from_its_name_where_it_can(to: str, numbers: list[str], sender: str) -> None:
    """Twilio prefers the name where the country allows it."""
    service = {"sid": SID, "friendly_name": "News", "numbers": numbers, "alpha_sender": "News-24"}
    with Emulator(EmulatorOptions(seed={**SEED, "services": [service]})) as emulator:
        emulator.client().messages.create(to=to, messaging_service_sid=SID, body="hello")
        emulator.settle()

        assert [message.from_ for message in emulator.outbox] == [sender]


def test_short_code_is_added_and_sends(emulator: Emulator, client: Client) -> None:
    """It is listed apart from the numbers."""
    sid = "SC" + "a" * 32
    added = client.post(f"{PATH}/ShortCodes", {"ShortCodeSid": sid})
    client.text(From="", MessagingServiceSid=SID)
    emulator.settle()

    assert (added.status, added.json) == (
        201,
        {
            "sid": sid,
            "account_sid": ACCOUNT_SID,
            "service_sid": SID,
            "short_code": "77000",
            "country_code": "US",
            "capabilities": ["SMS"],
            "date_created": "2023-11-14T22:13:20Z",
            "date_updated": "2023-11-14T22:13:20Z",
            "url": f"{emulator.url}{PATH}/ShortCodes/{sid}",
        },
    )
    assert client.get(f"{PATH}/ShortCodes").json["short_codes"] == [added.json]
    assert client.get(f"{PATH}/ShortCodes/{sid}").json == added.json
    assert client.get(f"{PATH}/PhoneNumbers").json["phone_numbers"] == []
    assert [message.from_ for message in emulator.outbox] == ["77000"]
    assert client.request("DELETE", f"{PATH}/ShortCodes/{sid}").status == 204


@pytest.mark.parametrize("form", [{"PhoneNumberSid": "PN" + "a" * 32}, {"PhoneNumberSid": "SC" + "a" * 32}], ids=str)
def test_short_code_is_not_added_as_a_number(form: dict[str, str], client: Client) -> None:
    """It has its own list."""
    assert client.post(f"{PATH}/PhoneNumbers", form).error == (400, 21711)


def test_every_link_of_a_service_answers(emulator: Emulator, client: Client) -> None:
    """Lists that are not emulated are empty."""
    links = client.get(PATH).json["links"]
    pages = {name: client.get(link.removeprefix(emulator.url)).json for name, link in links.items()}

    assert {name: page["meta"]["key"] for name, page in pages.items()} == {
        "phone_numbers": "phone_numbers",
        "short_codes": "short_codes",
        "alpha_senders": "alpha_senders",
        "channel_senders": "senders",
        "messages": "messages",
        "us_app_to_person": "compliance",
        "us_app_to_person_usecases": "us_app_to_person_usecases",
    }
    assert all(page[page["meta"]["key"]] == [] for page in pages.values())
    assert client.get("/v1/Services/MG" + "9" * 32 + "/Messages").status == 404
