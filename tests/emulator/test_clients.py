"""The official clients, as they are published, against the emulator: pointed at it by one line, they notice nothing."""

from __future__ import annotations

import base64
import functools
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.emulator.clients.catalogue import BLOCKING, EVERY, SCHEDULING, find_client
from tests.emulator.clients.environments import NotInstallable
from tests.emulator.clients.running import Client, ClientFailed
from tests.emulator.clients.talk import NUMBER, OTHER_NUMBER, PHONE, WILD_TEXT
from tests.emulator.clients.website import PICTURE, Website, website
from twiml_app.emulator import Emulator, EmulatorOptions

pytestmark = pytest.mark.slow

AWARE = re.compile(r"datetime \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
NAIVE = re.compile(r"datetime \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")

Play = Callable[[str], Any]


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Client:
    """The client of that name; without a network there may be none."""
    if request.param == "python 5" and sys.version_info >= (3, 13):
        pytest.skip("twilio 5 imports cgi, which this Python has no longer")
    found = find_client(request.param, request.config.cache.mkdir("clients"))
    if isinstance(found, NotInstallable):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(found))
    return found


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A local Twilio, whose clock the test moves."""
    with Emulator() as running:
        yield running


@pytest.fixture
def site() -> Iterator[Website]:
    """A website that the emulator can reach."""
    with website() as running:
        yield running


@pytest.fixture
def play(client: Client, emulator: Emulator, site: Website) -> Play:
    """Plays a scenario with the client, and returns what it saw."""
    return functools.partial(play_with, client, emulator, site)


def play_with(client: Client, emulator: Emulator, site: Website, scenario: str) -> Any:
    """Play a scenario, moving the clock of the emulator when the client asks for it."""
    arguments = [scenario, emulator.url, emulator.account_sid, emulator.auth_token, site.url]
    return client.run(arguments, {"settle": functools.partial(settle, emulator), "advance": emulator.advance})


def settle(emulator: Emulator) -> None:
    """Let everything that was sent arrive."""
    assert emulator.settle()


def clients(names: list[str]) -> pytest.MarkDecorator:
    """Run a test with each of some clients."""
    return pytest.mark.parametrize("client", names, indirect=True, ids=[name.replace(" ", "-") for name in names])


def is_date(client: Client, value: object) -> bool:
    """Tell whether a client has read a date: until 5 without its zone."""
    return bool((NAIVE if client.version.startswith("5.") else AWARE).fullmatch(str(value)))


def codes(refusals: dict[str, Any]) -> dict[str, Any]:
    """Return of each error its HTTP status and its number; each has a text, too."""
    assert all(error["message"] for error in refusals.values())
    return {name: (error["status"], error["code"]) for name, error in refusals.items()}


@clients(EVERY)
def test_a_message_has_every_property_when_created_and_when_delivered(
    client: Client, emulator: Emulator, play: Play
) -> None:
    """Programs read what was created at once: types and absent values are as Twilio's."""
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
def test_a_message_is_redacted_and_deleted(play: Play) -> None:
    """Privacy laws ask for both; a client says True only for an empty 204."""
    seen = play("removing")

    assert codes({"gone": seen.pop("gone")}) == {"gone": (404, 20404)}
    assert seen == {"redacted": ["", "delivered", ""], "deleted": True, "left": ["second"]}


@clients(BLOCKING)
def test_a_status_callback_is_called_with_the_credentials_of_its_url(play: Play, site: Website) -> None:
    """A URL travels inside a form: credentials, query and escapes arrive as they were given."""
    sid = play("following")

    assert {(post.target, post.user) for post in site.posts} == {("/status?order=5&name=a+b", "anna:säcret")}
    assert {post.form["MessageSid"][0] for post in site.posts} == {sid}
    assert [post.form["MessageStatus"][0] for post in site.posts][-2:] == ["sent", "delivered"]


@clients(SCHEDULING)
def test_a_message_is_scheduled_and_canceled(play: Play) -> None:
    """What is planned is sent in its time, unless it is canceled before."""
    assert play("scheduling") == {
        "planned": ["scheduled", None, True],
        "canceled": "canceled",
        "after": ["delivered", "canceled"],
        "from": OTHER_NUMBER,
    }


@clients(EVERY)
def test_messages_are_listed_newest_first_in_pages_and_by_filters(client: Client, play: Play) -> None:
    """A client asks for the next page by the URI it was given: the filter must be in there."""
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
    """A picture has a resource with ``.json``, and is itself what is there without."""
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
def test_subaccounts_are_made_acted_for_suspended_and_closed(client: Client, emulator: Emulator, play: Play) -> None:
    """A program for many customers gives each its account: nothing leaks, and a closed one stays closed."""
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
def test_what_is_refused_reaches_programs_as_status_number_and_text(play: Play) -> None:
    """Programs decide by the number; what was refused has left nothing behind."""
    seen = play("refusals")

    assert seen.pop("listed", ["Hello"]) == ["Hello"]
    assert codes(seen) == {name: REFUSALS[name] for name in seen}


@clients(["python 5"])
def test_the_probe_without_credentials_creates_nothing(play: Play, emulator: Emulator) -> None:
    """Until 5 each request goes out twice, the first time without credentials but with its body."""
    assert play("probing") == {"posts": 2, "bodies": 2, "credentials": 1, "status": "queued", "listed": [True]}
    answered = [(request.method, request.status) for request in emulator.requests]
    assert answered == [("POST", 401), ("POST", 201), ("GET", 401), ("GET", 200)]


@clients(["python 5"])
def test_the_resource_for_texts_alone_is_still_there(play: Play) -> None:
    """Programs of before 2013 know no other, and no status beyond sent."""
    seen = play("legacy")

    assert codes({"too long": seen.pop("too long")}) == {"too long": (400, 21605)}
    assert seen == {"sent": ["queued", "Hello", "outbound-api"], "listed": [[True, "sent"]]}


@clients(["python 9", "python 9 async", "node 6"])
def test_the_certificate_is_verified(client: Client, site: Website) -> None:
    """Over TLS nothing is switched off: with the emulator's own authority it works, without it does not."""
    with Emulator(EmulatorOptions(tls=True)) as emulator:
        trust = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"), str(emulator.ca_file))
        trusting = replace(client, environment={**client.environment, **trust})

        assert emulator.url.startswith("https://")
        assert play_with(trusting, emulator, site, "removing")["deleted"] is True
        with pytest.raises(ClientFailed, match=r"(?i)certificate.verify.failed|unable to verify"):
            play_with(client, emulator, site, "removing")
