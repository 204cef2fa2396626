"""What an account links to and the emulator does not emulate: every link answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.rest.asking import Client
from twiml_app.emulator import ACCOUNT_SID, Emulator, EmulatorOptions

BASE = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
LISTS = {
    "Calls": "calls",
    "Conferences": "conferences",
    "Queues": "queues",
    "Recordings": "recordings",
    "Transcriptions": "transcriptions",
    "OutgoingCallerIds": "outgoing_caller_ids",
    "ConnectApps": "connect_apps",
    "AuthorizedConnectApps": "authorized_connect_apps",
    "Keys": "keys",
    "SigningKeys": "signing_keys",
    "SIP/Domains": "domains",
    "SIP/CredentialLists": "credential_lists",
    "SIP/IpAccessControlLists": "ip_access_control_lists",
    "Usage/Triggers": "usage_triggers",
}


def empty(path: str, key: str) -> dict[str, Any]:
    """Return an empty page."""
    page = f"{BASE}/{path}.json?PageSize=50&Page=0"
    return {
        key: [],
        "first_page_uri": page,
        "end": 0,
        "previous_page_uri": None,
        "uri": page,
        "page_size": 50,
        "start": 0,
        "next_page_uri": None,
        "page": 0,
    }


@pytest.mark.parametrize(("path", "key"), LISTS.items(), ids=LISTS)
def test_list_is_an_empty_page(path: str, key: str, client: Client) -> None:
    """A program that looks for calls finds none."""
    assert client.get(f"{BASE}/{path}.json").json == empty(path, key)


@pytest.mark.parametrize("path", LISTS)
def test_nothing_can_be_created(path: str, client: Client) -> None:
    """The error says why, with the code that Twilio's test credentials get."""
    reply = client.post(f"{BASE}/{path}.json", {"To": "+15558675310"})

    assert reply.error == (403, 20008)
    assert reply.json["message"] == f"This emulator is for messaging: it creates no {path}."


@pytest.mark.parametrize("path", ["Calls/CA" + "1" * 32, "Conferences/CF" + "1" * 32, "Sandbox", "SIP/Domains/SD1"])
def test_single_resource_is_not_found(path: str, client: Client) -> None:
    """There is none."""
    assert client.get(f"{BASE}/{path}.json").error == (404, 20404)


def test_list_of_an_early_profile_has_totals() -> None:
    """Old clients count the pages."""
    with Emulator(EmulatorOptions(profile="2014")) as running:
        page = Client(running).get("Calls").xml

    assert (
        page
        == f"""\
<?xml version='1.0' encoding='UTF-8'?>
<TwilioResponse>
  <Calls firstpageuri="{BASE}/Calls?PageSize=50&amp;Page=0" end="0" previouspageuri="" \
uri="{BASE}/Calls?PageSize=50&amp;Page=0" pagesize="50" start="0" nextpageuri="" page="0" total="0" numpages="1" \
lastpageuri="{BASE}/Calls?PageSize=50&amp;Page=0"/>
</TwilioResponse>
"""
    )


@pytest.mark.parametrize("profile", ["current", "2014"])
def test_every_subresource_of_an_account_answers(profile: str) -> None:
    """A client that follows the links must not find dead ends; only the sandbox is long gone."""
    with Emulator(EmulatorOptions(profile=profile)) as running:
        client = Client(running)
        links = client.get(f"{BASE}.json").json["subresource_uris"]
        dead = {name for name, uri in links.items() if client.get(uri).status != 200}

    assert dead == ({"sandbox"} if profile == "2014" else set())


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (
            "SIP",
            {
                "domains": f"{BASE}/SIP/Domains.json",
                "credential_lists": f"{BASE}/SIP/CredentialLists.json",
                "ip_access_control_lists": f"{BASE}/SIP/IpAccessControlLists.json",
            },
        ),
        ("Usage", {"records": f"{BASE}/Usage/Records.json", "triggers": f"{BASE}/Usage/Triggers.json"}),
    ],
)
def test_index_has_the_lists_below_it(path: str, fields: dict[str, str], client: Client) -> None:
    """They can be followed."""
    expected = {"account_sid": ACCOUNT_SID, "uri": f"{BASE}/{path}.json", "subresource_uris": fields}

    assert client.get(f"{BASE}/{path}.json").json == expected


def test_balance_is_always_the_same(emulator: Emulator) -> None:
    """Nobody pays for messages of the emulator."""
    assert (emulator.client().balance.fetch().balance, emulator.client().balance.fetch().currency) == ("100.00", "USD")
