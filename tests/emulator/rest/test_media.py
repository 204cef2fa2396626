"""Media files of messages: list, fetch, delete; and the short links for phones without MMS."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulator.rest.asking import NUMBER, PHONE, START, Client, basic
from tests.emulator.rest.counting import counted_sids
from twiml_app.emulator import ACCOUNT_SID, AUTH_TOKEN, Emulator, EmulatorOptions
from twiml_app.emulator.media import FetchedMedia

BASE = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
DATE = "Tue, 14 Nov 2023 22:13:20 +0000"
GIF = FetchedMedia(content_type="image/gif", content=b"GIF89a\x01\x00\x01\x00\x00\x00\x00;")
PDF = FetchedMedia(content_type="application/pdf", content=b"%PDF-1.7\n")
WEEK_S = 7 * 24 * 3600


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator with a number."""
    with Emulator(EmulatorOptions(start=START), new_sid=counted_sids()) as running:
        running.add_number(NUMBER)
        yield running


@pytest.fixture
def message(emulator: Emulator) -> str:
    """The SID of an inbound message with two media files."""
    return emulator.phone(PHONE).text("look", media=[GIF, PDF]).inbound.sid


def media_json(n: int, message: str, kind: str) -> dict[str, Any]:
    """Return the representation of the nth media file."""
    return {
        "sid": f"ME{n:032}",
        "account_sid": ACCOUNT_SID,
        "parent_sid": message,
        "content_type": kind,
        "date_created": DATE,
        "date_updated": DATE,
        "uri": f"{BASE}/Messages/{message}/Media/ME{n:032}.json",
    }


def test_list(client: Client, message: str) -> None:
    """The key of the list is media_list, not media."""
    path = f"{BASE}/Messages/{message}/Media.json?PageSize=50&Page=0"

    assert client.get(f"Messages/{message}/Media.json").json == {
        "media_list": [media_json(2, message, "application/pdf"), media_json(1, message, "image/gif")],
        "first_page_uri": path,
        "end": 1,
        "previous_page_uri": None,
        "uri": path,
        "page_size": 50,
        "start": 0,
        "next_page_uri": None,
        "page": 0,
    }


def test_list_in_xml(client: Client, message: str) -> None:
    """The list is a MediaList of Media."""
    reply = client.get(f"Messages/{message}/Media")

    assert reply.texts("MediaList/Media/Sid") == [f"ME{2:032}", f"ME{1:032}"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"DateCreated": "2023-11-14"}, 2),
        ({"DateCreated": "2023-11-15"}, 0),
        ({"DateCreated<": "2023-11-14T22:13:20Z"}, 2),
        ({"DateCreated<": "2023-11-14T22:13:19Z"}, 0),
        ({"DateCreated>": "2023-11-14T22:13:20Z"}, 2),
        ({"DateCreated>": "2023-11-14T22:13:21Z"}, 0),
        ({"PageSize": "1"}, 1),
    ],
)
def test_list_is_filtered_by_date(query: dict[str, str], found: int, client: Client, message: str) -> None:
    """The operator is part of the parameter name."""
    assert len(client.get(f"Messages/{message}/Media.json", query).json["media_list"]) == found


def test_list_holds_the_media_of_one_message(emulator: Emulator, client: Client, message: str) -> None:
    """Other messages have media files too."""
    other = emulator.phone(PHONE).text("and this", media=[GIF]).inbound.sid
    shown = client.get(f"Messages/{other}/Media.json").json["media_list"]

    assert shown == [media_json(3, other, "image/gif")]


def test_fields_of_a_media_file(client: Client, message: str) -> None:
    """They are returned if the path has an extension."""
    assert client.get(f"Messages/{message}/Media/ME{1:032}.json").json == media_json(1, message, "image/gif")
    assert client.get(f"Messages/{message}/Media/ME{1:032}.xml").texts("Media/ContentType") == ["image/gif"]


def test_bytes_of_a_media_file(client: Client, message: str) -> None:
    """They are returned without an extension, with headers that stop browsers from running scripts in them."""
    reply = client.get(f"Messages/{message}/Media/ME{1:032}")

    assert (reply.status, reply.headers["Content-Type"], reply.body) == (200, "image/gif", GIF.content)
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Content-Security-Policy"] == "sandbox"


def test_unchanged_bytes_are_not_sent_again(client: Client, message: str) -> None:
    """Media files are large and never change."""
    path = f"Messages/{message}/Media/ME{1:032}"
    etag = client.get(path).headers["ETag"]
    again = client.send(
        "GET", f"{BASE}/{path}", None, {"Authorization": basic(ACCOUNT_SID, AUTH_TOKEN), "If-None-Match": etag}
    )

    assert (again.status, again.body) == (304, b"")


def test_bytes_need_credentials(client: Client, message: str) -> None:
    """Twilio's new accounts require them."""
    path = f"{BASE}/Messages/{message}/Media/ME{1:032}"

    assert client.send("GET", path, None, {}).status == 401


def test_deleted_media_file_is_gone(emulator: Emulator, client: Client, message: str) -> None:
    """The media count and the update date of its message change."""
    emulator.advance(60)
    reply = client.request("DELETE", f"Messages/{message}/Media/ME{1:032}.json")
    left = client.get(f"Messages/{message}.json").json

    assert (reply.status, reply.body) == (204, b"")
    assert client.get(f"Messages/{message}/Media/ME{1:032}").status == 404
    assert client.request("DELETE", f"Messages/{message}/Media/ME{1:032}").status == 404
    assert (left["num_media"], left["date_updated"]) == ("1", "Tue, 14 Nov 2023 22:14:20 +0000")
    assert client.get(f"Messages/{message}/Media.json").json["media_list"] == [
        media_json(2, message, "application/pdf")
    ]


def test_concurrent_deletes_delete_once(client: Client, message: str) -> None:
    """The media count must not decrease twice for one file."""
    path, statuses = f"Messages/{message}/Media/ME{1:032}.json", []
    threads = [
        threading.Thread(target=lambda: statuses.append(client.request("DELETE", path).status)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [204, *[404] * 7]
    assert client.get(f"Messages/{message}.json").json["num_media"] == "1"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("Messages/{message}/Media/ME" + "9" * 32, id="unknown media file"),
        pytest.param("Messages/{other}/Media/ME" + "1".zfill(32), id="media file of another message"),
        pytest.param("Messages/SM" + "9" * 32 + "/Media/ME" + "1".zfill(32), id="unknown message"),
        pytest.param("Messages/SM" + "9" * 32 + "/Media", id="list of an unknown message"),
        pytest.param("Messages/{message}/Media/{message}", id="SID of another kind"),
        pytest.param("SMS/Messages/{message}/Media", id="old resource without media"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_unknown_media_file_is_not_found(
    method: str, path: str, emulator: Emulator, client: Client, message: str
) -> None:
    """SIDs in paths can be invented."""
    other = emulator.phone(PHONE).text("hello").inbound.sid
    target = path.format(message=message, other=other) + ".json"

    assert client.request(method, target).status in ((404, 405) if method == "DELETE" else (404,))
    assert client.get(f"Messages/{message}.json").json["num_media"] == "2"


def test_media_of_another_account_are_not_found(message: str, emulator: Emulator, client: Client) -> None:
    """A subaccount does not find the media of its parent either."""
    child = client.post("/2010-04-01/Accounts.json").json
    theirs = f"/2010-04-01/Accounts/{child['sid']}/Messages/{message}/Media"

    assert client.get(theirs).status == 404
    assert client.get(f"{theirs}/ME{1:032}").status == 404


def test_official_client_reads_media(emulator: Emulator, message: str) -> None:
    """The official library lists, fetches and deletes them."""
    media = emulator.client().messages(message).media

    assert [each.content_type for each in media.list()] == ["application/pdf", "image/gif"]
    assert media(f"ME{1:032}").fetch().parent_sid == message
    assert media(f"ME{1:032}").delete() is True


def send_link(emulator: Emulator, client: Client) -> str:
    """Send media to a phone without MMS, and return the path of the link."""
    emulator.phone(PHONE).takes_media(False)
    body = client.text(Body="look", MediaUrl="https://example.com/cat.gif")["body"]
    found = re.fullmatch(rf"look {re.escape(emulator.url)}(/[A-Za-z0-9]{{7}})", body)
    assert found, body
    return found[1]


def test_link_works_for_a_week(emulator: Emulator, client: Client) -> None:
    """Nobody needs credentials to open it, and it expires by the emulator's clock."""
    link = send_link(emulator, client)
    replies = []
    for seconds in (0, WEEK_S - 1, 1):
        emulator.advance(seconds)
        replies.append(client.send("GET", link, None, {}))

    assert [reply.status for reply in replies] == [200, 200, 410]
    assert replies[0].headers["Content-Type"] == "image/gif"
    assert replies[0].body.startswith(b"GIF8")
    assert replies[2].body == b"This link has expired.\n"


def test_links_differ(emulator: Emulator, client: Client) -> None:
    """Each link refers to one media file."""
    assert len({send_link(emulator, client) for _ in range(20)}) == 20


def test_unknown_link_is_not_found(emulator: Emulator, client: Client) -> None:
    """The error is JSON, and does not ask for credentials."""
    reply = client.send("GET", "/abcdefg", None, {})

    assert (reply.error, reply.headers["WWW-Authenticate"]) == ((404, 20404), None)


def test_link_is_case_sensitive(emulator: Emulator, client: Client) -> None:
    """Seven characters are few, so upper and lower case differ."""
    link = send_link(emulator, client)

    assert client.send("GET", link.swapcase(), None, {}).status == 404


def test_opening_a_link_gets_no_hint(emulator: Emulator, client: Client) -> None:
    """The request log must not ask a phone for credentials."""
    link = send_link(emulator, client)
    client.send("HEAD", link, None, {})

    assert (emulator.requests[-1].status, emulator.requests[-1].hints) == (200, ())


def test_outage_does_not_affect_links(emulator: Emulator, client: Client) -> None:
    """They are not part of the API."""
    link = send_link(emulator, client)
    emulator.fail_next(1)

    assert client.send("GET", link, None, {}).status == 200
    assert client.get("Messages.json").status == 503
