"""Emulator-only endpoints: send inbound texts, move the clock, simulate an outage, reset."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulator.rest.asking import NUMBER, PHONE, START, Client
from tests.emulator.rest.counting import counted_sids
from tests.emulator.rest.listening import Listener, listening
from twiml_app.emulator import ACCOUNT_SID, Emulator, EmulatorOptions

DATE = "Tue, 14 Nov 2023 22:13:20 +0000"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator with a number that has no Message URL."""
    with Emulator(EmulatorOptions(start=START), new_sid=counted_sids()) as running:
        running.add_number(NUMBER)
        yield running


def send_text(client: Client, **changes: str) -> Any:
    """Text the number, and return the response."""
    return client.post("/_emulator/texts", {"From": PHONE, "To": NUMBER, "Body": "hi", **changes})


def test_inbound_text_is_returned(client: Client) -> None:
    """The message has the same fields as in the REST API."""
    reply = send_text(client)
    sid = f"SM{1:032}"
    uri = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{sid}"

    assert reply.status == 201
    assert reply.json == {
        "inbound": {
            "sid": sid,
            "date_created": DATE,
            "date_updated": DATE,
            "date_sent": DATE,
            "account_sid": ACCOUNT_SID,
            "to": NUMBER,
            "from": PHONE,
            "messaging_service_sid": None,
            "body": "hi",
            "status": "received",
            "num_segments": "1",
            "num_media": "0",
            "direction": "inbound",
            "api_version": "2010-04-01",
            "price": "-0.00750",
            "price_unit": "USD",
            "error_code": None,
            "error_message": None,
            "uri": f"{uri}.json",
            "subresource_uris": {"media": f"{uri}/Media.json", "feedback": f"{uri}/Feedback.json"},
        },
        "replies": [],
        "twilio_says": "",
        "unrouted": "+15017122661 has no Message URL",
        "problems": [],
        "further": [],
        "sent": [],
    }


def test_fault_happens_to_a_text(client: Client) -> None:
    """The answers to the other messages that it makes are shown too."""
    turn = send_text(client, Fault="text-duplicate").json
    (further,) = turn["further"]

    assert (turn["inbound"]["body"], further["inbound"]["body"]) == ("hi", "hi")
    assert turn["inbound"]["sid"] != further["inbound"]["sid"]
    assert further["further"] == send_text(client).json["further"] == []


def test_reaction_to_a_text_is_sent_as_a_text(client: Client) -> None:
    """The body is the text that somebody reacts to."""
    assert send_text(client, Reaction="like").json["inbound"]["body"] == "Liked “hi”"
    assert send_text(client, Reaction="👍").json["inbound"]["body"] == "Reacted 👍 to “hi”"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        pytest.param({"Fault": "api-429"}, "fault: 'api-429' does not happen to a text: use one of ", id="fault"),
        pytest.param({"Reaction": "liked"}, "reaction: 'liked' is not an emoji or one of: ", id="reaction"),
    ],
)
def test_unknown_fault_or_reaction_is_refused(client: Client, changes: dict[str, str], problem: str) -> None:
    """Nothing arrives then."""
    refused = send_text(client, **changes)

    assert refused.error == (400, 20001)
    assert refused.json["message"].startswith(problem)
    assert client.get("Messages.json").json["messages"] == []


def test_numbers_can_be_written_in_any_format(client: Client) -> None:
    """However a number is written, it means the same phone."""
    reply = send_text(client, From="(555) 867-5310", To="501-712-2661")

    assert (reply.json["inbound"]["from"], reply.json["inbound"]["to"]) == (PHONE, NUMBER)


def test_text_goes_to_the_only_number_by_default(client: Client) -> None:
    """Most developers have one number."""
    assert client.post("/_emulator/texts", {"From": PHONE, "Body": "hi"}).json["inbound"]["to"] == NUMBER


def test_response_has_what_the_app_sends_instead_of_a_reply(emulator: Emulator, client: Client) -> None:
    """Some apps answer the webhook with nothing, and write when they are done."""
    client.text(Body="before")
    with listening() as program:
        emulator.add_number(NUMBER, f"{program.url}/message")
        app = threading.Thread(target=_answer_later, args=(program, client))
        app.start()
        turn = send_text(client, Wait="30").json
        app.join()

    assert (turn["replies"], [message["body"] for message in turn["sent"]]) == ([], ["done"])


def _answer_later(program: Listener, client: Client) -> None:
    """Write to the contact, and to somebody else, once the webhook has been answered."""
    while not program.posts:
        time.sleep(0.01)
    time.sleep(0.1)
    client.text(Body="news", To="+15558675319")
    client.text(Body="done")


@pytest.mark.parametrize("wait", ["", "0", "1"])
def test_text_that_gets_no_message_waits_as_long_as_asked_for(wait: str, emulator: Emulator, client: Client) -> None:
    """By default not at all."""
    with listening() as program:
        emulator.add_number(NUMBER, f"{program.url}/message")
        started = time.monotonic()
        turn = send_text(client, Wait=wait).json

    assert turn["sent"] == []
    assert time.monotonic() - started >= int(wait or "0")


def test_text_does_not_wait_for_an_app_that_fails(client: Client) -> None:
    """The problem is the answer; here, the number has no URL."""
    assert send_text(client, Wait="60").json["unrouted"]


@pytest.mark.parametrize("wait", ["61", "-1", "long"])
def test_text_does_not_wait_forever(wait: str, client: Client) -> None:
    """A request has to end."""
    assert send_text(client, Wait=wait).error == (400, 20001)


def test_text_can_have_media(client: Client) -> None:
    """Each MediaUrl is one media file."""
    form = {"From": PHONE, "MediaUrl": ["https://example.com/a.gif", "https://example.com/b.png"]}
    reply = client.post("/_emulator/texts", form)

    assert (reply.status, reply.json["inbound"]["num_media"]) == (201, "2")


def test_response_has_the_replies_and_problems(emulator: Emulator, client: Client) -> None:
    """Problems are part of the response, and stay in the debugger."""
    with listening() as program:
        emulator.add_number(NUMBER, f"{program.url}/message")
        quiet = send_text(client).json
    broken = send_text(client).json
    entries = client.get("/_emulator/debugger").json["entries"]

    assert (quiet["replies"], quiet["problems"]) == ([], [])
    assert broken["problems"] == entries
    assert [(each["code"], each["level"], each["url"]) for each in entries] == [
        (11205, "error", f"{program.url}/message")
    ]
    assert entries[0]["date"] == "2023-11-14T22:13:20Z"
    assert entries[0]["message_sid"] == broken["inbound"]["sid"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": NUMBER, "Body": "hi"}, 20001),
        ({"From": "", "To": NUMBER, "Body": "hi"}, 20001),
        ({"From": "?", "To": NUMBER, "Body": "hi"}, 20001),
        ({"From": PHONE, "To": "?", "Body": "hi"}, 21606),
        ({"From": PHONE, "To": "+15017122662", "Body": "hi"}, 21606),
        ({"From": PHONE, "To": NUMBER, "MediaUrl": "nonsense"}, 21620),
    ],
    ids=["no sender", "empty sender", "invalid sender", "invalid number", "unknown number", "invalid media URL"],
)
def test_invalid_text_is_refused(form: dict[str, str], code: int, emulator: Emulator, client: Client) -> None:
    """No message is stored."""
    assert client.post("/_emulator/texts", form).error == (400, code)
    assert client.get("Messages.json").json["messages"] == []


def test_to_is_required_with_several_numbers(emulator: Emulator, client: Client) -> None:
    """The emulator does not guess."""
    emulator.add_number("+15017122662")

    assert client.post("/_emulator/texts", {"From": PHONE, "Body": "hi"}).error == (400, 21606)


def test_clock_is_advanced(client: Client) -> None:
    """Messages that are due meanwhile are delivered."""
    client.text()
    before = client.get("/_emulator/clock").json
    after = client.post("/_emulator/clock", {"Seconds": "3600"}).json
    sent = client.get("/_emulator/outbox").json["messages"]

    assert (before, after) == (
        {"now": "2023-11-14T22:13:20Z", "kind": "step"},
        {"now": "2023-11-14T23:13:20Z", "kind": "step"},
    )
    assert [message["status"] for message in sent] == ["delivered"]


def test_clock_is_advanced_until_nothing_is_in_transit(client: Client) -> None:
    """Settle does the same as ``Emulator.settle``."""
    client.text()

    reply = client.post("/_emulator/clock", {"Settle": "true"})

    assert (reply.status, reply.json) == (200, {"now": "2023-11-14T22:13:21Z", "kind": "step", "settled": True})
    assert [message["status"] for message in client.get("/_emulator/outbox").json["messages"]] == ["delivered"]


@pytest.mark.parametrize(
    "form", [{}, {"Seconds": "0"}, {"Settle": "false"}], ids=["empty form", "no seconds", "no settling"]
)
def test_step_clock_does_not_move_otherwise(form: dict[str, str], client: Client) -> None:
    """Only the test moves the time."""
    client.text()

    assert client.post("/_emulator/clock", form).json == {"now": "2023-11-14T22:13:20Z", "kind": "step"}
    assert [message["status"] for message in client.get("/_emulator/outbox").json["messages"]] == ["queued"]


@pytest.mark.parametrize("form", [{"Seconds": "-1"}, {"Seconds": "soon"}, {"Settle": "perhaps"}], ids=str)
def test_clock_refuses_invalid_values(form: dict[str, str], client: Client) -> None:
    """In particular, time never goes backwards."""
    assert client.post("/_emulator/clock", form).error == (400, 20001)


def test_running_clock_cannot_be_moved() -> None:
    """The real clock can only settle, or become another one."""
    with Emulator(EmulatorOptions(clock="real", start=START)) as emulator:
        client = Client(emulator)

        assert client.post("/_emulator/clock", {"Seconds": "5"}).error == (400, 20001)
        assert client.post("/_emulator/clock", {"Settle": "true"}).status == 200
        assert client.post("/_emulator/clock", {"Kind": "sundial"}).error == (400, 20001)
        assert client.post("/_emulator/clock", {"Kind": "step", "Seconds": "5"}).json["kind"] == "step"


def test_clock_cannot_pass_the_last_date() -> None:
    """A later date could not be formatted."""
    with Emulator(EmulatorOptions(start=253_300_000_000.0)) as emulator:
        client = Client(emulator)
        reply = client.post("/_emulator/clock", {"Seconds": "999999999"})

        assert (reply.error, emulator.clock.now()) == ((400, 20001), 253_300_000_000.0)


def test_outage_starts_and_ends(client: Client) -> None:
    """It lasts for the given number of requests; omitting the number ends it."""
    assert client.post("/_emulator/outage", {"Requests": "2"}).status == 204
    assert client.get("Messages.json").status == 503
    assert client.post("/_emulator/outage", {}).status == 204
    assert client.get("Messages.json").status == 200
    assert client.post("/_emulator/outage", {"Requests": "many"}).error == (400, 20001)
    assert client.post("/_emulator/outage", {"Requests": "-1"}).error == (400, 20001)
    assert client.get("Messages.json").status == 200


def test_outage_can_have_another_status(client: Client) -> None:
    """The latest one that is asked for counts."""
    client.post("/_emulator/outage", {"Requests": "2", "Status": "503"})
    client.post("/_emulator/outage", {"Requests": "1", "Status": "500"})

    assert client.get("Messages.json").error == (500, 20500)
    assert client.get("Messages.json").status == 200
    client.post("/_emulator/outage", {"Requests": "1", "Status": "502"})
    client.post("/_emulator/outage", {"Requests": "0"})
    assert client.get("Messages.json").status == 200
    assert client.post("/_emulator/outage", {"Requests": "1", "Status": "200"}).error == (400, 20001)


def test_reset_removes_the_resources_of_clients(client: Client) -> None:
    """The account and the numbers that the emulator was started with stay."""
    client.text()
    made = client.post("IncomingPhoneNumbers.json", {"PhoneNumber": "+15017122669"}).json

    assert client.post("/_emulator/reset").status == 204
    assert client.get("/_emulator/outbox").json == {"messages": []}
    left = client.get("IncomingPhoneNumbers.json").json["incoming_phone_numbers"]
    assert made["phone_number"] == "+15017122669"
    assert [number["phone_number"] for number in left] == ["+15017122661"]


@pytest.mark.parametrize("extension", ["", ".json", ".xml"])
def test_response_is_json_that_is_not_cached(extension: str, client: Client) -> None:
    """It is only valid at this moment."""
    for path in ("clock", "outbox", "nothing"):
        reply = client.get(f"/_emulator/{path}{extension}")

        assert (reply.headers["Content-Type"], reply.headers["Cache-Control"]) == ("application/json", "no-store")


def test_any_account_of_the_emulator_has_access(emulator: Emulator, client: Client) -> None:
    """An app that uses a subaccount is tested too."""
    child = client.post("/2010-04-01/Accounts.json").json

    assert Client(emulator, child["sid"], child["auth_token"]).get("/_emulator/outbox").status == 200
