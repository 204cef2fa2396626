"""Messages: list, fetch, redact, cancel, delete, and what their sender says of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.rest.asking import NUMBER, PHONE, Client, basic
from twiml_app.emulator import AUTH_TOKEN, Emulator, EmulatorOptions
from twiml_app.emulator.resources import Feedback, MediaRecord

#: 2019-06-12, five minutes and 25 seconds past five in the morning.
START = datetime(2019, 6, 12, 5, 5, 25, tzinfo=UTC).timestamp()
OTHER = "+15017122662"
SERVICE = "MG" + "1" * 32
NOWHERE = "SM" + "0" * 32
SEED = {
    "numbers": [{"phone_number": NUMBER}, {"phone_number": OTHER}],
    "services": [{"sid": SERVICE, "numbers": [NUMBER]}],
}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator with two numbers and a service."""
    with Emulator(EmulatorOptions(seed=SEED, start=START)) as running:
        yield running


def sent(emulator: Emulator, client: Client, **changes: str) -> str:
    """Send a message, let it arrive, and return its sid."""
    sid: str = client.text(**changes)["sid"]
    emulator.settle()
    return sid


def found(client: Client, query: Mapping[str, str] | None = None) -> list[str]:
    """Return the texts of the messages in a list."""
    reply = client.get("Messages.json", query)
    assert reply.status == 200
    return [each["body"] for each in reply.json["messages"]]


def test_message_is_fetched_as_it_has_become(emulator: Emulator, client: Client) -> None:
    """The answer to its making is of the moment; later there are a date, a price and a status."""
    made = client.text()
    emulator.settle()

    fetched = client.get(f"Messages/{made['sid']}.json").json

    assert (made["status"], made["date_sent"], made["price"]) == ("queued", None, None)
    assert (fetched["status"], fetched["price"], fetched["price_unit"]) == ("delivered", "-0.00750", "USD")
    assert fetched["date_sent"] == "Wed, 12 Jun 2019 05:05:25 +0000"
    assert fetched["date_updated"] == "Wed, 12 Jun 2019 05:05:26 +0000"


def test_failure_is_told_by_its_number(emulator: Emulator, client: Client) -> None:
    """ErrorCode and its meaning are a part of the message."""
    emulator.phone(PHONE).will("undelivered", 30005)

    fetched = client.get(f"Messages/{sent(emulator, client)}.json").json

    assert (fetched["status"], fetched["error_code"]) == ("undelivered", 30005)
    assert fetched["error_message"].startswith("Unknown")


@pytest.mark.parametrize("sid", [NOWHERE, "SM", "x", "SM%00", "%F0%9F%91%8D"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_message_that_is_not_there_is_404(client: Client, method: str, sid: str) -> None:
    """Whatever stands in the path."""
    assert client.request(method, f"Messages/{sid}.json", {"Body": ""}).error == (404, 20404)


def test_message_of_another_account_is_404(emulator: Emulator, client: Client) -> None:
    """Not even the parent sees a subaccount's messages under its own path."""
    child = client.post("/2010-04-01/Accounts.json").json
    sid = sent(emulator, client)

    for path in (f"Messages/{sid}", f"Messages/{sid}/Media", f"SMS/Messages/{sid}"):
        assert client.get(f"/2010-04-01/Accounts/{child['sid']}/{path}.json").error == (404, 20404)
    assert client.post(f"/2010-04-01/Accounts/{child['sid']}/Messages/{sid}/Feedback.json").error == (404, 20404)


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "Messages"), ("PATCH", "Messages"), ("OPTIONS", f"Messages/{NOWHERE}"), ("DELETE", "Messages/x/Media")],
)
def test_what_messages_do_not_do_is_405(client: Client, method: str, path: str) -> None:
    """The path exists, the method does not."""
    assert client.request(method, f"{path}.json").error == (405, 20004)


# Lists


def test_list_has_the_newest_first(client: Client) -> None:
    """Inbound and outbound alike."""
    for body in ("one", "two", "three"):
        client.text(Body=body)

    assert found(client) == ["three", "two", "one"]


def test_inbound_messages_are_listed_too(emulator: Emulator, client: Client) -> None:
    """A message that came in is a resource as well."""
    emulator.phone(PHONE).text("anybody there?", number=NUMBER)

    (message,) = client.get("Messages.json").json["messages"]

    assert (message["direction"], message["status"], message["body"]) == ("inbound", "received", "anybody there?")


@pytest.mark.parametrize(
    ("query", "bodies"),
    [
        pytest.param({"To": PHONE}, ["b", "a"], id="To"),
        pytest.param({"To": "(555) 867-5310"}, ["b", "a"], id="To, written locally"),
        pytest.param({"From": NUMBER}, ["c", "a"], id="From"),
        pytest.param({"From": OTHER, "To": PHONE}, ["b"], id="both"),
        pytest.param({"To": "+1555867"}, [], id="a part of a number"),
        pytest.param({"To": "Jenny"}, [], id="no number"),
        pytest.param({"To": "", "From": ""}, ["c", "b", "a"], id="empty ones"),
    ],
)
def test_list_is_filtered_by_address(client: Client, query: Mapping[str, str], bodies: list[str]) -> None:
    """Numbers match however they are written; an empty filter is none."""
    client.text(Body="a")
    client.text(Body="b", From=OTHER)
    client.text(Body="c", To="+15558675311")

    assert found(client, query) == bodies


#: Messages leave on 2019-06-12 at 05:05:25, on the 13th and on the 14th at that time.
DATES: dict[str, tuple[Mapping[str, str], list[str]]] = {
    "a day": ({"DateSent": "2019-06-13"}, ["second"]),
    "a day as the clients write it": ({"DateSent": "2019-06-13T00:00:00Z"}, ["second"]),
    "a moment": ({"DateSent": "2019-06-13T05:05:25Z"}, ["second"]),
    "another moment": ({"DateSent": "2019-06-13T05:05:26Z"}, []),
    "from a day on": ({"DateSent>": "2019-06-13"}, ["third", "second"]),
    "from a moment on": ({"DateSent>": "2019-06-13T05:05:25Z"}, ["third", "second"]),
    "after a moment": ({"DateSent>": "2019-06-13T05:05:26Z"}, ["third"]),
    "up to a moment": ({"DateSent<": "2019-06-13T05:05:25Z"}, ["second", "first"]),
    "before a moment": ({"DateSent<": "2019-06-13T05:05:24Z"}, ["first"]),
    "between": ({"DateSent>": "2019-06-12T12:00:00Z", "DateSent<": "2019-06-13T12:00:00Z"}, ["second"]),
    "Mountain time": ({"DateSent": "06/12/2019 22:05:25 MST"}, ["second"]),
    "Mountain time, after": ({"DateSent>": "06/12/2019 22:05:26 MST"}, ["third"]),
    "month first": ({"DateSent": "06/13/2019"}, ["second"]),
    "a space and a fraction": ({"DateSent<": "2019-06-13 05:05:25.000"}, ["second", "first"]),
    "RFC 2822": ({"DateSent>": "Thu, 13 Jun 2019 05:05:26 -0000"}, ["third"]),
    "an offset": ({"DateSent": "2019-06-12T22:05:25-07:00"}, ["second"]),
    "nothing": ({"DateSent": "", "DateSent<": ""}, ["not yet", "third", "second", "first"]),
}


@pytest.mark.parametrize(("query", "bodies"), DATES.values(), ids=DATES)
def test_list_is_filtered_by_date_sent(
    emulator: Emulator, client: Client, query: Mapping[str, str], bodies: list[str]
) -> None:
    """The operator is a part of the name; what has not been sent has no date to compare."""
    for body in ("first", "second", "third"):
        client.text(Body=body)
        emulator.advance(24 * 3600)
    client.text(Body="not yet")

    assert found(client, query) == bodies


@pytest.mark.parametrize("name", ["DateSent", "DateSent<", "DateSent>"])
def test_date_that_is_none_is_refused(client: Client, name: str) -> None:
    """A filter that is misunderstood would show too much."""
    assert client.get("Messages.json", {name: "last week"}).error == (400, 20001)


def pages(client: Client, uri: str) -> Iterator[list[str]]:
    """Yield the sids of every page, as a client goes through them."""
    while uri:
        page = client.get(uri).json
        yield [each["sid"] for each in page["messages"]]
        uri = page["next_page_uri"]


def test_pages_carry_the_filters_along(client: Client) -> None:
    """A client fetches the next page by its URI exactly as given."""
    wanted = [client.text(To=PHONE)["sid"] for _ in range(5)][::-1]
    client.text(To="+15558675311")

    reply = client.get("Messages.json", {"To": PHONE, "PageSize": "2"}).json

    base = f"{client.base}/Messages.json?To=%2B15558675310&PageSize=2"
    assert {name: reply[name] for name in ("page", "page_size", "start", "end")} == {
        "page": 0,
        "page_size": 2,
        "start": 0,
        "end": 1,
    }
    assert (reply["uri"], reply["first_page_uri"]) == (f"{base}&Page=0", f"{base}&Page=0")
    assert (reply["previous_page_uri"], reply["next_page_uri"]) == (None, f"{base}&Page=1&PageToken=PA{wanted[1]}")
    assert [*pages(client, reply["uri"])] == [wanted[:2], wanted[2:4], wanted[4:]]


def test_messages_are_deleted_page_after_page(emulator: Emulator, client: Client) -> None:
    """The next page goes on behind what has been deleted meanwhile: nothing is left out."""
    wanted = [client.text()["sid"] for _ in range(5)]
    emulator.settle()

    for page in pages(client, f"{client.base}/Messages.json?PageSize=2"):
        for sid in page:
            assert client.request("DELETE", f"Messages/{sid}.json").status == 204
            wanted.remove(sid)

    assert wanted == []
    assert found(client) == []


def test_messages_that_come_in_between_shift_no_page(client: Client) -> None:
    """A token names a message, not a number of messages."""
    wanted = [client.text()["sid"] for _ in range(4)][::-1]
    page = client.get("Messages.json", {"PageSize": "2"}).json
    client.text()

    assert [each["sid"] for each in client.get(page["next_page_uri"]).json["messages"]] == wanted[2:]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        pytest.param({"PageSize": "1001"}, 20007, id="a page too large"),
        pytest.param({"PageSize": "many"}, 20001, id="a page size that is none"),
        pytest.param({"Page": "-1"}, 20001, id="a page before the first"),
        pytest.param({"PageToken": "SM1"}, 21481, id="a token that is none"),
        pytest.param({"PageToken": f"PA{NOWHERE}"}, 21481, id="a token of nobody"),
    ],
)
def test_page_that_is_none_is_refused(client: Client, query: Mapping[str, str], code: int) -> None:
    """Each with a number of its own."""
    assert client.get("Messages.json", query).error == (400, code)


# Redact and cancel


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_body_is_redacted(emulator: Emulator, client: Client, method: str) -> None:
    """An empty Body takes the text away, and nothing else."""
    sid = sent(emulator, client, Body="secret")
    before = client.get(f"Messages/{sid}.json").json

    reply = client.request(method, f"Messages/{sid}.json", {"Body": ""})

    assert reply.status == 200
    assert {**reply.json, "date_updated": ""} == {**before, "body": "", "date_updated": ""}
    assert client.get(f"Messages/{sid}.json").json["body"] == ""


def test_body_is_not_redacted_before_the_message_has_left(client: Client) -> None:
    """20009: the resource is not complete; its text is still needed."""
    sid = client.text()["sid"]

    assert client.post(f"Messages/{sid}.json", {"Body": ""}).error == (409, 20009)
    assert client.get(f"Messages/{sid}.json").json["body"] == "hello"


@pytest.mark.parametrize(
    "form",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Body": "another text"}, id="another text"),
        pytest.param({"Body": "", "Status": "canceled"}, id="both"),
        pytest.param({"Status": "delivered"}, id="another status"),
        pytest.param({"Status": ""}, id="an empty status"),
        pytest.param({"FriendlyName": "x"}, id="something else"),
    ],
)
def test_update_that_is_none_is_refused(emulator: Emulator, client: Client, form: Mapping[str, str]) -> None:
    """There are two changes to a message, one at a time: an empty Body, or Status=canceled."""
    sid = client.text(MessagingServiceSid=SERVICE, ScheduleType="fixed", SendAt="2019-06-12T06:00:00Z")["sid"]

    assert client.post(f"Messages/{sid}.json", form).error == (400, 30400)
    fetched = client.get(f"Messages/{sid}.json").json
    assert (fetched["body"], fetched["status"]) == ("hello", "scheduled")


def test_update_without_a_body_is_refused(client: Client) -> None:
    """A POST of no bytes is a form with nothing in it."""
    assert client.post(f"Messages/{client.text()['sid']}.json").error == (400, 30400)


def test_scheduled_message_is_canceled(emulator: Emulator, client: Client) -> None:
    """It never leaves; a second time it is too late."""
    sid = client.text(MessagingServiceSid=SERVICE, ScheduleType="fixed", SendAt="2019-06-12T06:00:00Z")["sid"]

    reply = client.post(f"Messages/{sid}.json", {"Status": "canceled"})
    emulator.advance(24 * 3600)

    assert (reply.status, reply.json["status"], reply.json["num_segments"]) == (200, "canceled", "1")
    assert emulator.phone(PHONE).inbox == []
    assert client.post(f"Messages/{sid}.json", {"Status": "canceled"}).error == (409, 30409)


def test_scheduled_message_leaves_at_its_moment(emulator: Emulator, client: Client) -> None:
    """Neither before it nor by settling what is on its way."""
    sid = client.text(MessagingServiceSid=SERVICE, ScheduleType="fixed", SendAt="2019-06-12T06:05:25Z")["sid"]
    emulator.settle()
    emulator.advance(3599)
    assert client.get(f"Messages/{sid}.json").json["status"] == "scheduled"

    emulator.advance(1)
    emulator.settle()
    fetched = client.get(f"Messages/{sid}.json").json

    assert (fetched["status"], fetched["from"]) == ("delivered", NUMBER)
    assert fetched["date_sent"] == "Wed, 12 Jun 2019 06:05:25 +0000"


def test_message_that_has_left_is_not_canceled(emulator: Emulator, client: Client) -> None:
    """30409, and it stays as it is."""
    sid = sent(emulator, client)

    assert client.post(f"Messages/{sid}.json", {"Status": "canceled"}).error == (409, 30409)
    assert client.get(f"Messages/{sid}.json").json["status"] == "delivered"


# Delete


@pytest.mark.parametrize(
    ("method", "suffix"), [("DELETE", ".json"), ("DELETE", ""), ("DELETE", ".xml"), ("POST", ".json?_method=DELETE")]
)
def test_message_is_deleted(emulator: Emulator, client: Client, method: str, suffix: str) -> None:
    """204 with nothing in it; its media and its feedback go with it."""
    picture = "https://example.com/picture.png"
    sid = sent(emulator, client, MediaUrl=picture)
    client.post(f"Messages/{sid}/Feedback.json")
    kept = sent(emulator, client)

    reply = client.request(method, f"Messages/{sid}{suffix}")

    assert (reply.status, reply.body, reply.headers["Content-Type"]) == (204, b"", None)
    assert client.get(f"Messages/{sid}.json").error == (404, 20404)
    assert [each["sid"] for each in client.get("Messages.json").json["messages"]] == [kept]
    assert emulator.context.store.count(MediaRecord) == 0
    assert emulator.context.store.count(Feedback) == 0


def test_message_on_its_way_is_not_deleted(emulator: Emulator, client: Client) -> None:
    """20009: not complete; once it has left it can go."""
    sid = client.text()["sid"]

    assert client.request("DELETE", f"Messages/{sid}.json").error == (409, 20009)
    emulator.settle()
    assert client.request("DELETE", f"Messages/{sid}.json").status == 204
    assert client.request("DELETE", f"Messages/{sid}.json").error == (404, 20404)


# Feedback


@pytest.mark.parametrize(
    ("form", "outcome"),
    [({}, "confirmed"), ({"Outcome": "unconfirmed"}, "unconfirmed"), ({"Outcome": ""}, "confirmed")],
)
def test_feedback_is_noted(emulator: Emulator, client: Client, form: Mapping[str, str], outcome: str) -> None:
    """The sender says whether the message did what it was for."""
    sid = sent(emulator, client)

    reply = client.post(f"Messages/{sid}/Feedback.json", form)

    assert reply.status == 200
    assert reply.json == {
        "account_sid": client.sid,
        "message_sid": sid,
        "outcome": outcome,
        "date_created": "Wed, 12 Jun 2019 05:05:26 +0000",
        "date_updated": "Wed, 12 Jun 2019 05:05:26 +0000",
        "uri": f"{client.base}/Messages/{sid}/Feedback.json",
    }


def test_feedback_that_is_none_is_refused(emulator: Emulator, client: Client) -> None:
    """Confirmed or unconfirmed, and nothing between."""
    sid = sent(emulator, client)

    assert client.post(f"Messages/{sid}/Feedback.json", {"Outcome": "perhaps"}).error == (400, 20001)
    assert emulator.context.store.count(Feedback) == 0


# Bytes


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    """An emulator for many messages."""
    with Emulator() as running:
        yield Client(running)


@given(body=st.text(min_size=1, max_size=60))
def test_any_text_comes_back_as_it_was_sent(shared: Client, body: str) -> None:
    """In JSON every character survives, NUL too; XML and CSV leave out what they cannot carry, and stay readable."""
    made = shared.text(Body=body)

    assert made["body"] == body
    for extension in ("", ".xml", ".csv"):
        assert shared.get(f"Messages/{made['sid']}{extension}").status == 200
    (in_xml,) = shared.get(f"Messages/{made['sid']}").texts("Message/Body")
    carried = "".join(c for c in body if c >= " " or c in "\t\n\r").replace("￾", "").replace("￿", "")
    assert (in_xml or "").replace("\r", "\n") == carried.replace("\r", "\n")


@given(form=st.binary(max_size=200))
def test_any_bytes_are_answered(shared: Client, form: bytes) -> None:
    """A form that is none is refused with a number, never with an internal error."""
    headers = {"Authorization": basic(shared.sid, AUTH_TOKEN)}

    assert shared.send("POST", f"{shared.base}/Messages.json", form, headers).status == 400
