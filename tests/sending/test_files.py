"""Local files in messages that are sent first: checked at the call, and linked when the message leaves."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.sending.bot import Bot, Scripted
from twiml_app.errors import ConfigurationError, MediaError
from twiml_app.journal import SendRow
from twiml_app.sending import Answer

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


class Watched(Scripted):
    """An API that is never reached, and remembers the media of a message."""

    def __init__(self) -> None:
        super().__init__(Answer("accepted", "SM" + "9" * 32, "queued"))
        self.media: list[str] = []

    def create(self, row: SendRow, status_url: str, now: float) -> Answer:
        """Accept a message."""
        self.media += json.loads(row.media)
        return super().create(row, status_url, now)


@pytest.fixture
def menu(tmp_path: Path) -> Path:
    """A small picture."""
    path = tmp_path / "menu.png"
    path.write_bytes(PNG)
    return path


def test_local_file_is_served_to_twilio(local_bot: Bot, menu: Path) -> None:
    """The link is made when the message leaves, as it works for a day, and a message may wait longer."""
    api = Watched()
    local_bot.sending.connect(api, local_bot.twilio.clock.now)
    local_bot.send("Today:", media=[menu, "https://example.com/2.png"])
    local_bot.sending.drain()
    link, other = api.media

    assert link.startswith("https://sms.example.com/media/")
    assert other == "https://example.com/2.png"
    parts = urlsplit(link)
    with local_bot.app.test_client().get(f"{parts.path}?{parts.query}") as answer:
        assert (answer.status_code, answer.content_type, answer.data) == (200, "image/png", PNG)


def test_file_that_cannot_be_sent_is_refused_at_the_call(local_bot: Bot, tmp_path: Path) -> None:
    """The handler fails, instead of a message that nobody sees."""
    with pytest.raises(MediaError, match="cannot be read"):
        local_bot.send("Today:", media=tmp_path / "missing.png")

    assert local_bot.rows() == []


def test_file_that_is_gone_when_the_message_leaves_is_a_failure(local_bot: Bot, menu: Path) -> None:
    """It is listed with the file's name, and nothing is sent without its picture."""
    asked = local_bot.send("Today:", media=menu)
    menu.unlink()
    local_bot.sending.drain()

    assert (local_bot.row(asked).state, local_bot.texts()) == ("failed", [])
    assert "menu.png" in local_bot.row(asked).problem


def test_local_file_needs_the_public_url(mute_bot: Bot, menu: Path) -> None:
    """Twilio could not fetch it."""
    with pytest.raises(ConfigurationError, match="TWIML_PUBLIC_URL"):
        mute_bot.send("Today:", media=menu)
