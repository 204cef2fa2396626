"""Messages: list, fetch, redact, cancel, delete, and feedback on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.rest.asking import NUMBER, PHONE, Client, basic
from twiml_app.emulator import AUTH_TOKEN, Emulator, EmulatorOptions
from twiml_app.emulator.resources import Feedback, MediaRecord

#: 2019-06-12 05:05:25 UTC.
START = datetime(2019, 6, 12, 5, 5, 25, tzinfo=UTC).timestamp()
OTHER = "+15017122662"
SERVICE = "MG" + "1" * 32
UNKNOWN = "SM" + "0" * 32
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
    """Send a message, let it be delivered, and return its SID."""
    sid: str = client.text(**changes)["sid"]
    emulator.settle()
    return sid


def found(client: Client, query: Mapping[str, str] | None = None) -> list[str]:
    """Return the bodies of the messages in a list."""
    reply = client.get("Messages.json", query)
    assert reply.status == 200
    return [each["body"] for each in reply.json["messages"]]


def test_fetched_message_has_its_current_state(emulator: Emulator, client: Client) -> None:
    """The response to its creation has no date and price yet; they are set when it is sent."""
    made = client.text()
    emulator.settle()

    fetched = client.get(f"Messages/{made['sid']}.json").json

    assert (made["status"], made["date_sent"], made["price"]) == ("queued", None, None)
    assert (fetched["status"], fetched["price"], fetched["price_unit"]) == ("delivered", "-0.00750", "USD")
    assert fetched["date_sent"] == "Wed, 12 Jun 2019 05:05:25 +0000"
    assert fetched["date_updated"] == "Wed, 12 Jun 2019 05:05:26 +0000"


def test_failed_message_has_its_error_code(emulator: Emulator, client: Client) -> None:
    """The error code and its description are part of the message."""
    emulator.phone(PHONE).will("undelivered", 30005)

    fetched = client.get(f"Messages/{sent(emulator, client)}.json").json

    assert (fetched["status"], fetched["error_code"]) == ("undelivered", 30005)
    assert fetched["error_message"].startswith("Unknown")


@pytest.mark.parametrize("sid", [UNKNOWN, "SM", "x", "SM%00", "%F0%9F%91%8D"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_unknown_message_is_404(client: Client, method: str, sid: str) -> None:
    """This includes paths with anything but a SID."""
    assert client.request(method, f"Messages/{sid}.json", {"Body": ""}).error == (404, 20404)


def test_message_of_another_account_is_404(emulator: Emulator, client: Client) -> None:
    """A message is only found under the path of its own account."""
    child = client.post("/2010-04-01/Accounts.json").json
    sid = sent(emulator, client)

    for path in (f"Messages/{sid}", f"Messages/{sid}/Media", f"SMS/Messages/{sid}"):
        assert client.get(f"/2010-04-01/Accounts/{child['sid']}/{path}.json").error == (404, 20404)
    assert client.post(f"/2010-04-01/Accounts/{child['sid']}/Messages/{sid}/Feedback.json").error == (404, 20404)


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "Messages"), ("PATCH", "Messages"), ("OPTIONS", f"Messages/{UNKNOWN}"), ("DELETE", "Messages/x/Media")],
)
def test_unsupported_method_is_405(client: Client, method: str, path: str) -> None:
    """The path exists, but not with this method."""
    assert client.request(method, f"{path}.json").error == (405, 20004)


# Lists


def test_list_has_newest_first(client: Client) -> None:
    """Twilio sorts lists in the same way."""
    for body in ("one", "two", "three"):
        client.text(Body=body)

    assert found(client) == ["three", "two", "one"]


def test_inbound_messages_are_listed_too(emulator: Emulator, client: Client) -> None:
    """An inbound message is a resource as well."""
    emulator.phone(PHONE).text("anybody there?", number=NUMBER)

    (message,) = client.get("Messages.json").json["messages"]

    assert (message["direction"], message["status"], message["body"]) == ("inbound", "received", "anybody there?")


@pytest.mark.parametrize(
    ("query", "bodies"),
    [
        pytest.param({"To": PHONE}, ["b", "a"], id="To"),
        pytest.param({"To": "(555) 867-5310"}, ["b", "a"], id="To in local format"),
        pytest.param({"From": NUMBER}, ["c", "a"], id="From"),
        pytest.param({"From": OTHER, "To": PHONE}, ["b"], id="From and To"),
        pytest.param({"To": "+1555867"}, [], id="part of a number"),
        pytest.param({"To": "Jenny"}, [], id="not a number"),
        pytest.param({"To": "", "From": ""}, ["c", "b", "a"], id="empty filters"),
    ],
)
def test_list_is_filtered_by_address(client: Client, query: Mapping[str, str], bodies: list[str]) -> None:
    """Numbers match in any format; an empty filter is ignored."""
    client.text(Body="a")
    client.text(Body="b", From=OTHER)
    client.text(Body="c", To="+15558675311")

    assert found(client, query) == bodies


#: Messages are sent on 2019-06-12, 13 and 14, each time at 05:05:25.
DATES: dict[str, tuple[Mapping[str, str], list[str]]] = {
    "date": ({"DateSent": "2019-06-13"}, ["second"]),
    "date as the clients write it": ({"DateSent": "2019-06-13T00:00:00Z"}, ["second"]),
    "time": ({"DateSent": "2019-06-13T05:05:25Z"}, ["second"]),
    "another time": ({"DateSent": "2019-06-13T05:05:26Z"}, []),
    "from a date on": ({"DateSent>": "2019-06-13"}, ["third", "second"]),
    "from a time on": ({"DateSent>": "2019-06-13T05:05:25Z"}, ["third", "second"]),
    "after a time": ({"DateSent>": "2019-06-13T05:05:26Z"}, ["third"]),
    "up to a time": ({"DateSent<": "2019-06-13T05:05:25Z"}, ["second", "first"]),
    "before a time": ({"DateSent<": "2019-06-13T05:05:24Z"}, ["first"]),
    "between two times": ({"DateSent>": "2019-06-12T12:00:00Z", "DateSent<": "2019-06-13T12:00:00Z"}, ["second"]),
    "Mountain time": ({"DateSent": "06/12/2019 22:05:25 MST"}, ["second"]),
    "after, Mountain time": ({"DateSent>": "06/12/2019 22:05:26 MST"}, ["third"]),
    "month first": ({"DateSent": "06/13/2019"}, ["second"]),
    "space and fraction": ({"DateSent<": "2019-06-13 05:05:25.000"}, ["second", "first"]),
    "RFC 2822": ({"DateSent>": "Thu, 13 Jun 2019 05:05:26 -0000"}, ["third"]),
    "UTC offset": ({"DateSent": "2019-06-12T22:05:25-07:00"}, ["second"]),
    "empty filters": ({"DateSent": "", "DateSent<": ""}, ["not yet", "third", "second", "first"]),
}


@pytest.mark.parametrize(("query", "bodies"), DATES.values(), ids=DATES)
def test_list_is_filtered_by_date_sent(
    emulator: Emulator, client: Client, query: Mapping[str, str], bodies: list[str]
) -> None:
    """The operator is part of the parameter name; a message that has not been sent has no date."""
    for body in ("first", "second", "third"):
        client.text(Body=body)
        emulator.advance(24 * 3600)
    client.text(Body="not yet")

    assert found(client, query) == bodies


@pytest.mark.parametrize("name", ["DateSent", "DateSent<", "DateSent>"])
def test_invalid_date_is_refused(client: Client, name: str) -> None:
    """Ignoring the filter would return too much."""
    assert client.get("Messages.json", {name: "last week"}).error == (400, 20001)


def pages(client: Client, uri: str) -> Iterator[list[str]]:
    """Yield the SIDs of each page, in the way that a client reads them."""
    while uri:
        page = client.get(uri).json
        yield [each["sid"] for each in page["messages"]]
        uri = page["next_page_uri"]


def test_page_uris_keep_the_filters(client: Client) -> None:
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
    """The next page starts after the deleted messages, so no message is skipped."""
    wanted = [client.text()["sid"] for _ in range(5)]
    emulator.settle()

    for page in pages(client, f"{client.base}/Messages.json?PageSize=2"):
        for sid in page:
            assert client.request("DELETE", f"Messages/{sid}.json").status == 204
            wanted.remove(sid)

    assert wanted == []
    assert found(client) == []


def test_new_messages_do_not_shift_the_next_page(client: Client) -> None:
    """A page token names a message, not an offset."""
    wanted = [client.text()["sid"] for _ in range(4)][::-1]
    page = client.get("Messages.json", {"PageSize": "2"}).json
    client.text()

    assert [each["sid"] for each in client.get(page["next_page_uri"]).json["messages"]] == wanted[2:]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        pytest.param({"PageSize": "1001"}, 20007, id="page size too large"),
        pytest.param({"PageSize": "many"}, 20001, id="invalid page size"),
        pytest.param({"Page": "-1"}, 20001, id="negative page"),
        pytest.param({"PageToken": "SM1"}, 21481, id="malformed token"),
        pytest.param({"PageToken": f"PA{UNKNOWN}"}, 21481, id="unknown token"),
    ],
)
def test_invalid_page_is_refused(client: Client, query: Mapping[str, str], code: int) -> None:
    """Each problem has its own error code."""
    assert client.get("Messages.json", query).error == (400, code)


# Redact and cancel


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_body_is_redacted(emulator: Emulator, client: Client, method: str) -> None:
    """An empty Body removes only the text."""
    sid = sent(emulator, client, Body="secret")
    before = client.get(f"Messages/{sid}.json").json

    reply = client.request(method, f"Messages/{sid}.json", {"Body": ""})

    assert reply.status == 200
    assert {**reply.json, "date_updated": ""} == {**before, "body": "", "date_updated": ""}
    assert client.get(f"Messages/{sid}.json").json["body"] == ""


def test_body_is_not_redacted_before_the_message_is_sent(client: Client) -> None:
    """20009: the message is not finished, and its text is still needed."""
    sid = client.text()["sid"]

    assert client.post(f"Messages/{sid}.json", {"Body": ""}).error == (409, 20009)
    assert client.get(f"Messages/{sid}.json").json["body"] == "hello"


@pytest.mark.parametrize(
    "form",
    [
        pytest.param({}, id="empty form"),
        pytest.param({"Body": "another text"}, id="new body"),
        pytest.param({"Body": "", "Status": "canceled"}, id="body and status"),
        pytest.param({"Status": "delivered"}, id="other status"),
        pytest.param({"Status": ""}, id="empty status"),
        pytest.param({"FriendlyName": "x"}, id="other parameter"),
    ],
)
def test_invalid_update_is_refused(emulator: Emulator, client: Client, form: Mapping[str, str]) -> None:
    """The only updates are an empty Body and Status=canceled, one at a time."""
    sid = client.text(MessagingServiceSid=SERVICE, ScheduleType="fixed", SendAt="2019-06-12T06:00:00Z")["sid"]

    assert client.post(f"Messages/{sid}.json", form).error == (400, 30400)
    fetched = client.get(f"Messages/{sid}.json").json
    assert (fetched["body"], fetched["status"]) == ("hello", "scheduled")


def test_update_without_a_body_is_refused(client: Client) -> None:
    """A POST without a body is an empty form."""
    assert client.post(f"Messages/{client.text()['sid']}.json").error == (400, 30400)


def test_scheduled_message_is_canceled(emulator: Emulator, client: Client) -> None:
    """It is never sent; canceling it again is too late."""
    sid = client.text(MessagingServiceSid=SERVICE, ScheduleType="fixed", SendAt="2019-06-12T06:00:00Z")["sid"]

    reply = client.post(f"Messages/{sid}.json", {"Status": "canceled"})
    emulator.advance(24 * 3600)

    assert (reply.status, reply.json["status"], reply.json["num_segments"]) == (200, "canceled", "1")
    assert emulator.phone(PHONE).inbox == []
    assert client.post(f"Messages/{sid}.json", {"Status": "canceled"}).error == (409, 30409)


def test_scheduled_message_is_sent_at_its_time(emulator: Emulator, client: Client) -> None:
    """It is not sent earlier, and ``settle`` does not send it."""
    sid = client.text(MessagingServiceSid=SERVICE, ScheduleType="fixed", SendAt="2019-06-12T06:05:25Z")["sid"]
    emulator.settle()
    emulator.advance(3599)
    assert client.get(f"Messages/{sid}.json").json["status"] == "scheduled"

    emulator.advance(1)
    emulator.settle()
    fetched = client.get(f"Messages/{sid}.json").json

    assert (fetched["status"], fetched["from"]) == ("delivered", NUMBER)
    assert fetched["date_sent"] == "Wed, 12 Jun 2019 06:05:25 +0000"


def test_sent_message_is_not_canceled(emulator: Emulator, client: Client) -> None:
    """It is refused with 30409 and stays unchanged."""
    sid = sent(emulator, client)

    assert client.post(f"Messages/{sid}.json", {"Status": "canceled"}).error == (409, 30409)
    assert client.get(f"Messages/{sid}.json").json["status"] == "delivered"


# Delete


@pytest.mark.parametrize(
    ("method", "suffix"), [("DELETE", ".json"), ("DELETE", ""), ("DELETE", ".xml"), ("POST", ".json?_method=DELETE")]
)
def test_message_is_deleted(emulator: Emulator, client: Client, method: str, suffix: str) -> None:
    """The response is an empty 204; media and feedback of the message are deleted too."""
    picture = "https://example.com/picture.png"
    sid = sent(emulator, client, MediaUrl=picture)
    client.post(f"Messages/{sid}/Feedback.json")
    kept = sent(emulator, client)

    reply = client.request(method, f"Messages/{sid}{suffix}")

    assert (reply.status, reply.body, reply.headers["Content-Type"]) == (204, b"", None)
    assert client.get(f"Messages/{sid}.json").error == (404, 20404)
    assert [each["sid"] for each in client.get("Messages.json").json["messages"]] == [kept]
    assert emulator._context.store.count(MediaRecord) == 0
    assert emulator._context.store.count(Feedback) == 0


def test_message_in_transit_is_not_deleted(emulator: Emulator, client: Client) -> None:
    """20009: the message is not finished; once it is, it can be deleted."""
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
def test_feedback_is_stored(emulator: Emulator, client: Client, form: Mapping[str, str], outcome: str) -> None:
    """The app reports whether the contact acted on the message."""
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


def test_invalid_feedback_is_refused(emulator: Emulator, client: Client) -> None:
    """The outcome is either confirmed or unconfirmed."""
    sid = sent(emulator, client)

    assert client.post(f"Messages/{sid}/Feedback.json", {"Outcome": "perhaps"}).error == (400, 20001)
    assert emulator._context.store.count(Feedback) == 0


# Bytes


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    """A client of an emulator that is shared by all examples of a test."""
    with Emulator() as running:
        yield Client(running)


@given(body=st.text(min_size=1, max_size=60))
def test_any_body_is_returned_unchanged(shared: Client, body: str) -> None:
    """JSON keeps every character, NUL too; XML and CSV drop those that XML does not allow, and stay readable."""
    made = shared.text(Body=body)

    assert made["body"] == body
    for extension in ("", ".xml", ".csv"):
        assert shared.get(f"Messages/{made['sid']}{extension}").status == 200
    (in_xml,) = shared.get(f"Messages/{made['sid']}").texts("Message/Body")
    carried = "".join(c for c in body if c >= " " or c in "\t\n\r").replace("￾", "").replace("￿", "")
    assert (in_xml or "").replace("\r", "\n") == carried.replace("\r", "\n")


@given(form=st.binary(max_size=200))
def test_any_bytes_get_a_client_error(shared: Client, form: bytes) -> None:
    """An invalid form is the client's error, never an internal one."""
    headers = {"Authorization": basic(shared.sid, AUTH_TOKEN)}

    assert shared.send("POST", f"{shared.base}/Messages.json", form, headers).status == 400
