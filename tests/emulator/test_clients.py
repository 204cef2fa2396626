"""The published official clients against the emulator; one line of code points each of them at it."""

from __future__ import annotations

import base64
import functools
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.run_programs import programs
from tests.emulator.clients.catalogue import BLOCKING, EVERY, SCHEDULING, find_client
from tests.emulator.clients.environments import NotInstallable, installed, pip_install
from tests.emulator.clients.running import Client, ClientFailed
from tests.emulator.clients.talk import NUMBER, OTHER_NUMBER, PHONE, WILD_TEXT
from tests.emulator.clients.website import PICTURE, Website, website
from tests.servers import LIMIT_S, clean_environment
from twiml_app.emulator import Emulator, EmulatorOptions, program_environment

pytestmark = pytest.mark.slow

AWARE = re.compile(r"datetime \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
NAIVE = re.compile(r"datetime \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")

Play = Callable[[str], Any]


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Client:
    """The client of that name; it may not be installable without a network."""
    if request.param == "python 5" and sys.version_info >= (3, 13):
        pytest.skip("twilio 5 imports cgi, which this Python no longer has")
    found = find_client(request.param, request.config.cache.mkdir("clients"))
    if isinstance(found, NotInstallable):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(found))
    return found


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A local Twilio with a stepped clock."""
    with Emulator() as running:
        yield running


@pytest.fixture
def site() -> Iterator[Website]:
    """A website on the loopback interface."""
    with website() as running:
        yield running


@pytest.fixture
def play(client: Client, emulator: Emulator, site: Website) -> Play:
    """A function that runs a scenario with the client and returns its results."""
    return functools.partial(play_with, client, emulator, site)


def play_with(client: Client, emulator: Emulator, site: Website, scenario: str) -> Any:
    """Run a scenario; the clock of the emulator is moved when the client asks for it."""
    arguments = [scenario, emulator.url, emulator.account_sid, emulator.auth_token, site.url]
    return client.run(arguments, {"settle": functools.partial(settle, emulator), "advance": emulator.advance})


def settle(emulator: Emulator) -> None:
    """Deliver all messages in transit."""
    assert emulator.settle()


def clients(names: list[str]) -> pytest.MarkDecorator:
    """Run a test with each of these clients."""
    return pytest.mark.parametrize("client", names, indirect=True, ids=[name.replace(" ", "-") for name in names])


def is_date(client: Client, value: object) -> bool:
    """Return whether a value is a date as the client parses it; version 5 has no time zones."""
    return bool((NAIVE if client.version.startswith("5.") else AWARE).fullmatch(str(value)))


def codes(refusals: dict[str, Any]) -> dict[str, Any]:
    """Return the HTTP status and the error code of each error, after checking that it has a message."""
    assert all(error["message"] for error in refusals.values())
    return {name: (error["status"], error["code"]) for name, error in refusals.items()}


@clients(EVERY)
def test_message_has_every_property_when_created_and_when_delivered(
    client: Client, emulator: Emulator, play: Play
) -> None:
    """Types and missing values must be those of Twilio."""
    seen = play("sending")
    created, delivered = seen["created"], seen["delivered"]
    uri = f"/2010-04-01/Accounts/{emulator.account_sid}/Messages/{created['sid']}"

    assert re.fullmatch("SM[0-9a-f]{32}", created["sid"])
    assert is_date(client, created["date_created"])
    assert created == {
        "account_sid": emulator.account_sid,
        "api_version": "2010-04-01",
        "body": "Hello",
        "date_created": created["date_created"],
        "date_sent": None,
        "date_updated": created["date_created"],
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from_": NUMBER,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": created["sid"],
        "status": "queued",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": PHONE,
    } | ({} if client.version.startswith("5.") else {"uri": f"{uri}.json"})
    changed = {name: delivered[name] for name in ("date_sent", "date_updated", "price", "subresource_uris")}
    assert is_date(client, delivered["date_sent"])
    assert is_date(client, delivered["date_updated"])
    assert re.fullmatch(r"-0\.\d+", delivered["price"])
    assert delivered["subresource_uris"]["media"] == f"{uri}/Media.json"
    assert delivered == created | {"status": "delivered"} | changed
    assert seen["wild"] == [WILD_TEXT, WILD_TEXT, "1"]


@clients(EVERY)
def test_message_is_redacted_and_deleted(play: Play) -> None:
    """Privacy laws require both; the clients return True only for an empty 204."""
    seen = play("removing")

    assert codes({"gone": seen.pop("gone")}) == {"gone": (404, 20404)}
    assert seen == {"redacted": ["", "delivered", ""], "deleted": True, "left": ["second"]}


@clients(BLOCKING)
def test_status_callback_is_called_with_the_credentials_of_its_url(play: Play, site: Website) -> None:
    """The URL is a form parameter, so credentials, query and escapes must not be changed."""
    sid = play("following")

    assert {(post.target, post.user) for post in site.posts} == {("/status?order=5&name=a+b", "anna:säcret")}
    assert {post.form["MessageSid"][0] for post in site.posts} == {sid}
    assert [post.form["MessageStatus"][0] for post in site.posts][-2:] == ["sent", "delivered"]


@clients(SCHEDULING)
def test_message_is_scheduled_and_canceled(play: Play) -> None:
    """A scheduled message is sent at its time, unless it is canceled before."""
    assert play("scheduling") == {
        "planned": ["scheduled", None, True],
        "canceled": "canceled",
        "after": ["delivered", "canceled"],
        "from": OTHER_NUMBER,
    }


@clients(EVERY)
def test_messages_are_listed_newest_first_in_pages_and_by_filters(client: Client, play: Play) -> None:
    """A client requests the next page with the URI from the response, so that must contain the filter."""
    seen = play("listing")
    ways = {} if client.version.startswith("5.") else {"limit": ["6", "5", "4"], "streamed": ["6", "5", "4", "3"]}

    assert seen == ways | {
        "pages": ["6", "5", "4", "3", "2", "1"],
        "to": ["4", "2"],
        "from": ["5"],
        "before": ["5", "4", "3", "2", "1"],
        "after": ["6"],
        "on": seen["same_day"],
        "same_day": seen["same_day"],
    }
    assert seen["same_day"][-1] == "1"


@clients(EVERY)
def test_media_are_listed_fetched_read_and_deleted(client: Client, emulator: Emulator, play: Play) -> None:
    """The path with ``.json`` is the resource, and without it the file."""
    seen = play("media")
    png, jpeg = sorted(seen["listed"], key=lambda item: item["content_type"], reverse=True)
    uri = f"/2010-04-01/Accounts/{emulator.account_sid}/Messages/{seen['sid']}/Media/{png['sid']}.json"

    assert re.fullmatch("MM[0-9a-f]{32}", seen["sid"])
    assert re.fullmatch("ME[0-9a-f]{32}", png["sid"])
    assert is_date(client, png["date_created"])
    assert png == {
        "account_sid": emulator.account_sid,
        "content_type": "image/png",
        "date_created": png["date_created"],
        "date_updated": png["date_created"],
        "parent_sid": seen["sid"],
        "sid": png["sid"],
    } | ({} if client.version.startswith("5.") else {"uri": uri})
    assert jpeg["content_type"] == "image/jpeg"
    assert seen["fetched"] == png
    assert seen["downloaded"] == {"type": "image/png", "bytes": base64.b64encode(PICTURE).decode()}
    assert (seen["num_media"], seen["deleted"], seen["left"]) == (["2", "2"], True, ["image/jpeg"])
    assert codes({"gone": seen["gone"]}) == {"gone": (404, 20404)}


@clients(BLOCKING)
def test_subaccounts_are_created_used_suspended_and_closed(client: Client, emulator: Emulator, play: Play) -> None:
    """A program may have one account per customer: they must be separate, and a closed one stays closed."""
    seen = play("accounts")
    own, created = seen.pop("own"), seen.pop("created")
    acted, child = seen.pop("acted"), created["sid"]
    refusals = codes({name: seen.pop(name) for name in ("while_suspended", "once_closed", "reopened")})

    assert (own["sid"], own["owner_account_sid"]) == (emulator.account_sid, emulator.account_sid)
    assert (own["auth_token"], own["status"], own["type"]) == (emulator.auth_token, "active", "Full")
    assert re.fullmatch("AC[0-9a-f]{32}", child)
    assert re.fullmatch("[0-9a-f]{32}", created["auth_token"])
    assert is_date(client, created["date_created"])
    assert "messages" in created["subresource_uris"]
    assert created == {
        "auth_token": created["auth_token"],
        "date_created": created["date_created"],
        "date_updated": created["date_created"],
        "friendly_name": "Sub Ä",
        "owner_account_sid": emulator.account_sid,
        "sid": child,
        "status": "active",
        "subresource_uris": created["subresource_uris"],
        "type": "Full",
    } | ({} if client.version.startswith("5.") else {"uri": f"/2010-04-01/Accounts/{child}.json"})
    assert acted == {"account_sid": child, "seen_by_itself": ["Hello"], "seen_by_parent": []}
    assert [code for _, code in refusals.values()] == [20005, 20005, 21479]
    assert seen == {
        "fetched": "Sub Ä",
        "renamed": "Sub 2",
        "listed": ["Sub 2"],
        "by_name": ["Sub 2"],
        "suspended": "suspended",
        "active": "active",
        "after": child,
        "closed": "closed",
        "by_status": [[], ["Sub 2"]],
    }


REFUSALS = {
    "wrong token": (401, 20003),
    "wrong account": (401, 20003),
    "unknown message": (404, 20404),
    "no To": (400, 21604),
    "invalid To": (400, 21211),
    "unreachable To": (400, 21612),
    "no Body": (400, 21619),
    "invalid From": (400, 21212),
    "full From": (400, 21611),
    "unfinished": (409, 20009),
}


@clients(EVERY)
def test_refusals_are_exceptions_with_status_error_code_and_message(play: Play) -> None:
    """Programs depend on the error code; a refused request must have no effect."""
    seen = play("refusals")

    assert seen.pop("listed", ["Hello"]) == ["Hello"]
    assert codes(seen) == {name: REFUSALS[name] for name in seen}


@clients(["python 9", "python 8", "python 7", "python 6", "node 6", "node 5", "node 4", "node 3"])
def test_numbers_are_bought_and_put_in_a_service(play: Play) -> None:
    """A program that sets itself up searches, buys, and reads every page of what it has."""
    seen = play("numbers")
    refused = codes({name: seen.pop(name) for name in ("unavailable", "invalid", "empty", "taken")})
    found = ["+14155550100", "+14155550101"]

    assert refused == {
        "unavailable": (400, 21422),
        "invalid": (400, 21421),
        "empty": (400, 21452),
        "taken": (409, 21712),
    }
    assert seen == {
        "found": found,
        "listed": ["Toronto", "(415) 555-0101", "(415) 555-0100"],
        "pool": ["+14165550100", "+14155550101", "+14155550100"],
        "services": ["three", "two", "one"],
        "calls": 0,
        "alerts": 0,
        "usage": ["0"],
        "released": True,
        "left": ["+14165550100", "+14155550101"],
    }


@clients(["python 5"])
def test_request_without_credentials_creates_nothing(play: Play, emulator: Emulator) -> None:
    """Version 5 sends each request twice, the first time without credentials but with the body."""
    assert play("probing") == {"posts": 2, "bodies": 2, "credentials": 1, "status": "queued", "listed": [True]}
    answered = [(request.method, request.status) for request in emulator.requests]
    assert answered == [("POST", 401), ("POST", 201), ("GET", 401), ("GET", 200)]


@clients(["python 5"])
def test_legacy_resource_for_sms_still_works(play: Play) -> None:
    """Programs written before 2013 use it, and expect no status after sent."""
    seen = play("legacy")

    assert codes({"too long": seen.pop("too long")}) == {"too long": (400, 21605)}
    assert seen == {"sent": ["queued", "Hello", "outbound-api"], "listed": [[True, "sent"]]}


@clients(["python 9", "python 9 async", "python 6", "python 5", "node 6"])
def test_unaware_program_reaches_the_emulator_by_its_environment(
    request: pytest.FixtureRequest, client: Client, emulator: Emulator
) -> None:
    """Nothing in the program names the emulator; the code is that of the published table."""
    name = request.node.callspec.params["client"]
    language, major, *note = name.split()
    origin, begin = ("npm" if language == "node" else "PyPI"), f"twilio {major}."
    (code,) = {
        each.code
        for each in programs()
        if each.origin == origin and each.name.startswith(begin) and each.name.endswith("asynchronous") is bool(note)
    }
    run_unaware(emulator, [client.command[0], "-e" if language == "node" else "-c", code], client.environment)


def test_gateway_reaches_the_emulator_as_it_is(request: pytest.FixtureRequest, emulator: Emulator) -> None:
    """One of the programs of the published table."""
    program = next(each for each in programs() if each.name.startswith("apprise "))
    try:
        folder = installed(request.config.cache.mkdir("clients"), "apprise", pip_install(program.packages[0]))
    except NotInstallable as problem:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(problem))

    run_unaware(emulator, [sys.executable, "-c", program.code], {"PYTHONPATH": str(folder)})


def run_unaware(emulator: Emulator, command: list[str], environment: Mapping[str, str]) -> None:
    """Run a program that reaches the emulator by its environment, and check that it sends messages."""
    account = {"ACCOUNT": emulator.account_sid, "TOKEN": emulator.auth_token, "FROM": NUMBER, "TO": PHONE}
    given = clean_environment(**environment, **account)
    with program_environment(emulator.url, emulator.account_sid, emulator.auth_token, environment=given) as made:
        done = subprocess.run(command, env=made, capture_output=True, text=True, timeout=LIMIT_S, check=False)

    assert done.returncode == 0, done.stderr
    settle(emulator)
    assert {message.status for message in emulator.outbox} == {"delivered"}


@clients(["python 9", "python 9 async", "node 6"])
def test_certificate_is_verified(client: Client, site: Website) -> None:
    """Verification is not turned off: a client must trust the emulator's authority."""
    with Emulator(EmulatorOptions(tls=True)) as emulator:
        trust = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"), str(emulator.ca_file))
        trusting = replace(client, environment={**client.environment, **trust})

        assert emulator.url.startswith("https://")
        assert play_with(trusting, emulator, site, "removing")["deleted"] is True
        with pytest.raises(ClientFailed, match=r"(?i)certificate.verify.failed|unable to verify"):
            play_with(client, emulator, site, "removing")
