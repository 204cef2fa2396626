"""The examples of Twilio's OpenAPI description, each sent to the emulator as written.

The values in the example responses are synthetic and contradict each other, so the tests compare their format: status,
keys, types, null values, dates, URIs. The samples are copied from https://github.com/twilio/twilio-oai (MIT, with the
licence next to them).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.emulator.rest.asking import Client, Reply
from tests.helpers import SAMPLES
from twiml_app.emulator import Emulator, EmulatorOptions
from twiml_app.emulator.resources import MessageRecord

FOLDER = SAMPLES / "openapi"
CASES: dict[str, dict[str, Any]] = {
    case["case"]: case for case in json.loads((FOLDER / "message.json").read_text(encoding="utf-8"))["cases"]
}
DESCRIPTION = json.loads((FOLDER / "schemas_and_params.json").read_text(encoding="utf-8"))
SCHEMAS, OPERATIONS = DESCRIPTION["schemas"], DESCRIPTION["operations"]

ACCOUNT, SERVICE, APPLICATION = (prefix + "a" * 32 for prefix in ("AC", "MG", "AP"))
NUMBER = "+12019235161"
SID = "SMb7c0a2ce80504485a6f653a7110836f5"
OTHER_PHONE = "+14155552346"
SEED = {
    "numbers": [{"phone_number": "+14155552345"}, {"phone_number": NUMBER}],
    "services": [{"sid": SERVICE, "numbers": [NUMBER]}],
    "applications": [{"sid": APPLICATION}],
}
TYPES: Mapping[str, type | tuple[type, ...]] = {"string": str, "integer": int, "object": dict}
#: The SID of a message, inside the URI of an example.
_SID = re.compile(r"(?:SM|MM)[0-9a-f]{32}")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator with the resources of the examples; media types are guessed from file names, nothing is fetched."""
    with Emulator(EmulatorOptions(account_sid=ACCOUNT, seed=SEED)) as running:
        yield running


def cases(verb: str) -> list[str]:
    """Return the names of the examples for a verb."""
    return [name for name, case in CASES.items() if case["verb"] == verb]


def schema(name: str) -> Mapping[str, Any]:
    """Return the schema of a resource, with its references resolved."""
    properties = SCHEMAS[name]["properties"]
    return {key: _resolved(value) for key, value in properties.items()}


def _resolved(value: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = value.get("$ref")
    return value if reference is None else SCHEMAS[reference.rpartition("/")[2]]


def check_value(name: str, value: Any, described: Mapping[str, Any]) -> None:
    """Check a value against its description: type, null, pattern, enum, format."""
    if value is None:
        assert described.get("nullable"), f"{name} is null"
        return
    assert isinstance(value, TYPES[described["type"]]), f"{name} is {value!r}"
    assert re.fullmatch(described.get("pattern", ".*"), str(value), re.DOTALL), f"{name} is {value!r}"
    assert value in described.get("enum", [value]), f"{name} is {value!r}"
    if described.get("format") == "date-time-rfc-2822":
        assert re.fullmatch(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} \+0000", str(value))
        assert parsedate_to_datetime(str(value))


def check_message(shown: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Check a message against an example and the schema."""
    assert set(shown) == set(expected) == set(schema("api.v2010.account.message"))
    for name, described in schema("api.v2010.account.message").items():
        check_value(name, shown[name], described)
    assert set(shown["subresource_uris"]) == set(expected["subresource_uris"])
    assert uris(shown) == uris(expected)
    assert shown["sid"] in shown["uri"]


def uris(message: Mapping[str, Any]) -> list[str]:
    """Return the URIs in a message, with a placeholder for each SID."""
    found = [message["uri"], *(message["subresource_uris"][name] for name in sorted(message["subresource_uris"]))]
    return [_SID.sub("<sid>", uri) for uri in found]


def request(client: Client, name: str, *, sid: str = SID, **changes: str) -> Reply:
    """Send an example as written, apart from the given changes."""
    case = CASES[name]
    request = case["request"]
    path = case["path_template"].replace("{AccountSid}", ACCOUNT).replace("{Sid}", sid)
    reply = client.request(case["method"], path, {**request["form"], **changes} or None, query=request["query"])
    assert reply.status == case["response"]["status"], reply.body
    return reply


#: The parameters of examples that Twilio itself refuses, with a valid value instead.
CHANGES = {
    name: {"To": OTHER_PHONE}  # 21266: To and From are the same number
    for name in ("create", "createWoService", "createWithQueuedStatus")
}


@pytest.mark.parametrize("name", cases("create"))
def test_message_is_created_as_in_the_example(client: Client, name: str) -> None:
    """Three examples send from a number to itself, which is refused with 21266: only their To is changed."""
    reply = request(client, name, **CHANGES.get(name, {}))

    check_message(reply.json, CASES[name]["response"]["json"])
    assert reply.headers["Content-Type"] == "application/json"


def test_changed_examples_are_refused_unchanged(client: Client) -> None:
    """This shows that the change is necessary."""
    for name in CHANGES:
        assert client.post("Messages.json", CASES[name]["request"]["form"]).error == (400, 21266)


def listed(client: Client, emulator: Emulator) -> None:
    """Create three messages that match the filters of the examples."""
    for _ in range(3):
        made = client.text(From="+14155552345")
        stored = emulator._context.store.get(MessageRecord, made["sid"])
        assert stored
        emulator._context.store.save(replace(stored, to="+123456789", from_="+987654321"))
    emulator.settle()


@pytest.mark.parametrize("name", cases("list"))
def test_messages_are_listed_as_in_the_example(emulator: Emulator, client: Client, name: str) -> None:
    """The examples use every date format; the items have the format of the example."""
    listed(client, emulator)
    expected = CASES[name]["response"]["json"]

    page = request(client, name).json

    assert set(page) == set(expected)
    for key in ("page", "page_size", "start", "end"):
        assert isinstance(page[key], int)
    (item,) = CASES["readFullPage1"]["response"]["json"]["messages"][:1]
    assert len(page["messages"]) == (3 if "DateSent>" in CASES[name]["request"]["query"] else 0)
    for message in page["messages"]:
        check_message(message, item)


@pytest.mark.parametrize("name", cases("list"))
def test_page_uris_are_those_of_the_example(emulator: Emulator, client: Client, name: str) -> None:
    """The URIs keep the filters, encoded as in the example."""
    listed(client, emulator)
    expected = CASES[name]["response"]["json"]
    case = CASES[name]["request"]["query"]

    path = CASES[name]["path_template"].replace("{AccountSid}", ACCOUNT)
    page = client.get(path, {**case, "PageSize": str(expected["page_size"])}).json

    assert page["uri"] == expected["uri"]
    assert page["first_page_uri"] == expected["first_page_uri"]
    assert page["previous_page_uri"] is None
    following = expected["next_page_uri"]
    assert _SID.sub("<sid>", str(page["next_page_uri"])) == _SID.sub("<sid>", str(following))


def known(emulator: Emulator, *, status: str) -> None:
    """Store the message that the examples name."""
    now = emulator.clock.now()
    emulator._context.store.save(
        MessageRecord(
            sid=SID,
            account_sid=ACCOUNT,
            date_created=now,
            date_updated=now,
            to="+18182008801",
            from_=NUMBER if status == "sent" else "",
            body="testing",
            status=status,
            direction="outbound-api",
            date_sent=now if status == "sent" else None,
            price=-0.0075 if status == "sent" else None,
            error_code=30007 if status == "sent" else None,
            messaging_service_sid=SERVICE,
        )
    )


@pytest.mark.parametrize(
    ("name", "status"), [("fetch", "sent"), ("redactBody", "sent"), ("cancelMessage", "scheduled")]
)
def test_message_is_returned_as_in_the_example(emulator: Emulator, client: Client, name: str, status: str) -> None:
    """Fetching, redacting and canceling return the same format."""
    known(emulator, status=status)
    expected = CASES[name]["response"]["json"]

    shown = request(client, name).json

    check_message(shown, expected)
    assert (shown["sid"], shown["uri"]) == (expected["sid"], expected["uri"])
    assert shown["status"] == expected["status"]


def test_message_is_deleted_as_in_the_example(emulator: Emulator, client: Client) -> None:
    """The response is a 204 without a body."""
    known(emulator, status="sent")

    assert request(client, "delete").body == b""


def test_every_example_is_tested() -> None:
    """An example with another verb would otherwise be skipped silently."""
    tested = [*cases("create"), *cases("list"), *cases("fetch"), *cases("update"), *cases("delete")]

    assert sorted(tested) == sorted(CASES)
    assert len(CASES) == 18


def test_feedback_matches_the_schema(emulator: Emulator, client: Client) -> None:
    """There is no example of feedback, only the schema and the status."""
    known(emulator, status="sent")

    reply = client.post(f"Messages/{SID}/Feedback.json", {"Outcome": "confirmed"})

    described = {
        name: {"type": "string", "enum": ["confirmed", "unconfirmed"]} if name == "outcome" else value
        for name, value in SCHEMAS["api.v2010.account.message.message_feedback"]["properties"].items()
    }
    assert [str(reply.status)] == OPERATIONS["CreateMessageFeedback"]["statuses"]
    assert set(reply.json) == set(described)
    for name, value in described.items():
        check_value(name, reply.json[name], value)


def test_account_matches_the_schema(client: Client) -> None:
    """There is no example of an account either: create, update, fetch, list."""
    made = client.post("/2010-04-01/Accounts.json", {"FriendlyName": "Sub"})
    path = f"/2010-04-01/Accounts/{made.json['sid']}.json"
    changed = client.post(path, {"Status": "suspended"})
    fetched, page = client.get(path), client.get("/2010-04-01/Accounts.json")

    replies = {"CreateAccount": made, "UpdateAccount": changed, "FetchAccount": fetched, "ListAccount": page}
    for operation, reply in replies.items():
        assert [str(reply.status)] == OPERATIONS[operation]["statuses"]
    for account in (made.json, changed.json, fetched.json, *page.json["accounts"]):
        assert set(account) == set(schema("api.v2010.account"))
        for name, described in schema("api.v2010.account").items():
            check_value(name, account[name], described)


def test_media_match_the_schema(emulator: Emulator, client: Client) -> None:
    """There is no example of media either: fetch, list, delete."""
    sid = client.text(From=NUMBER, MediaUrl="https://example.com/picture.png")["sid"]
    page = client.get(f"Messages/{sid}/Media.json")
    (media,) = page.json["media_list"]
    path = f"Messages/{sid}/Media/{media['sid']}.json"
    fetched, deleted = client.get(path), client.request("DELETE", path)

    for operation, reply in {"ListMedia": page, "FetchMedia": fetched, "DeleteMedia": deleted}.items():
        assert [str(reply.status)] == OPERATIONS[operation]["statuses"]
    for shown in (media, fetched.json):
        assert set(shown) == set(schema("api.v2010.account.message.media"))
        for name, described in schema("api.v2010.account.message.media").items():
            check_value(name, shown[name], described)
