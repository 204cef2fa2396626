"""Media of recordings: handlers that download them get the files next to the recording, or a hint where to put them."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask

from twiml_app import InboundMessage, Media, Message, Router
from twiml_app.app import Twiml
from twiml_app.caller.forms import inbound_form
from twiml_app.recordings.format import Exchange
from twiml_app.recordings.media import local_media
from twiml_app.recordings.replay import replay
from twiml_app.served_app import sender
from twiml_app.twiml import MessagingResponse
from twiml_app.webhook import TWIML_TYPE, WebhookResponse

SID = "ME" + "6" * 32
URL = f"https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/{SID}"
CAT = "https://cdn.example/cats/my%20cat.jpg?a=1&b=2"


def download(url: str, method: str = "GET") -> tuple[int, str, bytes]:
    """Download a file; return status, content type and content."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, method=method)) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read()


def exchange(media: Mapping[str, str], *texts: str, method: str = "POST") -> Exchange:
    """Make a recorded exchange, whose answer is these texts and the media themselves."""
    form = inbound_form("look", media=media)
    reply = MessagingResponse(*(Message(text, Media(url)) for text, url in zip(texts, media, strict=False)))
    return Exchange(
        received_at=0.0,
        kind="message",
        endpoint="message",
        method=method,
        url="https://sms.example.com/message" + (f"?{form.encode()}" if method == "GET" else ""),
        form=form,
        answer=WebhookResponse(status=200, content_type=TWIML_TYPE, body=reply.to_bytes()),
    )


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """The path of a recording, next to which there is a folder for media."""
    (tmp_path / "orders.media").mkdir()
    return tmp_path / "orders.jsonl"


def add(recording: Path, name: str, content: bytes) -> None:
    """Put a media file next to a recording."""
    (recording.with_suffix(".media") / name).write_bytes(content)


@pytest.fixture
def app() -> Flask:
    """An application whose handler downloads media, and sends them back."""
    router = Router()

    @router.default
    def size(message: InboundMessage) -> list[Message]:
        replies = []
        for media in message.media:
            status, content_type, content = download(media.url)
            replies.append(Message(f"{status} {content_type} {content.decode()} {media.url}", Media(media.url)))
        return replies

    app = Flask("media")
    app.config.update(TWIML_CREDENTIALS="sms:quite-long-enough", TWIML_DATABASE_URL="off")
    Twiml(app, router=router)
    return app


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_handler_downloads_the_file_and_may_quote_its_url(app: Flask, recording: Path, method: str) -> None:
    """The URLs of a scrubbed recording are fictitious, and those of Twilio need a password."""
    add(recording, SID, b"dog")
    add(recording, "my cat.jpg", b"cat")
    media = {URL: "image/png", CAT: "image/jpeg"}
    recorded = exchange(media, f"200 image/png dog {URL}", f"200 image/jpeg cat {CAT}", method=method)

    (result,) = replay([recorded], sender(app, recording))

    assert result.differences == ()


def test_hint_names_the_missing_file_if_the_answer_differs(app: Flask, recording: Path) -> None:
    """A failed download must not look like a mistake of the handler."""
    add(recording, SID, b"dog")
    media = {"http://host.invalid/lost.jpg": "image/jpeg"}

    (result,) = replay([exchange(media, "200 image/jpeg cat")], sender(app, recording))
    (unknown,) = replay([exchange(media, "200 image/jpeg cat")], sender(app))

    file = recording.with_name("orders.media") / "lost.jpg"
    hint = "the recorded media URL http://host.invalid/lost.jpg is fictitious"
    assert result.differences[-1] == f"{hint}: put the file at {file} for handlers that download it"
    assert "URLError" in result.differences[-4]
    assert unknown.differences[-1] == hint


def test_agreeing_answer_needs_no_hint(recording: Path) -> None:
    """Most handlers download nothing."""
    router = Router()
    router.default(lambda message: f"{len(message.media)} files")
    app = Flask("counting")
    app.config.update(TWIML_CREDENTIALS="sms:quite-long-enough", TWIML_DATABASE_URL="off")
    Twiml(app, router=router)
    answer = replace(exchange({}).answer, body=b"<Response><Message>1 files</Message></Response>")
    recorded = replace(exchange({URL: "image/png"}), answer=answer)

    (result,) = replay([recorded], sender(app, recording))

    assert result.differences == ()


def test_only_media_with_a_file_are_on_this_machine(recording: Path) -> None:
    """Other URLs stay as recorded, so that an error shows the URL that is known."""
    add(recording, SID, b"dog")

    with local_media(exchange({URL: "image/png", CAT: "image/jpeg"}), recording) as media:
        form = media.exchange.form
        assert urlsplit(form["MediaUrl0"]).path == urlsplit(URL).path
        assert download(form["MediaUrl0"]) == (200, "image/png", b"dog")
        assert form["MediaUrl1"] == CAT
        assert [CAT in note for note in media.notes] == [True]


def test_server_answers_head_and_unknown_paths(recording: Path) -> None:
    """Handlers may ask for the size first."""
    add(recording, SID, b"dog")

    with local_media(exchange({URL: "image/png"}), recording) as media:
        url = media.exchange.form["MediaUrl0"]
        assert download(url, "HEAD") == (200, "image/png", b"")
        assert download(url + "x") == (404, "text/plain", b"")


def test_server_ends_with_the_exchange(recording: Path) -> None:
    """A recording of a thousand pictures must not leave a thousand servers."""
    add(recording, SID, b"dog")

    with local_media(exchange({URL: "image/png"}), recording) as media:
        url = media.exchange.form["MediaUrl0"]
    with pytest.raises(urllib.error.URLError):
        download(url)


def test_exchange_without_files_is_unchanged(recording: Path) -> None:
    """No server is needed for it."""
    text, picture = exchange({}), exchange({URL: "image/png"})

    with local_media(text, recording) as media:
        assert (media.exchange, media.notes) == (text, ())
    with local_media(picture, None) as media:
        assert media.exchange == picture


@pytest.mark.parametrize(
    ("url", "name"),
    [
        pytest.param("https://e.com/", "MediaUrl0", id="no last part"),
        pytest.param("https://e.com", "MediaUrl0", id="no path"),
        pytest.param("https://e.com/..", "MediaUrl0", id="parent folder"),
        pytest.param("https://e.com/%2e%2e%2fsecret", "MediaUrl0", id="encoded slash"),
        pytest.param("https://e.com/a%00b", "MediaUrl0", id="control character"),
        pytest.param("https://e.com/" + "a" * 300, "MediaUrl0", id="too long"),
        pytest.param("https://e.com/" + "%E6%97%A5" * 90, "MediaUrl0", id="too long in bytes"),
        pytest.param("photo.png", "photo.png", id="no host"),
        pytest.param("https://e.com//a/photo.png", "photo.png", id="two slashes"),
        pytest.param("https://e.com/a photo.png", "a photo.png", id="blank"),
        pytest.param("http://[", "MediaUrl0", id="broken URL"),
        pytest.param("https://e.com/caf%C3%A9.png", "café.png", id="encoded letter"),
    ],
)
def test_name_of_the_file_is_safe(recording: Path, url: str, name: str) -> None:
    """Recordings come from other people: a URL must not name a file elsewhere."""
    (recording.parent / "secret").write_bytes(b"secret")
    add(recording, name, b"content")

    with local_media(exchange({url: "image/png"}), recording) as media:
        assert download(media.exchange.form["MediaUrl0"]) == (200, "image/png", b"content")
