"""Messaging services: pools of numbers, with an inbound URL and a status callback."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.emulator.rest.asking import NUMBER, PHONE, START, Client, basic
from tests.emulator.rest.counting import counted_sids
from tests.emulator.rest.listening import listening
from tests.servers import LIMIT_S
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


def service_json(base: str, **changes: Any) -> dict[str, Any]:
    """Return the representation of a service."""
    url = f"{base}{PATH}"
    return {
        "sid": SID,
        "account_sid": ACCOUNT_SID,
        "friendly_name": "News",
        "date_created": "2023-11-14T22:13:20Z",
        "date_updated": "2023-11-14T22:13:20Z",
        "inbound_request_url": None,
        "inbound_method": "POST",
        "fallback_url": None,
        "fallback_method": "POST",
        "status_callback": None,
        "sticky_sender": True,
        "mms_converter": True,
        "smart_encoding": True,
        "scan_message_content": "inherit",
        "fallback_to_long_code": True,
        "area_code_geomatch": True,
        "synchronous_validation": False,
        "validity_period": 36000,
        "usecase": "undeclared",
        "us_app_to_person_registered": False,
        "use_inbound_webhook_on_number": False,
        "url": url,
        "links": {
            "phone_numbers": f"{url}/PhoneNumbers",
            "short_codes": f"{url}/ShortCodes",
            "alpha_senders": f"{url}/AlphaSenders",
            "channel_senders": f"{url}/ChannelSenders",
            "messages": f"{url}/Messages",
            "us_app_to_person": f"{url}/Compliance/Usa2p",
            "us_app_to_person_usecases": f"{url}/Compliance/Usa2p/Usecases",
        },
        **changes,
    }


FULL = {
    "FriendlyName": "Orders",
    "InboundRequestUrl": "https://a.example.com/",
    "InboundMethod": "GET",
    "FallbackUrl": "https://b.example.com/",
    "FallbackMethod": "GET",
    "StatusCallback": "https://c.example.com/",
    "UseInboundWebhookOnNumber": "true",
    "StickySender": "false",
    "SmartEncoding": "false",
    "MmsConverter": "false",
    "ValidityPeriod": "60",
    "Usecase": "notifications",
}
FULL_JSON = {
    "friendly_name": "Orders",
    "inbound_request_url": "https://a.example.com/",
    "inbound_method": "GET",
    "fallback_url": "https://b.example.com/",
    "fallback_method": "GET",
    "status_callback": "https://c.example.com/",
    "use_inbound_webhook_on_number": True,
    "sticky_sender": False,
    "smart_encoding": False,
    "mms_converter": False,
    "validity_period": 60,
    "usecase": "notifications",
}


def test_service_is_created(emulator: Emulator, client: Client) -> None:
    """Only a name is required."""
    reply = client.post("/v1/Services", {"FriendlyName": "News"})

    assert (reply.status, reply.json) == (201, service_json(emulator.url))
    assert client.get(PATH).json == reply.json


def test_service_is_created_with_every_setting(emulator: Emulator, client: Client) -> None:
    """Every setting that messaging uses is stored."""
    reply = client.post("/v1/Services", FULL)

    assert (reply.status, reply.json) == (201, service_json(emulator.url, **FULL_JSON))


def test_update_changes_only_the_given_fields(emulator: Emulator, client: Client, service: str) -> None:
    """An empty URL removes a URL."""
    emulator.advance(60)
    changed = client.post(service, FULL)
    emptied = client.post(service, {"InboundRequestUrl": ""})
    later = {"date_updated": "2023-11-14T22:14:20Z"}

    assert (changed.status, changed.json) == (200, service_json(emulator.url, **FULL_JSON, **later))
    assert emptied.json == {**changed.json, "inbound_request_url": None}


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"InboundRequestUrl": "nonsense"}, 21713),
        ({"FallbackUrl": "nonsense"}, 21713),
        ({"StatusCallback": "nonsense"}, 21713),
        ({"InboundMethod": "PUT"}, 20001),
        ({"FallbackMethod": "PUT"}, 20001),
        ({"StickySender": "maybe"}, 20001),
        ({"ValidityPeriod": "0"}, 21624),
        ({"ValidityPeriod": "36001"}, 21624),
        ({"ValidityPeriod": "long"}, 21624),
    ],
    ids=lambda value: str(value),
)
def test_invalid_setting_is_refused(
    form: dict[str, str], code: int, emulator: Emulator, client: Client, service: str
) -> None:
    """Nothing is created or changed."""
    assert client.post("/v1/Services", {"FriendlyName": "Other", **form}).error == (400, code)
    assert client.post(service, form).error == (400, code)
    assert client.get("/v1/Services").json["services"] == [service_json(emulator.url)]


def test_service_needs_a_name(client: Client) -> None:
    """People recognize a service by its name."""
    assert client.post("/v1/Services", {"InboundRequestUrl": "https://a.example.com/"}).error == (400, 20001)


def test_list_has_the_urls_of_other_pages(emulator: Emulator, client: Client) -> None:
    """They are absolute URLs; the metadata also has the key of the list."""
    for name in ("one", "two", "three"):
        client.post("/v1/Services", {"FriendlyName": name})
    first = client.get("/v1/Services?PageSize=2").json
    url = f"{emulator.url}/v1/Services?PageSize=2&Page="
    second = client.get(first["meta"]["next_page_url"].removeprefix(emulator.url)).json

    assert [[each["friendly_name"] for each in page["services"]] for page in (first, second)] == [
        ["three", "two"],
        ["one"],
    ]
    assert first["meta"] == {
        "page": 0,
        "page_size": 2,
        "first_page_url": f"{url}0",
        "previous_page_url": None,
        "url": f"{url}0",
        "next_page_url": f"{url}1&PageToken=PAMG{2:032}",
        "key": "services",
    }
    assert second["meta"] == {
        "page": 1,
        "page_size": 2,
        "first_page_url": f"{url}0",
        "previous_page_url": f"{url}0",
        "url": f"{url}1",
        "next_page_url": None,
        "key": "services",
    }


@pytest.mark.parametrize("extension", [".json", ".xml", ".csv", ""])
def test_response_is_json_with_any_extension(extension: str, emulator: Emulator, client: Client) -> None:
    """This API of Twilio has no other format."""
    client.post("/v1/Services", {"FriendlyName": "News"})
    reply = client.get(f"{PATH}{extension}")

    assert (reply.headers["Content-Type"], reply.json) == ("application/json", service_json(emulator.url))


def test_deleted_service_is_gone(emulator: Emulator, client: Client, service: str) -> None:
    """Its numbers stay, and can be added to another service."""
    client.post(f"{service}/PhoneNumbers", {"PhoneNumberSid": f"PN{1:032}"})

    assert client.request("DELETE", service).status == 204
    assert client.get(service).error == (404, 20404)
    other = client.post("/v1/Services", {"FriendlyName": "Other"}).json["sid"]
    assert client.post(f"/v1/Services/{other}/PhoneNumbers", {"PhoneNumberSid": f"PN{1:032}"}).status == 201


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/Services/MG" + "9" * 32),
        ("POST", "/v1/Services/MG" + "9" * 32),
        ("DELETE", "/v1/Services/MG" + "9" * 32),
        ("GET", "/v1/Services/MG" + "9" * 32 + "/PhoneNumbers"),
        ("POST", "/v1/Services/MG" + "9" * 32 + "/PhoneNumbers"),
        ("GET", f"/v1/Services/PN{1:032}"),
        ("GET", f"{PATH}/PhoneNumbers/PN{1:032}"),
        ("GET", f"{PATH}/Numbers"),
        ("GET", f"/v2/Services/{SID}"),
    ],
)
def test_unknown_resource_is_not_found(method: str, path: str, client: Client, service: str) -> None:
    """The error names the path."""
    form = {"PhoneNumberSid": f"PN{1:032}"} if method == "POST" else None

    assert client.request(method, path, form).json["message"] == f"The requested resource {path} was not found"


def test_service_of_another_account_is_not_found(emulator: Emulator, client: Client, service: str) -> None:
    """The path has no account, so the account of the credentials counts."""
    child = client.post("/2010-04-01/Accounts.json").json
    theirs = Client(emulator, child["sid"], child["auth_token"])

    assert theirs.get(service).status == 404
    assert theirs.get("/v1/Services").json["services"] == []


@pytest.mark.parametrize(
    ("settings", "paths"),
    [
        pytest.param({"InboundRequestUrl": "{url}/service"}, ["/service"], id="URL of the service"),
        pytest.param({}, [], id="service without a URL drops it"),
        pytest.param(
            {"UseInboundWebhookOnNumber": "true"}, ["/number"], id="URL of the number, if the service uses it"
        ),
    ],
)
def test_service_overrides_the_url_of_its_numbers(
    settings: dict[str, str], paths: list[str], emulator: Emulator, client: Client, service: str
) -> None:
    """Nearly all US long codes are in a service, so their own URL has no effect."""
    with listening() as program:
        emulator.add_number(NUMBER, f"{program.url}/number")
        client.post(service, {name: value.format(url=program.url) for name, value in settings.items()})
        client.post(f"{service}/PhoneNumbers", {"PhoneNumberSid": f"PN{1:032}"})
        emulator.phone(PHONE).text("hi", number=NUMBER)

    assert [path for path, _ in program.posts] == paths


def test_status_goes_to_the_url_of_the_service(emulator: Emulator, client: Client, service: str) -> None:
    """It is the default for messages without a StatusCallback."""
    with listening() as program:
        client.post(service, {"StatusCallback": f"{program.url}/service"})
        client.post(f"{service}/PhoneNumbers", {"PhoneNumberSid": f"PN{1:032}"})
        sent = client.post("Messages.json", {"To": PHONE, "MessagingServiceSid": SID, "Body": "hello"})
        emulator.settle()

    assert sent.status == 201
    assert program.statuses()
    assert {path for path, _ in program.statuses()} == {"/service"}


def test_official_client_manages_services(emulator: Emulator) -> None:
    """This API has another host at Twilio, which the client redirects to the emulator too."""
    services = emulator.client().messaging.v1.services
    made = services.create(friendly_name="News", inbound_request_url="https://a.example.com/")
    numbers = services(made.sid).phone_numbers
    for n in (1, 2):
        numbers.create(phone_number_sid=f"PN{n:032}")
    changed = services(made.sid).update(use_inbound_webhook_on_number=True)

    assert [each.sid for each in services.list()] == [made.sid]
    assert (changed.use_inbound_webhook_on_number, changed.date_created) == (True, made.date_created)
    assert [each.phone_number for each in numbers.list(page_size=1)] == ["+447700900001", NUMBER]
    assert numbers(f"PN{1:032}").fetch().phone_number == NUMBER
    assert numbers(f"PN{1:032}").delete() is True
    assert services(made.sid).delete() is True
    with pytest.raises(TwilioRestException) as refused:
        services(made.sid).fetch()
    assert (refused.value.code, refused.value.status) == (20404, 404)
    assert [request.hints for request in emulator.requests] == [()] * len(emulator.requests)


def test_absolute_urls_name_the_host_that_was_asked(emulator: Emulator, client: Client) -> None:
    """A client that believes to talk to Twilio follows them through the same proxy."""
    for name in ("One", "Two"):
        client.post("/v1/Services", {"FriendlyName": name})
    headers = {"Authorization": basic(client.sid, emulator.auth_token), "Host": "messaging.twilio.com"}
    page = client.send("GET", "/v1/Services?PageSize=1", None, headers).json

    (service,) = page["services"]
    assert page["meta"]["next_page_url"].startswith("https://messaging.twilio.com/v1/Services?PageSize=1&Page=1&")
    assert service["url"] == f"https://messaging.twilio.com/v1/Services/{service['sid']}"
    assert all(link.startswith(service["url"]) for link in service["links"].values())


def test_absolute_urls_without_a_host_name_the_emulator(emulator: Emulator) -> None:
    """HTTP/1.0 has no Host header."""
    request = f"GET /v1/Services HTTP/1.0\r\nAuthorization: {basic(emulator.account_sid, emulator.auth_token)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=LIMIT_S) as connection:
        connection.sendall(request.encode())
        answer = b"".join(iter(lambda: connection.recv(1000), b""))

    assert f'"url": "{emulator.url}/v1/Services?PageSize=50&Page=0"'.encode() in answer
