"""Accounts: subaccounts under their parent, and the effects of their status."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.rest.asking import NUMBER, PHONE, START, Client
from twiml_app.emulator import Emulator, EmulatorOptions
from twiml_app.emulator.resources import Account
from twiml_app.emulator.rest.accounts import MAX_SUBACCOUNTS

ACCOUNTS = "/2010-04-01/Accounts"
STRANGER = "AC" + "9" * 32
MESSAGE = {"To": PHONE, "From": NUMBER, "Body": "hello"}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator with one account."""
    with Emulator(EmulatorOptions(start=START)) as running:
        yield running


@pytest.fixture
def parent(emulator: Emulator) -> Client:
    """A client with the credentials of the account."""
    return Client(emulator)


def make(emulator: Emulator, **form: str) -> Client:
    """Create a subaccount, and return a client with its credentials."""
    made = Client(emulator).post(f"{ACCOUNTS}.json", form).json
    return Client(emulator, made["sid"], made["auth_token"])


def one(sid: str) -> str:
    """Return the path of an account."""
    return f"{ACCOUNTS}/{sid}.json"


def close(parent: Client, sid: str, status: str = "closed") -> None:
    """Change the status of an account."""
    assert parent.post(one(sid), {"Status": status}).json["status"] == status


def test_subaccount_is_created_under_its_parent(emulator: Emulator, parent: Client) -> None:
    """It has its own SID and token, and is owned by the account that created it."""
    reply = parent.post(f"{ACCOUNTS}.json", {"FriendlyName": "Küche & Söhne"})

    made = reply.json
    assert reply.status == 201
    assert (made["friendly_name"], made["status"], made["type"]) == ("Küche & Söhne", "active", "Full")
    assert made["owner_account_sid"] == parent.sid
    assert (made["sid"][:2], len(made["sid"]), len(made["auth_token"])) == ("AC", 34, 32)
    assert made["sid"] != parent.sid
    assert made["auth_token"] != emulator.auth_token


def test_subaccount_without_a_name_is_named_after_its_date(parent: Client) -> None:
    """https://www.twilio.com/docs/iam/api/subaccounts: the default name is its creation date."""
    made = parent.post(f"{ACCOUNTS}.json").json

    assert made["friendly_name"] == "SubAccount Created at Tue, 14 Nov 2023 22:13:20 +0000"


def test_name_has_at_most_64_characters(parent: Client) -> None:
    """A longer one is refused with 20002, at creation and when renaming."""
    assert parent.post(f"{ACCOUNTS}.json", {"FriendlyName": "é" * 64}).status == 201

    assert parent.post(f"{ACCOUNTS}.json", {"FriendlyName": "é" * 65}).error == (400, 20002)
    assert parent.post(one(parent.sid), {"FriendlyName": "é" * 65}).error == (400, 20002)
    assert len(parent.get(f"{ACCOUNTS}.json").json["accounts"]) == 2


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_account_is_renamed(emulator: Emulator, parent: Client, method: str) -> None:
    """PUT counts as POST; other fields stay unchanged."""
    child = make(emulator, FriendlyName="old")
    emulator.advance(5)

    renamed = parent.request(method, one(child.sid), {"FriendlyName": "new"})

    assert renamed.status == 200
    assert (renamed.json["friendly_name"], renamed.json["status"]) == ("new", "active")
    assert renamed.json["date_created"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert renamed.json["date_updated"] == "Tue, 14 Nov 2023 22:13:25 +0000"
    assert parent.post(one(child.sid)).json["friendly_name"] == "new"
    assert parent.get(one(child.sid)).json["friendly_name"] == "new"


def test_account_is_fetched_by_its_parent_and_by_itself(emulator: Emulator, parent: Client) -> None:
    """Nobody else may know that it exists, in particular not another subaccount."""
    child, sister = make(emulator), make(emulator)

    assert parent.get(one(parent.sid)).json["friendly_name"] == "emulator@example.com"
    assert parent.get(one(child.sid)).json["sid"] == child.sid
    assert child.get(one(child.sid)).json["sid"] == child.sid
    for stranger, sid in ((child, parent.sid), (child, sister.sid), (parent, STRANGER)):
        assert stranger.get(one(sid)).error == (404, 20404)
        assert stranger.post(one(sid), {"FriendlyName": "mine"}).error == (404, 20404)
        assert stranger.get(f"{ACCOUNTS}/{sid}/Messages.json").error == (404, 20404)


def test_subaccount_has_no_subaccounts(emulator: Emulator) -> None:
    """Twilio has only two levels of accounts."""
    assert make(emulator).post(f"{ACCOUNTS}.json", {"FriendlyName": "third"}).error == (403, 20006)


def test_number_of_subaccounts_is_limited(emulator: Emulator, parent: Client) -> None:
    """The default limit is 1000; the account itself does not count."""
    for n in range(MAX_SUBACCOUNTS - 1):
        child = Account(
            sid=f"AC{n:032x}", account_sid=parent.sid, auth_token="", date_created=START, date_updated=START
        )
        emulator._context.store.save(child)

    assert parent.post(f"{ACCOUNTS}.json").status == 201
    assert parent.post(f"{ACCOUNTS}.json").error == (400, 21480)


def test_list_has_the_account_and_its_subaccounts(emulator: Emulator, parent: Client) -> None:
    """Newest first; a subaccount sees only itself."""
    child = make(emulator, FriendlyName="one")
    make(emulator, FriendlyName="two")

    listed = parent.get(f"{ACCOUNTS}.json").json["accounts"]

    assert [each["friendly_name"] for each in listed] == ["two", "one", "emulator@example.com"]
    assert [each["sid"] for each in child.get(f"{ACCOUNTS}.json").json["accounts"]] == [child.sid]


def test_list_is_filtered_by_name_and_status(emulator: Emulator, parent: Client) -> None:
    """Names match exactly: https://www.twilio.com/docs/iam/api/account."""
    first = make(emulator, FriendlyName="Sub Ä")
    make(emulator, FriendlyName="Sub Äö")
    close(parent, first.sid, "suspended")

    def found(**query: str) -> list[str]:
        return [each["friendly_name"] for each in parent.get(f"{ACCOUNTS}.json", query).json["accounts"]]

    assert found(FriendlyName="Sub Ä") == ["Sub Ä"]
    assert found(FriendlyName="sub ä") == []
    assert found(Status="suspended") == ["Sub Ä"]
    assert found(Status="active") == ["Sub Äö", "emulator@example.com"]
    assert (found(Status="1"), found(Status="4")) == (found(Status="active"), found(Status="suspended"))
    assert found(Status="closed", FriendlyName="Sub Ä") == []
    assert parent.get(f"{ACCOUNTS}.json", {"Status": "gone"}).error == (400, 20001)


def test_list_comes_in_pages_with_its_filters(emulator: Emulator, parent: Client) -> None:
    """Clients fetch the next page by its URI exactly as given."""
    for _ in range(5):
        make(emulator, FriendlyName="same")
    make(emulator, FriendlyName="other")

    pages, uri = [], f"{ACCOUNTS}.json?FriendlyName=same&PageSize=2"
    while uri:
        page = parent.get(uri).json
        pages.append([each["friendly_name"] for each in page["accounts"]])
        uri = page["next_page_uri"]

    assert pages == [["same", "same"], ["same", "same"], ["same"]]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("DELETE", one(STRANGER), id="delete an account"),
        pytest.param("POST", one(STRANGER) + "?_method=DELETE", id="delete an account by POST"),
        pytest.param("DELETE", f"{ACCOUNTS}.json", id="delete the list"),
        pytest.param("PUT", f"{ACCOUNTS}.json", id="PUT to the list"),
        pytest.param("POST", f"{ACCOUNTS}.json?_method=PUT", id="PUT to the list by POST"),
    ],
)
def test_unsupported_method_is_405(parent: Client, method: str, path: str) -> None:
    """The REST documentation of 2014 lists each of these as not supported."""
    reply = parent.request(method, path.replace(STRANGER, parent.sid), {"FriendlyName": "x"})

    assert reply.error == (405, 20004)
    assert len(parent.get(f"{ACCOUNTS}.json").json["accounts"]) == 1


def test_account_is_updated_by_a_post_with_method_put(emulator: Emulator, parent: Client) -> None:
    """Clients without PUT and DELETE name the method in the query."""
    child = make(emulator)

    reply = parent.post(one(child.sid) + "?_method=PUT", {"FriendlyName": "new"})

    assert (reply.status, reply.json["friendly_name"]) == (200, "new")


# Status


def test_suspended_account_is_refused_until_it_is_active_again(emulator: Emulator, parent: Client) -> None:
    """Neither it nor its parent can write; its parent can still read."""
    child = make(emulator)
    messages = f"{ACCOUNTS}/{child.sid}/Messages"
    sid = child.post("Messages.json", MESSAGE).json["sid"]
    emulator.settle()
    close(parent, child.sid, "suspended")

    assert child.post("Messages.json", MESSAGE).error == (403, 20005)
    assert child.get("Messages.json").error == (403, 20005)
    assert child.post(one(child.sid), {"Status": "active"}).error == (403, 20005)
    assert parent.post(f"{messages}.json", MESSAGE).error == (403, 20005)
    assert parent.request("DELETE", f"{messages}/{sid}.json").error == (403, 20005)
    assert len(parent.get(f"{messages}.json").json["messages"]) == 1
    assert len(emulator.outbox) == 1

    close(parent, child.sid, "active")
    assert child.post("Messages.json", MESSAGE).status == 201


def test_queued_message_of_a_suspended_account_fails(emulator: Emulator, parent: Client) -> None:
    """30002: the account is suspended after the message is accepted and before it is sent."""
    child = make(emulator)
    child.post("Messages.json", MESSAGE)
    close(parent, child.sid, "suspended")

    emulator.settle()

    assert [(message.status, message.error_code) for message in emulator.outbox] == [("failed", 30002)]


@pytest.mark.parametrize("status", ["active", "suspended", "closed"])
def test_closed_account_stays_closed(emulator: Emulator, parent: Client, status: str) -> None:
    """Closing is irreversible; the account can still be renamed, and its messages read."""
    child = make(emulator)
    close(parent, child.sid)

    assert parent.post(one(child.sid), {"Status": status}).error == (400, 21479)
    assert parent.post(one(child.sid), {"FriendlyName": "gone"}).json["status"] == "closed"
    assert child.get(one(child.sid)).error == (403, 20005)
    assert parent.post(f"{ACCOUNTS}/{child.sid}/Messages.json", MESSAGE).error == (403, 20005)
    assert parent.get(f"{ACCOUNTS}/{child.sid}/Messages.json").status == 200


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_parent_keeps_its_status(parent: Client, status: str) -> None:
    """21477: an account cannot lock itself out through the API."""
    assert parent.post(one(parent.sid), {"Status": status}).error == (400, 21477)
    assert parent.post(one(parent.sid), {"Status": "active"}).json["status"] == "active"


def test_unknown_status_is_refused(emulator: Emulator, parent: Client) -> None:
    """21475 is the error code for an invalid status."""
    child = make(emulator)

    assert parent.post(one(child.sid), {"Status": "Suspended"}).error == (400, 21475)
    assert parent.get(one(child.sid)).json["status"] == "active"


def test_parent_acts_for_its_subaccount(emulator: Emulator, parent: Client) -> None:
    """A message sent under the subaccount's SID belongs to the subaccount."""
    child = make(emulator)

    made = parent.post(f"{ACCOUNTS}/{child.sid}/Messages.json", MESSAGE).json

    assert made["account_sid"] == child.sid
    assert child.get(f"Messages/{made['sid']}.json").status == 200
    assert parent.get(f"Messages/{made['sid']}.json").error == (404, 20404)
    assert parent.get("Messages.json").json["messages"] == []


def test_status_of_an_account_can_come_from_the_seed() -> None:
    """An app can be tested with an account that is already suspended."""
    sid = "AC" + "2" * 32
    with Emulator(
        EmulatorOptions(seed={"accounts": [{"sid": sid, "auth_token": "token", "status": "suspended"}]})
    ) as emulator:
        assert Client(emulator, sid, "token").get("Messages.json").error == (403, 20005)
