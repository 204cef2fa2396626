"""Pages of a list: their size, the URIs of other pages, and changes while a client reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.rest.asking import NUMBER, PHONE, START, Client
from twiml_app.emulator import ACCOUNT_SID, Emulator, EmulatorOptions
from twiml_app.emulator.resources import Account, Application
from twiml_app.emulator.rest.paging import Names, Page, Pager
from twiml_app.emulator.rest.parameters import Parameters
from twiml_app.emulator.rest.request import ApiRequest
from twiml_app.emulator.store import ResourceStore

#: More pages than a list in these tests can have.
MAX_PAGES = 100
BASE = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
NAMES = Names(key="applications", element="Applications", item="Application")
ACCOUNT = Account(sid=ACCOUNT_SID, account_sid=ACCOUNT_SID, date_created=START, date_updated=START, auth_token="token")


def make_applications(client: Client, number: int) -> list[str]:
    """Create applications; return their SIDs, newest first."""
    made = [client.post("Applications.json", {"FriendlyName": f"{n}"}).json["sid"] for n in range(number)]
    return made[::-1]


def sids(page: dict[str, Any], key: str = "applications") -> list[str]:
    """Return the SIDs on a page."""
    return [each["sid"] for each in page[key]]


def test_page_has_the_uris_of_the_others(client: Client) -> None:
    """Clients request the next page by its URI exactly as given."""
    make_applications(client, 5)
    first = client.get("Applications.json?PageSize=2").json
    second = client.get(first["next_page_uri"]).json
    third = client.get(second["next_page_uri"]).json
    pages = [{name: value for name, value in page.items() if name != "applications"} for page in (first, second, third)]

    path = f"{BASE}/Applications.json?PageSize=2&Page="
    assert pages == [
        {
            "first_page_uri": f"{path}0",
            "end": 1,
            "previous_page_uri": None,
            "uri": f"{path}0",
            "page_size": 2,
            "start": 0,
            "next_page_uri": f"{path}1&PageToken=PAAP{4:032}",
            "page": 0,
        },
        {
            "first_page_uri": f"{path}0",
            "end": 3,
            "previous_page_uri": f"{path}0",
            "uri": f"{path}1",
            "page_size": 2,
            "start": 2,
            "next_page_uri": f"{path}2&PageToken=PAAP{2:032}",
            "page": 1,
        },
        {
            "first_page_uri": f"{path}0",
            "end": 4,
            "previous_page_uri": f"{path}1",
            "uri": f"{path}2",
            "page_size": 2,
            "start": 4,
            "next_page_uri": None,
            "page": 2,
        },
    ]


def test_full_page_can_be_the_last(client: Client) -> None:
    """A client should not have to request an empty page."""
    make_applications(client, 4)
    first = client.get("Applications.json?PageSize=2").json
    second = client.get(first["next_page_uri"]).json

    assert (len(second["applications"]), second["next_page_uri"]) == (2, None)
    assert client.get("Applications.json?PageSize=2&Page=1").json["next_page_uri"] is None


def test_empty_list_is_one_page(client: Client) -> None:
    """There is no next page to request."""
    path = f"{BASE}/Applications.json?PageSize=50&Page=0"

    assert client.get("Applications.json").json == {
        "applications": [],
        "first_page_uri": path,
        "end": 0,
        "previous_page_uri": None,
        "uri": path,
        "page_size": 50,
        "start": 0,
        "next_page_uri": None,
        "page": 0,
    }


@pytest.mark.parametrize("extension", [".json", ".xml", ".csv", ""])
def test_page_uri_keeps_the_extension(extension: str, emulator: Emulator) -> None:
    """A client that reads XML also gets the next page in XML."""
    query = Parameters({"PageSize": ["1"]})
    request = make_request(query, extension.removeprefix("."))
    for n in range(2):
        emulator._context.store.save(application(n))
    page = Pager(emulator._context.store, clips=False, totals=False).list_page(request, Application, NAMES, represent)

    path = f"{BASE}/Applications{extension}?PageSize=1&Page="
    assert [page.page["uri"], page.page["next_page_uri"]] == [f"{path}0", f"{path}1&PageToken=PA{application(1).sid}"]


def test_page_uri_keeps_the_filters(client: Client) -> None:
    """The operator of a date filter is part of its name, and a plus sign must stay encoded."""
    query = {"To": PHONE, "DateSent>": "2020-01-01", "From": NUMBER, "PageSize": "2", "Odd": "a b&c=d é"}
    first = client.get("Messages.json", query).json
    filters = "To=%2B15558675310&DateSent%3E=2020-01-01&From=%2B15017122661&Odd=a+b%26c%3Dd+%C3%A9"

    assert first["uri"] == f"{BASE}/Messages.json?{filters}&PageSize=2&Page=0"


def test_next_page_is_filtered_too(client: Client) -> None:
    """Otherwise the second page would have other resources."""
    for to in (PHONE, "+15558675311", PHONE, PHONE, "+15558675311"):
        client.text(To=to)
    first = client.get("Messages.json", {"To": PHONE, "PageSize": "2"}).json
    second = client.get(first["next_page_uri"]).json

    assert [len(page["messages"]) for page in (first, second)] == [2, 1]
    assert {message["to"] for page in (first, second) for message in page["messages"]} == {PHONE}
    assert second["next_page_uri"] is None


def test_page_can_be_requested_by_number(client: Client) -> None:
    """Clients of 2010 do this."""
    made = make_applications(client, 5)

    assert sids(client.get("Applications.json?PageSize=2&Page=1").json) == made[2:4]
    assert sids(client.get("Applications.json?PageSize=2&Page=9").json) == []


@pytest.mark.parametrize(
    ("profile", "size", "shown", "code"),
    [
        ("current", "1000", 1000, 0),
        ("current", "1001", 0, 20007),
        ("2014", "1001", 1000, 0),
        ("current", "0", 1, 0),
        ("current", "-1", 0, 20001),
        ("current", "many", 0, 20001),
        ("current", "", 50, 0),
    ],
)
def test_page_size_is_at_most_a_thousand(profile: str, size: str, shown: int, code: int) -> None:
    """A larger size used to be reduced, and is now refused."""
    with Emulator(EmulatorOptions(profile=profile)) as emulator:
        reply = Client(emulator).get("Applications.json", {"PageSize": size})

    assert (reply.json.get("code", 0), reply.json.get("page_size", 0)) == (code, shown)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"PageToken": "PAAP" + "9" * 32}, 21481),
        ({"PageToken": "nonsense"}, 21481),
        ({"PageToken": "PASM" + "9" * 32}, 21481),
        ({"Page": "x"}, 20001),
    ],
    ids=["unknown token", "malformed token", "token of another list", "invalid page"],
)
def test_unknown_page_token_is_refused(query: dict[str, str], code: int, client: Client) -> None:
    """Starting from the first page instead would be an endless loop."""
    make_applications(client, 1)

    assert client.get("Applications.json", query).error == (400, code)
    assert client.get("/v1/Services", query).error == (400, code)


def test_older_profiles_have_totals() -> None:
    """The documentation of 2014 has totals, the current one does not."""
    with Emulator(EmulatorOptions(profile="2014", start=START)) as emulator:
        early = Client(emulator)
        make_applications(early, 5)
        page = early.get("Applications.json?PageSize=2&FriendlyName=").json
        found = early.get("Applications.json?PageSize=2&FriendlyName=3").json

    path = f"{BASE}/Applications.json?PageSize=2&Page=2"
    assert (page["total"], page["num_pages"], page["last_page_uri"]) == (5, 3, path)
    assert (found["total"], found["num_pages"]) == (1, 1)


def test_empty_list_has_one_page_in_older_profiles() -> None:
    """The first page must exist, because clients request it by number."""
    with Emulator(EmulatorOptions(profile="2014")) as emulator:
        page = Client(emulator).get("Applications.json").json

    assert (page["total"], page["num_pages"], page["last_page_uri"]) == (0, 1, page["first_page_uri"])


def test_deleting_page_by_page_reaches_every_resource(client: Client) -> None:
    """The next page starts after a resource that is deleted by then."""
    made = make_applications(client, 5)
    seen: list[str] = []
    uri = "Applications.json?PageSize=2"
    while uri:
        page = client.get(uri).json
        for sid in sids(page):
            client.request("DELETE", f"Applications/{sid}")
        seen += sids(page)
        uri = page["next_page_uri"]

    assert seen == made


def test_official_client_reads_every_page(emulator: Emulator, client: Client) -> None:
    """The official library's own loop yields each resource once."""
    made = make_applications(client, 7)
    read = emulator.client().applications

    assert [each.sid for each in read.list(page_size=3)] == made
    assert [each.sid for each in read.list(limit=4, page_size=3)] == made[:4]
    assert [each.sid for each in read.stream(page_size=1)] == made


def application(n: int) -> Application:
    """Return an application."""
    return Application(
        sid=f"AP{n:032}", account_sid=ACCOUNT_SID, date_created=START, date_updated=START, friendly_name=f"{n}"
    )


def represent(found: Application) -> dict[str, Any]:
    """Return the fields of an application."""
    return {"sid": found.sid}


def make_request(query: Parameters, extension: str = "json") -> ApiRequest:
    """Return a request for a page of applications."""
    return ApiRequest(
        method="GET",
        path=f"{BASE}/Applications",
        extension=extension,
        version="2010-04-01",
        query=query,
        form=Parameters({}),
        caller=ACCOUNT,
        account=ACCOUNT,
        base_url="http://127.0.0.1:8088",
    )


@dataclass
class Reading:
    """A list that changes while a client reads it."""

    store: ResourceStore
    new: Iterator[int] = field(default_factory=count)
    present: list[str] = field(default_factory=list)

    def insert(self) -> None:
        """Create a resource."""
        self.present.append(self.store.save(application(next(self.new))).sid)

    def delete(self, index: int) -> None:
        """Delete one of the present resources."""
        if self.present:
            self.store.delete(Application, self.present.pop(index % len(self.present)))

    def change(self, changes: Sequence[int]) -> None:
        """Delete the resource at each index; create one for each negative number."""
        for each in changes:
            self.insert() if each < 0 else self.delete(each)


Pages = Callable[[Pager, Reading, int], Iterator[list[str]]]


def by_uri(pager: Pager, reading: Reading, size: int) -> Iterator[list[str]]:
    """Yield the pages of a list, following the URI of the next page."""
    uri = f"?PageSize={size}"
    while uri:
        query = Parameters(parse_qs(urlsplit(uri).query))
        page = pager.list_page(make_request(query), Application, NAMES, represent)
        yield [each["sid"] for each in page.items]
        uri = page.page["next_page_uri"] or ""


def from_a_sequence(pager: Pager, reading: Reading, size: int) -> Iterator[list[str]]:
    """Yield pages cut from a sequence of resources."""
    page, has_more = Page(size=size, number=0), True
    while has_more:
        kept = [found for sid in reading.present if (found := reading.store.get(Application, sid))]
        shown, has_more = pager.cut(Application, page, kept)
        yield [each.sid for each in shown]
        page = Page(size=size, number=page.number + 1, beyond=shown[-1].sid if has_more else "")


@pytest.mark.parametrize("pages", [by_uri, from_a_sequence])
@given(
    number=st.integers(0, 8),
    size=st.integers(1, 4),
    changes=st.lists(st.lists(st.integers(-3, 20), max_size=5), max_size=8),
)
def test_reading_every_page_neither_repeats_nor_skips(
    pages: Pages, number: int, size: int, changes: list[list[int]]
) -> None:
    """This holds whatever is created or deleted between two pages."""
    reading = Reading(ResourceStore())
    for _ in range(number):
        reading.insert()
    at_first, seen = list(reading.present), []
    read = pages(Pager(reading.store, clips=False, totals=False), reading, size)
    for n, page in enumerate(islice(read, MAX_PAGES)):
        seen += page
        reading.change(changes[n] if n < len(changes) else [])
    reading.store.close()

    assert len(seen) == len(set(seen))
    assert {sid for sid in at_first if sid in reading.present} <= set(seen)
