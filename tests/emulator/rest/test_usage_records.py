"""Usage: counts and prices of messages, by category and time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulator.rest.asking import NUMBER, PHONE, START, Client
from twiml_app.emulator import ACCOUNT_SID, Emulator, EmulatorOptions

BASE = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Usage/Records"
DAY_S = 24 * 3600


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator since 14 November 2023, with messages of that day and of two days later."""
    with Emulator(EmulatorOptions(start=START)) as running:
        running.add_number(NUMBER)
        client = Client(running)
        client.text(Body="x" * 200)
        client.text(From="77000")
        client.text(To="whatsapp:+15558675310", From=f"whatsapp:{NUMBER}", ContentSid="HX" + "1" * 32)
        running.settle()
        running.advance(2 * DAY_S)
        client.text()
        running.phone(PHONE).text("hi")
        running.settle()
        yield running


def usage(client: Client, path: str = "", **query: str) -> list[tuple[str, ...]]:
    """Return the first day, count, usage and price of each record."""
    records = client.get(f"{BASE}{path}.json", query).json["usage_records"]
    return [(each["start_date"], each["count"], each["usage"], each["price"]) for each in records]


def test_record_has_the_documented_fields(client: Client) -> None:
    """Counts and prices are strings."""
    (record,) = client.get(f"{BASE}.json", {"Category": "sms-outbound-longcode"}).json["usage_records"]
    more: dict[str, Any] = record.pop("subresource_uris")

    assert record == {
        "category": "sms-outbound-longcode",
        "description": "Long Code Outbound SMS",
        "account_sid": ACCOUNT_SID,
        "start_date": "2023-11-14",
        "end_date": "2023-11-16",
        "as_of": "2023-11-16T00:00:00+00:00",
        "count": "2",
        "count_unit": "messages",
        "usage": "3",
        "usage_unit": "segments",
        "price": "0.02250",
        "price_unit": "usd",
        "api_version": "2010-04-01",
        "uri": f"{BASE}.json?Category=sms-outbound-longcode&StartDate=2023-11-14&EndDate=2023-11-16",
    }
    assert {name: client.get(uri).status for name, uri in more.items()} == dict.fromkeys(more, 200)
    assert more["this_month"] == f"{BASE}/ThisMonth.json?Category=sms-outbound-longcode"


@pytest.mark.parametrize(
    ("category", "count", "price"),
    [
        ("sms", "4", "0.03750"),
        ("sms-outbound", "3", "0.03000"),
        ("sms-outbound-shortcode", "1", "0.00750"),
        ("sms-inbound", "1", "0.00750"),
        ("sms-inbound-longcode", "1", "0.00750"),
        ("mms", "0", "0.00000"),
        ("channels", "1", "0.00500"),
        ("totalprice", "", "0.04250"),
    ],
)
def test_messages_are_counted_by_category(category: str, count: str, price: str, client: Client) -> None:
    """A short code is told from a long one, and a channel from both."""
    ((_, counted, _, paid),) = usage(client, Category=category)

    assert (counted, paid) == (count, price)


@pytest.mark.parametrize(
    ("path", "query", "records"),
    [
        pytest.param("/Daily", {}, ["2023-11-16 1", "2023-11-15 0", "2023-11-14 2"], id="days"),
        pytest.param("/Daily", {"StartDate": "2023-11-15"}, ["2023-11-16 1", "2023-11-15 0"], id="from a day"),
        pytest.param("/Daily", {"EndDate": "-1day"}, ["2023-11-15 0", "2023-11-14 2"], id="until yesterday"),
        pytest.param("", {"StartDate": "-30days", "EndDate": "2023-11-14"}, ["2023-11-14 2"], id="one day"),
        pytest.param("/Monthly", {}, ["2023-11-14 3"], id="months"),
        pytest.param("/Yearly", {}, ["2023-11-14 3"], id="years"),
        pytest.param("/Today", {}, ["2023-11-16 1"], id="today"),
        pytest.param("/Yesterday", {}, ["2023-11-15 0"], id="yesterday"),
        pytest.param("/ThisMonth", {}, ["2023-11-01 3"], id="this month"),
        pytest.param("/LastMonth", {}, ["2023-10-01 0"], id="last month"),
        pytest.param("/AllTime", {}, ["2023-11-14 3"], id="all"),
        pytest.param("/Daily", {"PageSize": "1", "Page": "2"}, ["2023-11-14 2"], id="last page"),
    ],
)
def test_messages_are_counted_by_time(path: str, query: dict[str, str], records: list[str], client: Client) -> None:
    """Days are those of UTC, newest first."""
    found = usage(client, path, **{"Category": "sms-outbound", **query})

    assert [f"{day} {count}" for day, count, *_ in found] == records


def test_official_client_reads_every_page_of_usage(emulator: Emulator) -> None:
    """All categories of all days."""
    records = emulator.client().usage.records.daily.list(page_size=20)

    assert len(records) == 3 * 16
    assert len(emulator.client().usage.records.list(category="calls")) == 0


@pytest.mark.parametrize("day", ["soon", "2023-13-01", "-99999999days"])
def test_invalid_day_is_refused(day: str, client: Client) -> None:
    """The error shows how to write it."""
    assert client.get(f"{BASE}.json", {"StartDate": day}).error == (400, 20001)
