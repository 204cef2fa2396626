"""Incoming numbers: add them, and set their webhook URLs as the official command line does."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.emulator.rest.asking import NUMBER, PHONE, Client
from tests.emulator.rest.listening import listening
from twiml_app.emulator import ACCOUNT_SID, Emulator

BASE = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
DATE = "Tue, 14 Nov 2023 22:13:20 +0000"
URL = "http://sms:password@127.0.0.1:8000/message?x=1#rc=2"
SID = f"PN{1:032}"


def number_json(**changes: Any) -> dict[str, Any]:
    """Return the representation of a number."""
    uri = f"{BASE}/IncomingPhoneNumbers/{SID}"
    return {
        "sid": SID,
        "account_sid": ACCOUNT_SID,
        "friendly_name": "(501) 712-2661",
        "phone_number": NUMBER,
        "date_created": DATE,
        "date_updated": DATE,
        "sms_url": "",
        "sms_method": "POST",
        "sms_fallback_url": "",
        "sms_fallback_method": "POST",
        "sms_application_sid": "",
        "status_callback": "",
        "status_callback_method": "POST",
        "voice_url": None,
        "voice_method": "POST",
        "voice_fallback_url": None,
        "voice_fallback_method": "POST",
        "voice_caller_id_lookup": False,
        "voice_application_sid": "",
        "voice_receive_mode": "voice",
        "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
        "address_requirements": "none",
        "address_sid": None,
        "identity_sid": None,
        "bundle_sid": None,
        "trunk_sid": None,
        "emergency_status": "Inactive",
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "beta": False,
        "origin": "twilio",
        "status": "in-use",
        "type": None,
        "api_version": "2010-04-01",
        "uri": f"{uri}.json",
        "subresource_uris": {"assigned_add_ons": f"{uri}/AssignedAddOns.json"},
        **changes,
    }


def test_number_is_added_with_its_urls(client: Client) -> None:
    """Credentials and connection overrides are part of a URL."""
    form = {
        "PhoneNumber": NUMBER,
        "FriendlyName": "orders",
        "SmsUrl": URL,
        "SmsMethod": "get",
        "SmsFallbackUrl": "https://b.example.com/",
        "SmsFallbackMethod": "GET",
        "StatusCallback": "https://c.example.com/",
        "StatusCallbackMethod": "GET",
    }
    expected = number_json(
        friendly_name="orders",
        sms_url=URL,
        sms_method="GET",
        sms_fallback_url="https://b.example.com/",
        sms_fallback_method="GET",
        status_callback="https://c.example.com/",
        status_callback_method="GET",
    )
    reply = client.post("IncomingPhoneNumbers.json", form)

    assert (reply.status, reply.json) == (201, expected)
    assert client.get(f"IncomingPhoneNumbers/{SID}.json").json == expected


def test_default_name_of_a_number_is_the_number_as_people_write_it(client: Client) -> None:
    """Twilio does the same."""
    assert client.post("IncomingPhoneNumbers.json", {"PhoneNumber": "+1 (501) 712-2661"}).json == number_json()


def test_update_changes_only_the_given_fields(emulator: Emulator, client: Client) -> None:
    """The update date changes too; an empty URL removes a URL."""
    client.post("IncomingPhoneNumbers.json", {"PhoneNumber": NUMBER, "SmsUrl": URL, "SmsMethod": "GET"})
    emulator.advance(60)
    later = "Tue, 14 Nov 2023 22:14:20 +0000"
    renamed = client.post(f"IncomingPhoneNumbers/{SID}.json", {"FriendlyName": "orders"})
    emptied = client.post(f"IncomingPhoneNumbers/{SID}.json", {"SmsUrl": ""})

    expected = number_json(friendly_name="orders", sms_url=URL, sms_method="GET", date_updated=later)
    assert (renamed.status, renamed.json) == (200, expected)
    assert emptied.json == {**expected, "sms_url": ""}


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"SmsUrl": "127.0.0.1/message"}, 21502),
        ({"SmsUrl": "ftp://example.com/"}, 21502),
        ({"SmsFallbackUrl": "nonsense"}, 21502),
        ({"StatusCallback": "nonsense"}, 21502),
        ({"SmsMethod": "PUT"}, 20001),
        ({"SmsApplicationSid": "AP1"}, 21218),
        ({"AddressSid": "AD1"}, 20001),
        ({"AddressSid": "AD" + "9" * 32}, 20001),
        ({"SmsApplicationSid": "AP" + "9" * 32}, 21218),
        ({"SmsFallbackUrl": "https://b.example.com/"}, 21406),
    ],
    ids=lambda value: str(value),
)
@pytest.mark.parametrize("path", ["IncomingPhoneNumbers.json", f"IncomingPhoneNumbers/{SID}.json"])
def test_invalid_setting_is_refused(path: str, form: dict[str, str], code: int, client: Client) -> None:
    """Nothing is added or changed."""
    client.post("IncomingPhoneNumbers.json", {"PhoneNumber": NUMBER})

    assert client.post(path, {"PhoneNumber": "+15017122662", **form}).error == (400, code)
    assert client.get("IncomingPhoneNumbers.json").json["incoming_phone_numbers"] == [number_json()]


def test_application_of_another_account_is_refused(client: Client) -> None:
    """Its URLs belong to somebody else."""
    child = client.post("/2010-04-01/Accounts.json").json["sid"]
    application = client.post(f"/2010-04-01/Accounts/{child}/Applications.json").json["sid"]
    form = {"PhoneNumber": NUMBER, "SmsApplicationSid": application}

    assert client.post("IncomingPhoneNumbers.json", form).error == (400, 21218)


@pytest.mark.parametrize(
    "number", ["", "77000", "nonsense", "Twilio", "+0123456789", "whatsapp:+15017122661", "+150171226610000000"]
)
def test_invalid_number_is_refused(number: str, client: Client) -> None:
    """Short codes are leased and not bought; names and channel addresses are not numbers."""
    assert client.post("IncomingPhoneNumbers.json", {"PhoneNumber": number}).error == (400, 21421)


def test_number_cannot_be_added_twice(client: Client) -> None:
    """A subaccount cannot add it either, until it is released."""
    child = client.post("/2010-04-01/Accounts.json").json["sid"]
    theirs = f"/2010-04-01/Accounts/{child}/IncomingPhoneNumbers.json"
    client.post("IncomingPhoneNumbers.json", {"PhoneNumber": NUMBER})

    assert client.post("IncomingPhoneNumbers.json", {"PhoneNumber": NUMBER}).error == (400, 21422)
    assert client.post(theirs, {"PhoneNumber": NUMBER}).error == (400, 21422)
    assert client.request("DELETE", f"IncomingPhoneNumbers/{SID}.json").status == 204
    assert client.post(theirs, {"PhoneNumber": NUMBER}).status == 201


def test_number_is_added_once_by_concurrent_requests(client: Client) -> None:
    """With two resources for one number, inbound messages would go to either."""
    statuses: list[int] = []
    form = {"PhoneNumber": NUMBER}
    threads = [
        threading.Thread(target=lambda: statuses.append(client.post("IncomingPhoneNumbers.json", form).status))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [201, *[400] * 7]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["+15017122663", "+15017122662", NUMBER]),
        ({"PhoneNumber": NUMBER}, [NUMBER]),
        ({"PhoneNumber": " 15017122661"}, [NUMBER]),
        ({"PhoneNumber": "501712266"}, ["+15017122663", "+15017122662", NUMBER]),
        ({"PhoneNumber": "+1*2661"}, [NUMBER]),
        ({"PhoneNumber": "663_"}, []),
        ({"PhoneNumber": "%"}, []),
        ({"FriendlyName": "news"}, ["+15017122663"]),
        ({"FriendlyName": "new"}, []),
        ({"PhoneNumber": "2662", "FriendlyName": "news"}, []),
        ({"PageSize": "1"}, ["+15017122663"]),
    ],
    ids=lambda value: str(value),
)
def test_list_is_filtered(query: dict[str, str], found: list[str], client: Client) -> None:
    """The official command line finds the SID of a number by its digits."""
    for number, name in ((NUMBER, ""), ("+15017122662", "orders"), ("+15017122663", "news")):
        client.post("IncomingPhoneNumbers.json", {"PhoneNumber": number, "FriendlyName": name})
    shown = client.get("IncomingPhoneNumbers.json", query).json["incoming_phone_numbers"]

    assert [each["phone_number"] for each in shown] == found


@pytest.mark.parametrize("sid", ["PN" + "9" * 32, "AP" + "9" * 32, NUMBER, "local"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_number_is_not_found(method: str, sid: str, client: Client) -> None:
    """The path needs a SID, not the number itself."""
    path = f"{BASE}/IncomingPhoneNumbers/{sid}.json"

    assert client.request(method, path).json["message"] == f"The requested resource {path} was not found"


def test_number_of_another_account_is_not_found(client: Client) -> None:
    """Even the parent finds it only under the path of the subaccount."""
    child = client.post("/2010-04-01/Accounts.json").json["sid"]
    client.post(f"/2010-04-01/Accounts/{child}/IncomingPhoneNumbers.json", {"PhoneNumber": NUMBER})

    assert client.get(f"IncomingPhoneNumbers/{SID}.json").status == 404
    assert client.get(f"/2010-04-01/Accounts/{child}/IncomingPhoneNumbers/{SID}.json").status == 200


def test_inbound_text_goes_to_the_new_url(emulator: Emulator, client: Client) -> None:
    """The official command line finds the number first, then sets its URL."""
    with listening() as program:
        client.post("IncomingPhoneNumbers.json", {"PhoneNumber": NUMBER})
        (found,) = emulator.client().incoming_phone_numbers.list(phone_number=NUMBER)
        found.update(sms_url=f"{program.url}/message")
        emulator.phone(PHONE).text("hi")

    assert [(path, form["Body"]) for path, form in program.posts] == [("/message", "hi")]


def test_released_number_is_removed_from_its_service(emulator: Emulator, client: Client) -> None:
    """The service must not list a number that is gone."""
    client.post("IncomingPhoneNumbers.json", {"PhoneNumber": NUMBER})
    service = client.post("/v1/Services", {"FriendlyName": "News"}).json["sid"]
    client.post(f"/v1/Services/{service}/PhoneNumbers", {"PhoneNumberSid": SID})
    emulator.advance(60)
    client.request("DELETE", f"IncomingPhoneNumbers/{SID}.json")

    assert client.get(f"/v1/Services/{service}/PhoneNumbers").json["phone_numbers"] == []
    assert client.get(f"/v1/Services/{service}").json["date_updated"] == "2023-11-14T22:14:20Z"
