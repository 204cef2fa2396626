"""Local files over HTTP: headers, ranges and refusals."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.media.internet import JPEG
from tests.webhook_requests import BASIC
from twiml_app import Router
from twiml_app.app import Twiml, media_url, state_of
from twiml_app.errors import ConfigurationError

PUBLIC = "https://sms.example.com"
SIZE = len(JPEG)


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """An application in a folder with a picture and a text."""
    (tmp_path / "menu.jpg").write_bytes(JPEG)
    (tmp_path / "list.csv").write_bytes(b"a,b\n")
    os.utime(tmp_path / "menu.jpg", (1_700_000_000, 1_700_000_000))
    app = Flask("media")
    app.config.update(**BASIC, TWIML_DATABASE_URL="off", TWIML_PUBLIC_URL=PUBLIC)
    Twiml(app, router=Router(), root=tmp_path)
    return app


class Client(FlaskClient):
    """A client that reads each answer to its end, as a server does."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        """Send a request."""
        return super().open(*args, **options, buffered=True)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client without credentials, as Twilio is one for media."""
    return Client(app)


def target(app: Flask, name: str = "menu.jpg") -> str:
    """Return path and query of the link to a file."""
    with app.app_context():
        return media_url(Path(name)).removeprefix(PUBLIC)


def headers_of(answer: TestResponse) -> dict[str, str]:
    """Return the headers of an answer but for the date and the entity tag."""
    return {name: value for name, value in answer.headers if name not in ("Date", "ETag")}


HEADERS = {
    "Content-Type": "image/jpeg",
    "Content-Length": str(SIZE),
    "Last-Modified": "Tue, 14 Nov 2023 22:13:20 GMT",
    "Content-Disposition": "inline; filename=menu.jpg",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private",
    "Accept-Ranges": "bytes",
}


def test_file_is_served_without_credentials(app: Flask, client: FlaskClient) -> None:
    """Twilio downloads media with the URL only; the type comes from the name, and must be right."""
    answer = client.get(target(app))

    assert (answer.status_code, answer.data) == (200, JPEG)
    assert headers_of(answer) == HEADERS
    assert client.get(target(app, "list.csv")).headers["Content-Type"] == "text/csv"


def test_head_has_the_same_headers_and_no_body(app: Flask, client: FlaskClient) -> None:
    """Twilio sends HEAD before GET, https://www.twilio.com/docs/messaging/guides/accepted-mime-types."""
    answer = client.head(target(app), headers={"Range": "bytes=0-1"})

    assert (answer.status_code, answer.data) == (200, b"")
    assert headers_of(answer) == HEADERS


@pytest.mark.parametrize(
    ("asked", "first", "after"),
    [
        pytest.param("bytes=0-0", 0, 1, id="first byte"),
        pytest.param("bytes=5-9", 5, 10, id="middle"),
        pytest.param("bytes=10-", 10, SIZE, id="from a byte on"),
        pytest.param("bytes=-7", SIZE - 7, SIZE, id="last bytes"),
        pytest.param(f"bytes=0-{10**9}", 0, SIZE, id="end too far"),
        pytest.param(f"bytes={SIZE - 1}-", SIZE - 1, SIZE, id="last byte"),
    ],
)
def test_range_is_served(app: Flask, client: FlaskClient, asked: str, first: int, after: int) -> None:
    """A download that broke off is resumed."""
    answer = client.get(target(app), headers={"Range": asked})

    assert (answer.status_code, answer.data) == (206, JPEG[first:after])
    assert answer.headers["Content-Range"] == f"bytes {first}-{after - 1}/{SIZE}"
    assert answer.headers["Content-Length"] == str(after - first)
    assert answer.headers["Content-Type"] == "image/jpeg"


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}"])
def test_range_behind_the_end_is_refused(app: Flask, client: FlaskClient, asked: str) -> None:
    """The answer says how long the file is."""
    answer = client.get(target(app), headers={"Range": asked})

    assert (answer.status_code, answer.data) == (416, b"416 Requested Range Not Satisfiable\n")
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=5-2", "lines=0-1", "bytes=x", "bytes=", "nonsense", ""])
def test_other_range_headers_are_ignored(app: Flask, client: FlaskClient, asked: str) -> None:
    """HTTP lets a server send everything instead, https://www.rfc-editor.org/rfc/rfc9110#name-range."""
    answer = client.get(target(app), headers={"Range": asked})

    assert (answer.status_code, answer.data) == (200, JPEG)


def test_unchanged_file_is_not_sent_again(app: Flask, client: FlaskClient) -> None:
    """Twilio may ask more than once; a range of a file that was changed since then is not mixed with the old one."""
    tag = client.get(target(app)).headers["ETag"]

    assert client.get(target(app), headers={"If-None-Match": tag}).status_code == 304
    old = client.get(target(app), headers={"Range": "bytes=0-1", "If-Range": '"another"'})
    assert (old.status_code, old.data) == (200, JPEG)


def test_refusals_are_one_plain_line(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    """Whoever guesses learns nothing; the log says more."""
    url = target(app)
    (tmp_path / "gone.jpg").write_bytes(JPEG)
    gone = target(app, "gone.jpg")
    (tmp_path / "gone.jpg").unlink()

    answers = [
        client.get(each)
        for each in (url[:-9] + "x" + url[-8:], "/media/menu.jpg", url.replace("menu.jpg?", "other.jpg?"), gone)
    ]

    assert [(answer.status_code, answer.data) for answer in answers] == [
        (403, b"the link is not valid\n"),
        (403, b"the link is not valid\n"),
        (403, b"the link is not valid\n"),
        (410, b"the file is gone\n"),
    ]
    assert {answer.content_type for answer in answers} == {"text/plain; charset=utf-8"}


@pytest.mark.parametrize(
    "path",
    [
        *("/media/", "/media/../menu.jpg", "/media/..%2fmenu.jpg", "/media/%2e%2e/menu.jpg", "/media//etc/passwd"),
        *("/media/a/b.jpg", "/media/%2fetc%2fpasswd"),
    ],
)
def test_path_with_folders_is_unknown(app: Flask, client: FlaskClient, path: str) -> None:
    """The path of the file is in the token, never in the URL."""
    query = target(app).partition("?")[2]

    assert client.get(f"{path}?{query}").status_code in (403, 404)


def test_only_get_and_head_are_allowed(app: Flask, client: FlaskClient) -> None:
    """A link is for reading."""
    assert client.post(target(app)).status_code == 405


def test_body_of_a_request_is_not_waited_for(app: Flask, client: FlaskClient) -> None:
    """A request without a body can announce one."""
    for url in (target(app), "/media/menu.jpg"):
        assert client.get(url, headers={"Content-Length": "100"}).status_code in (200, 403)


def test_media_url_needs_the_extension(app: Flask) -> None:
    """The error says what is missing."""
    with Flask("other").app_context(), pytest.raises(ConfigurationError, match="has no Twiml extension"):
        media_url(Path("menu.jpg"))
    assert state_of(app).media_links.folder == "/media"
