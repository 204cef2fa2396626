"""Local files in replies, from the handler to the phone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from flask import Flask

from tests.media.internet import JPEG
from tests.recordings.test_media import exchange
from tests.servers import ROOT, gunicorn
from tests.webhook_requests import BASIC, SIGNED, read_settings
from twiml_app import InboundMessage, Message, Router, StatusCallback
from twiml_app.app import Twiml
from twiml_app.caller import CONTACT
from twiml_app.credentials import Credentials, basic_header
from twiml_app.emulator import Emulator, FetchedMedia
from twiml_app.media import MediaLinks
from twiml_app.recordings import replay
from twiml_app.served_app import emulator_for, sender

PNG = (ROOT / "pictures" / "way.png").read_bytes()


def app_of(root: Path, prefix: str = "", **settings: object) -> Flask:
    """Return an application in a folder that keeps pictures, and replies with them."""
    router = Router()

    @router.message(media=True)
    def keep(message: InboundMessage) -> Message:
        message.media[0].save(root / "kept.jpg")
        return Message("Here it is again:", media=[Path("kept.jpg"), root / "menu.png"])

    @router.default
    def menu(message: InboundMessage) -> Message:
        return Message("Today:", media=Path("menu.png"))

    @router.status("delivered")
    def report(status: StatusCallback) -> None:
        """Have a status URL in each reply."""

    (root / "menu.png").write_bytes(PNG)
    app = Flask("media")
    app.config.update(**BASIC, TWIML_DATABASE_URL="off", **settings)
    Twiml(app, router=router, root=root, url_prefix=prefix)
    return app


def bytes_on_the_phone(emulator: Emulator, url: str) -> tuple[str, bytes]:
    """Return type and content of a media file that has reached a phone, from the REST API."""
    header = basic_header(Credentials(emulator.account_sid, emulator.auth_token))
    with urlopen(Request(url, headers={"Authorization": header})) as answer:
        return answer.headers["Content-Type"], answer.read()


@pytest.mark.parametrize("prefix", ["", "/sms"])
def test_picture_goes_to_the_handler_and_back_to_the_phone(tmp_path: Path, prefix: str) -> None:
    """The phone gets the bytes that it sent, and those of another file, through the signed links."""
    with emulator_for(app_of(tmp_path, prefix, **SIGNED)) as emulator:
        reply = emulator.phone(CONTACT).text(media=FetchedMedia(content_type="image/jpeg", content=JPEG))
        emulator.settle()

        assert (reply.problems, reply.texts, reply.statuses) == ([], ["Here it is again:"], ["delivered"])
        assert [bytes_on_the_phone(emulator, url) for url in reply.media] == [("image/jpeg", JPEG), ("image/png", PNG)]


def test_replay_agrees_although_each_link_is_another(tmp_path: Path) -> None:
    """A recording with a local file can be kept as a test."""
    texted = replace(exchange({}), url="http://localhost/message")
    (first,) = replay([texted], sender(app_of(tmp_path)))
    assert first.answer

    (second,) = replay([replace(texted, answer=first.answer)], sender(app_of(tmp_path, SECRET_KEY="another")))

    assert second.answer
    assert second.answer.body != first.answer.body
    assert second.differences == ()


@pytest.mark.slow
def test_link_is_served_by_every_worker(tmp_path: Path) -> None:
    """The worker that made a link is rarely the one that Twilio asks for the file."""
    for name in ("wsgi.py", "gunicorn.conf.py"):
        shutil.copy(ROOT / "twiml_app" / "scaffold" / name, tmp_path)
    (tmp_path / "handlers.py").write_text("from twiml_app import Router\nrouters = [Router()]\n")
    (tmp_path / "menu.png").write_bytes(PNG)
    settings = {**BASIC, "TWIML_DATABASE_URL": "off", "TWIML_PUBLIC_URL": "https://sms.example.com"}
    link = urlsplit(MediaLinks(read_settings(settings), tmp_path).url(Path("menu.png")))

    with gunicorn(settings, folder=tmp_path, workers=2) as base_url:
        for _ in range(10):
            with urlopen(f"{base_url}{link.path}?{link.query}") as answer:
                assert (answer.headers["Content-Type"], answer.read()) == ("image/png", PNG)
        with urlopen(Request(f"{base_url}{link.path}?{link.query}", headers={"Range": "bytes=1-3"})) as answer:
            assert (answer.status, answer.headers["Content-Length"], answer.read()) == (206, "3", PNG[1:4])
        with urlopen(Request(f"{base_url}{link.path}?{link.query}", method="HEAD")) as answer:
            assert (answer.headers["Content-Length"], answer.read()) == (str(len(PNG)), b"")
