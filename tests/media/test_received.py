"""Pictures that are texted in: handlers open and save them, from the emulator, in replays, and in tests."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from flask import Flask

from tests.media.internet import JPEG
from tests.recordings.test_media import SID, URL, exchange
from tests.webhook_requests import BASIC, SIGNED, TOKEN
from twiml_app import InboundMedia, InboundMessage, Router
from twiml_app.app import Twiml
from twiml_app.caller import CONTACT
from twiml_app.emulator import FetchedMedia
from twiml_app.errors import CallError, MediaError
from twiml_app.recordings import replay
from twiml_app.served_app import emulator_for, sender
from twiml_app.testing import Phone

PICTURE = FetchedMedia(content_type="image/jpeg", content=JPEG)
Handler = Callable[[InboundMessage], str | None]


def app_with(handler: Handler, **settings: object) -> Flask:
    """Return an application with one handler."""
    router = Router()
    router.default(handler)
    app = Flask("media")
    app.config.update(**BASIC, TWIML_DATABASE_URL="off", **settings)
    Twiml(app, router=router)
    return app


def describe(message: InboundMessage) -> str:
    """Reply with the size of each file."""
    sizes = []
    for media in message.media:
        with media.open() as file:
            sizes.append(f"{len(file.read())} bytes of {media.content_type}")
    return ", ".join(sizes)


@pytest.mark.parametrize("settings", [{}, SIGNED], ids=["basic", "basic and signature"])
def test_picture_that_is_texted_to_the_emulator_is_saved(tmp_path: Path, settings: dict[str, object]) -> None:
    """The handler gets the bytes that the phone sent, through the emulator's REST API with its credentials."""
    target = tmp_path / "receipt.jpg"

    def keep(message: InboundMessage) -> str:
        message.media[0].save(target)
        return "Saved."

    with emulator_for(app_with(keep, **settings)) as emulator:
        reply = emulator.phone(CONTACT).text("here it is", media=PICTURE)

    assert reply.texts == ["Saved."]
    assert target.read_bytes() == JPEG
    assert [*tmp_path.iterdir()] == [target]


def test_file_is_opened_at_its_beginning_each_time() -> None:
    """A handler may look at the type first, and keep the file afterwards."""

    def twice(message: InboundMessage) -> str:
        assert message.media[0].open().read(2) == JPEG[:2]
        return describe(message)

    with emulator_for(app_with(twice)) as emulator:
        reply = emulator.phone(CONTACT).text(media=[PICTURE, PICTURE])

    assert reply.texts == [", ".join([f"{len(JPEG)} bytes of image/jpeg"] * 2)]


def test_failed_download_fails_the_handler() -> None:
    """Twilio then calls the fallback URL, and the log has the reason."""
    app = app_with(describe)

    with pytest.raises(CallError) as caught:
        Phone(app).image("http://127.0.0.1/cat.jpg")

    assert isinstance(caught.value.__cause__, MediaError)
    assert str(caught.value.__cause__) == (
        "http://127.0.0.1/cat.jpg: 127.0.0.1 would be asked without encryption, and is not the host of TWIML_API_URL"
    )


@pytest.mark.parametrize(
    ("content", "answer"),
    [pytest.param(b"dog", "3 bytes of image/png", id="file"), pytest.param(b"", "0 bytes of image/png", id="empty")],
)
def test_replay_reads_the_file_next_to_the_recording(tmp_path: Path, content: bytes, answer: str) -> None:
    """A replay needs no network and no credentials."""
    folder = tmp_path / "orders.media"
    folder.mkdir()
    (folder / SID).write_bytes(content)
    seen: list[str] = []

    def handler(message: InboundMessage) -> None:
        seen.append(describe(message))

    list(replay([exchange({URL: "image/png"})], sender(app_with(handler), tmp_path / "orders.jsonl")))

    assert seen == [answer]


@pytest.mark.parametrize("name", ["orders.jsonl", ""], ids=["recording without files", "no recording"])
def test_replay_downloads_nothing(tmp_path: Path, name: str) -> None:
    """The URLs of a recording are fictitious, or those of real people's pictures."""
    app = app_with(describe)

    (result,) = replay([exchange({URL: "image/png"}, "3 bytes")], sender(app, tmp_path / name if name else None))

    assert "a replay downloads nothing: put the file into the .media folder next to the recording" in "\n".join(
        result.differences
    )


def test_file_of_a_replay_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    """The file may disappear while the replay runs."""
    folder = tmp_path / "orders.media"
    folder.mkdir()
    (folder / SID).write_bytes(b"dog")

    def handler(message: InboundMessage) -> str:
        (folder / SID).unlink()
        return describe(message)

    (result,) = replay([exchange({URL: "image/png"}, "3")], sender(app_with(handler), tmp_path / "orders.jsonl"))

    assert f"the file {folder / SID} cannot be read: No such file or directory" in "\n".join(result.differences)


def test_picture_that_cannot_be_written_leaves_no_draft(tmp_path: Path) -> None:
    """A full folder of half files helps nobody."""
    (tmp_path / "taken").mkdir()
    problems: list[OSError] = []

    def keep(message: InboundMessage) -> None:
        for path in (tmp_path / "taken", str(tmp_path / "missing" / "a.jpg")):
            try:
                message.media[0].save(path)
            except OSError as error:
                problems.append(error)

    with emulator_for(app_with(keep)) as emulator:
        emulator.phone(CONTACT).text(media=PICTURE)

    assert [type(error) for error in problems] == [IsADirectoryError, FileNotFoundError]
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_existing_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """Two workers may save the same picture, and somebody may be reading the old one."""
    target = tmp_path / "a.jpg"
    target.write_bytes(b"old")

    def keep(message: InboundMessage) -> None:
        with target.open("rb") as reader:
            message.media[0].save(target)
            assert reader.read() == b"old"

    with emulator_for(app_with(keep)) as emulator:
        assert emulator.phone(CONTACT).text(media=PICTURE).problems == []

    assert target.read_bytes() == JPEG


def test_media_of_no_application_cannot_be_downloaded() -> None:
    """An event that a test has made says so, instead of asking the network."""
    with pytest.raises(MediaError, match=r"^http://a/: only a message that an application has received"):
        InboundMedia("http://a/", "image/png").open()


def test_media_stays_plain_data() -> None:
    """Where a file comes from is no part of what it is."""
    seen: list[InboundMedia] = []

    def keep(message: InboundMessage) -> None:
        seen.extend(message.media)

    Phone(app_with(keep)).image("https://example.com/cat.jpg")

    assert seen == [InboundMedia("https://example.com/cat.jpg", "image/jpeg")]
    assert [pickle.loads(pickle.dumps(seen)), copy.deepcopy(seen)] == [seen, seen]
    assert asdict(seen[0]) == {"url": "https://example.com/cat.jpg", "content_type": "image/jpeg"}
    assert repr(seen[0]) == "InboundMedia(url='https://example.com/cat.jpg', content_type='image/jpeg')"


def test_file_can_be_opened_in_another_thread() -> None:
    """A download may take seconds, and handlers may use threads for several."""

    def handler(message: InboundMessage) -> str:
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.append(describe(message)))
        thread.start()
        thread.join()
        return found[0]

    with emulator_for(app_with(handler, TWILIO_AUTH_TOKEN=TOKEN)) as emulator:
        assert emulator.phone(CONTACT).text(media=PICTURE).texts == [f"{len(JPEG)} bytes of image/jpeg"]


def test_phone_sends_a_local_file(tmp_path: Path) -> None:
    """The test of a handler needs neither a server nor the network."""
    (tmp_path / "cat.png").write_bytes(b"cat")
    phone = Phone(app_with(describe))

    assert phone.image(tmp_path / "cat.png", "look", content_type="image/png").texts == ["3 bytes of image/png"]
