"""Applications: named sets of URLs, for numbers and for outbound messages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.rest.asking import NUMBER, PHONE, Client
from tests.emulator.rest.listening import listening
from twiml_app.emulator import ACCOUNT_SID, Emulator

BASE = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
DATE = "Tue, 14 Nov 2023 22:13:20 +0000"
SID = f"AP{1:032}"


def application_json(**changes: Any) -> dict[str, Any]:
    """Return the representation of an application."""
    return {
        "sid": SID,
        "account_sid": ACCOUNT_SID,
        "friendly_name": "",
        "date_created": DATE,
        "date_updated": DATE,
        "api_version": "2010-04-01",
        "sms_url": None,
        "sms_method": "POST",
        "sms_fallback_url": None,
        "sms_fallback_method": "POST",
        "sms_status_callback": None,
        "message_status_callback": None,
        "voice_url": None,
        "voice_method": "POST",
        "voice_fallback_url": None,
        "voice_fallback_method": "POST",
        "voice_caller_id_lookup": False,
        "status_callback": None,
        "status_callback_method": "POST",
        "public_application_connect_enabled": False,
        "uri": f"{BASE}/Applications/{SID}.json",
        **changes,
    }


FULL = {
    "FriendlyName": "orders",
    "SmsUrl": "https://a.example.com/",
    "SmsMethod": "GET",
    "SmsFallbackUrl": "https://b.example.com/",
    "SmsFallbackMethod": "GET",
    "SmsStatusCallback": "https://c.example.com/",
    "MessageStatusCallback": "https://d.example.com/",
}
FULL_JSON = {
    "friendly_name": "orders",
    "sms_url": "https://a.example.com/",
    "sms_method": "GET",
    "sms_fallback_url": "https://b.example.com/",
    "sms_fallback_method": "GET",
    "sms_status_callback": "https://c.example.com/",
    "message_status_callback": "https://d.example.com/",
}


def test_application_is_created(client: Client) -> None:
    """No parameter is required."""
    full, empty = client.post("Applications.json", FULL), client.post("Applications.json")

    assert (full.status, full.json) == (201, application_json(**FULL_JSON))
    assert empty.json == application_json(sid=f"AP{2:032}", uri=f"{BASE}/Applications/AP{2:032}.json")
    assert client.get(f"Applications/{SID}.json").json == full.json


def test_update_changes_only_the_given_fields(emulator: Emulator, client: Client) -> None:
    """An empty URL removes a URL."""
    client.post("Applications.json", FULL)
    emulator.advance(60)
    reply = client.post(f"Applications/{SID}.json", {"SmsUrl": "", "FriendlyName": "news"})
    changes = {"friendly_name": "news", "sms_url": None, "date_updated": "Tue, 14 Nov 2023 22:14:20 +0000"}

    assert (reply.status, reply.json) == (200, application_json(**{**FULL_JSON, **changes}))


@pytest.mark.parametrize("name", ["SmsUrl", "SmsFallbackUrl", "SmsStatusCallback", "MessageStatusCallback"])
@pytest.mark.parametrize("path", ["Applications.json", f"Applications/{SID}.json"])
def test_invalid_url_is_refused(name: str, path: str, client: Client) -> None:
    """Nothing is created or changed."""
    client.post("Applications.json", FULL)

    assert client.post(path, {name: "example.com/message"}).error == (400, 21502)
    assert client.get("Applications.json").json["applications"] == [application_json(**FULL_JSON)]


@pytest.mark.parametrize("name", ["SmsMethod", "SmsFallbackMethod"])
def test_invalid_method_is_refused(name: str, client: Client) -> None:
    """A webhook is called with GET or POST."""
    assert client.post("Applications.json", {name: "DELETE"}).error == (400, 20001)


def test_list_is_filtered_by_name(client: Client) -> None:
    """Only the exact name matches, including its case."""
    for name in ("orders", "news", "orders"):
        client.post("Applications.json", {"FriendlyName": name})

    def found(query: dict[str, str]) -> list[str]:
        return [each["sid"] for each in client.get("Applications.json", query).json["applications"]]

    assert found({}) == [f"AP{n:032}" for n in (3, 2, 1)]
    assert found({"FriendlyName": "orders"}) == [f"AP{n:032}" for n in (3, 1)]
    assert found({"FriendlyName": "Orders"}) == found({"FriendlyName": "order"}) == []


def test_deleted_application_is_gone(client: Client) -> None:
    """Messages can no longer refer to it."""
    client.post("Applications.json", FULL)

    assert client.request("DELETE", f"Applications/{SID}.json").status == 204
    assert client.get(f"Applications/{SID}.json").error == (404, 20404)
    assert client.text(ApplicationSid=SID)["code"] == 21218


@pytest.mark.parametrize("sid", ["AP" + "9" * 32, "PN" + "9" * 32, "orders"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_application_is_not_found(method: str, sid: str, client: Client) -> None:
    """The error names the path."""
    path = f"{BASE}/Applications/{sid}.json"

    assert client.request(method, path).json["message"] == f"The requested resource {path} was not found"


def test_application_of_another_account_is_not_found(client: Client) -> None:
    """A subaccount has its own applications."""
    child = client.post("/2010-04-01/Accounts.json").json["sid"]
    client.post("Applications.json", FULL)

    assert client.get(f"/2010-04-01/Accounts/{child}/Applications/{SID}.json").status == 404


def test_webhook_of_a_number_goes_to_its_application(emulator: Emulator, client: Client) -> None:
    """The URL of the application has precedence over that of the number."""
    with listening() as program:
        client.post("Applications.json", {"SmsUrl": f"{program.url}/application"})
        form = {"PhoneNumber": NUMBER, "SmsUrl": f"{program.url}/number", "SmsApplicationSid": SID}
        client.post("IncomingPhoneNumbers.json", form)
        emulator.phone(PHONE).text("hi")

    assert [path for path, _ in program.posts] == ["/application"]


def test_official_client_manages_applications(emulator: Emulator) -> None:
    """The official library creates, finds, updates and deletes them."""
    applications = emulator.client().applications
    made = applications.create(friendly_name="orders", sms_url="https://a.example.com/")
    (found,) = applications.list(friendly_name="orders")
    changed = found.update(message_status_callback="https://d.example.com/")

    assert (found.sid, changed.sms_url) == (made.sid, "https://a.example.com/")
    assert changed.message_status_callback == "https://d.example.com/"
    assert changed.delete() is True
    assert applications.list() == []
