"""The entries of the debugger in the REST API: alerts of the monitor, and notifications of the older API."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest

from tests.emulator.rest.asking import NUMBER, PHONE, START, Client
from twiml_app.emulator import ACCOUNT_SID, Emulator, EmulatorOptions

NOBODY = "http://127.0.0.1:1/message"
NOTIFICATIONS = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Notifications"
WHEN, WHEN_MAIL = "2023-11-14T22:13:20Z", "Tue, 14 Nov 2023 22:13:20 +0000"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator whose app does not run."""
    with Emulator(EmulatorOptions(start=START)) as running:
        running.add_number(NUMBER, NOBODY)
        yield running


def test_alert_has_what_was_sent_and_what_went_wrong(emulator: Emulator, client: Client) -> None:
    """The official command line shows the Msg of the text."""
    inbound = emulator.phone(PHONE).text("hello").inbound
    (entry,) = emulator.debugger
    (listed,) = client.get("/v1/Alerts").json["alerts"]
    alert = client.get(f"/v1/Alerts/{entry.sid}").json

    assert listed == {
        "sid": entry.sid,
        "account_sid": ACCOUNT_SID,
        "alert_text": listed["alert_text"],
        "api_version": "2010-04-01",
        "date_created": WHEN,
        "date_generated": WHEN,
        "date_updated": WHEN,
        "error_code": "11205",
        "log_level": "error",
        "more_info": "https://www.twilio.com/docs/errors/11205",
        "request_method": "POST",
        "request_url": NOBODY,
        "resource_sid": inbound.sid,
        "service_sid": None,
        "url": f"{emulator.url}/v1/Alerts/{entry.sid}",
    }
    assert parse_qs(listed["alert_text"]) == {"LogLevel": ["ERROR"], "Msg": [entry.text], "ErrorCode": ["11205"]}
    assert parse_qs(alert.pop("request_variables"))["Body"] == ["hello"]
    assert alert == {**listed, "request_headers": None, "response_body": None, "response_headers": None}


def test_notification_is_the_same_entry(emulator: Emulator, client: Client) -> None:
    """The older API names it differently."""
    emulator.phone(PHONE).text("hello")
    (entry,) = emulator.debugger
    (listed,) = client.get(f"{NOTIFICATIONS}.json").json["notifications"]
    notification = client.get(f"{NOTIFICATIONS}/{entry.sid}.json").json

    assert listed == {
        "sid": entry.sid,
        "account_sid": ACCOUNT_SID,
        "call_sid": None,
        "log": "0",
        "error_code": "11205",
        "more_info": "https://www.twilio.com/docs/errors/11205",
        "message_text": listed["message_text"],
        "message_date": WHEN_MAIL,
        "request_url": NOBODY,
        "request_method": "POST",
        "api_version": "2010-04-01",
        "date_created": WHEN_MAIL,
        "date_updated": WHEN_MAIL,
        "uri": f"{NOTIFICATIONS}/{entry.sid}.json",
    }
    assert parse_qs(notification.pop("request_variables"))["Body"] == ["hello"]
    assert notification == {**listed, "response_body": None, "response_headers": None}


@pytest.mark.parametrize(
    ("path", "query", "found"),
    [
        pytest.param("/v1/Alerts", {}, 2, id="all alerts"),
        pytest.param("/v1/Alerts", {"LogLevel": "error"}, 2, id="errors"),
        pytest.param("/v1/Alerts", {"LogLevel": "warning"}, 0, id="warnings"),
        pytest.param("/v1/Alerts", {"StartDate": "2023-11-15"}, 1, id="since a day"),
        pytest.param("/v1/Alerts", {"EndDate": "2023-11-14"}, 1, id="until a day"),
        pytest.param("/v1/Alerts", {"EndDate": "2023-11-14T22:13:20Z"}, 1, id="until a second"),
        pytest.param("/v1/Alerts", {"StartDate": "2023-11-14", "EndDate": "2023-11-16"}, 2, id="between"),
        pytest.param(f"{NOTIFICATIONS}.json", {"Log": "0"}, 2, id="notifications of errors"),
        pytest.param(f"{NOTIFICATIONS}.json", {"Log": "1"}, 0, id="notifications of warnings"),
        pytest.param(f"{NOTIFICATIONS}.json", {"MessageDate": "2023-11-14"}, 1, id="notifications of a day"),
    ],
)
def test_entries_are_filtered(path: str, query: dict[str, str], found: int, emulator: Emulator, client: Client) -> None:
    """A program that watches its errors asks for the newest."""
    emulator.phone(PHONE).text("hello")
    emulator.advance(24 * 3600)
    emulator.phone(PHONE).text("again")
    listed = client.get(path, query).json

    assert len(listed["alerts" if "alerts" in listed else "notifications"]) == found


@pytest.mark.parametrize(
    "query",
    [{"LogLevel": "bad"}, {"StartDate": "soon"}, {"StartDate": "2023-11-15", "EndDate": "2023-11-14"}],
    ids=str,
)
def test_invalid_filter_is_refused(query: dict[str, str], client: Client) -> None:
    """An ignored filter would hide errors."""
    assert client.get("/v1/Alerts", query).error == (400, 20001)


def test_official_client_reads_every_page_of_alerts(emulator: Emulator) -> None:
    """The filters are part of the link to the next page."""
    for body in ("one", "two", "three"):
        emulator.phone(PHONE).text(body)
    alerts = emulator.client().monitor.v1.alerts.list(log_level="error", page_size=1)

    assert [alert.sid for alert in alerts] == [entry.sid for entry in reversed(emulator.debugger)]
    assert alerts[0].fetch().request_variables


@pytest.mark.parametrize("path", ["/v1/Alerts/{}", NOTIFICATIONS + "/{}.json"])
def test_entry_is_deleted(path: str, emulator: Emulator, client: Client) -> None:
    """It is gone from the debugger too."""
    emulator.phone(PHONE).text("hello")
    one = path.format(emulator.debugger[0].sid)

    assert client.request("DELETE", one).status == 204
    assert client.get(one).error == (404, 20404)
    assert emulator.debugger == []


def test_entry_of_a_deleted_message_has_no_request(emulator: Emulator, client: Client) -> None:
    """The emulator builds the parameters from the message."""
    sid = emulator.phone(PHONE).text("hello").inbound.sid
    client.request("DELETE", f"Messages/{sid}.json")

    assert client.get(f"/v1/Alerts/{emulator.debugger[0].sid}").json["request_variables"] is None
