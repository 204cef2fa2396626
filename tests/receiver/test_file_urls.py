"""Local files in replies: each gets a signed URL, or the reply is refused with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.media.internet import JPEG
from tests.receiver.programs import text, twiml
from tests.webhook_requests import BASIC, read_settings
from twiml_app import Body, InboundMessage, Media, Message, MessagingResponse, Redirect, Router
from twiml_app.media import MediaLinks
from twiml_app.receiver import Hooks, Receiver
from twiml_app.webhook import WebhookResponse

NOW = 1_800_000_000.0
URL = "https://sms.example.com/media"
#: Signed with the key that is derived from the credentials, for ``menu.jpg`` and ``a&b.png`` until a day after NOW.
MENU = f"{URL}/menu.jpg?token=WyJtZW51LmpwZyIsMTgwMDA4NjQwMF0.aPipGDq0kZjr2f42dx1spOlRIqTHivbG2ls--A4UwIY"
OTHER = f"{URL}/a%26b.png?token=WyJhJmIucG5nIiwxODAwMDg2NDAwXQ.CjEaeaEylxVTYtLdQavhLYbCBnrToLfmFDUIZF4DVEI"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with two pictures."""
    (tmp_path / "menu.jpg").write_bytes(JPEG)
    (tmp_path / "a&b.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return tmp_path


def answer(root: Path, reply: object, *, contact: str = "+15005550001", **settings: object) -> WebhookResponse:
    """Return the answer of a program that returns this reply."""
    router = Router()

    @router.default
    def menu(message: InboundMessage) -> object:
        return reply

    links = MediaLinks(read_settings(BASIC), root, clock=lambda: NOW)
    receiver = Receiver(router, read_settings(BASIC, settings), hooks=Hooks(file_urls=links.urls))
    return receiver.handle(text("hello", From=contact))


@pytest.mark.parametrize(
    ("reply", "inside"),
    [
        pytest.param(
            Message("Today:", media=Path("menu.jpg")),
            f"<Message><Body>Today:</Body><Media>{MENU}</Media></Message>",
            id="text and file",
        ),
        pytest.param(
            Message(media=[Path("menu.jpg"), "https://a.example/x.png", Path("a&b.png")]),
            f"<Message><Media>{MENU}</Media><Media>https://a.example/x.png</Media><Media>{OTHER}</Media></Message>",
            id="files and a URL, in order",
        ),
        pytest.param(
            [Message(Media(Path("menu.jpg")), Body("Enjoy"), to="+15005550009", status_callback="/s"), Redirect("/x")],
            f'<Message to="+15005550009" statusCallback="/s"><Media>{MENU}</Media><Body>Enjoy</Body></Message>'
            "<Redirect>/x</Redirect>",
            id="noun, attributes, another verb",
        ),
        pytest.param(
            MessagingResponse().message("one").message("two", media=Path("menu.jpg")),
            f"<Message><Body>one</Body></Message><Message><Body>two</Body><Media>{MENU}</Media></Message>",
            id="response",
        ),
    ],
)
def test_local_file_becomes_a_signed_url(root: Path, reply: object, inside: str) -> None:
    """Twilio downloads media, so a path means nothing to it."""
    response = answer(root, reply)

    assert (response.status, response.body) == (200, twiml(inside))


def test_long_text_with_a_file_is_split(root: Path) -> None:
    """The file goes with the first part, as a URL does."""
    response = answer(root, Message("word " * 400, media=Path("menu.jpg"), split=True))

    assert response.body.count(b"<Message>") == 2
    assert response.body.count(f"<Media>{MENU}</Media></Message><Message>".encode()) == 1


def test_public_url_is_used_if_there_is_one(root: Path) -> None:
    """Behind a proxy, the host of the request may be one that Twilio cannot reach."""
    response = answer(root, Message(media=Path("menu.jpg")), TWIML_PUBLIC_URL="https://public.example/in")

    assert b"<Media>https://public.example/in/media/menu.jpg?token=" in response.body


def test_absolute_path_is_accepted(root: Path) -> None:
    """Inside of the project it gives the same link as a relative one."""
    assert MENU.encode() in answer(root, Message(media=root / "menu.jpg")).body


@pytest.mark.parametrize(
    ("name", "contact", "problem"),
    [
        pytest.param("none.jpg", "+15005550001", "none.jpg: it cannot be read: No such file", id="missing"),
        pytest.param("big.pdf", "+15005550001", "it has 600000 bytes, and Twilio sends at most 512000", id="by MMS"),
        pytest.param("big.pdf", "whatsapp:+15005550001", "", id="by WhatsApp"),
    ],
)
def test_file_that_cannot_be_sent_fails_the_handler(
    root: Path, caplog: pytest.LogCaptureFixture, name: str, contact: str, problem: str
) -> None:
    """Twilio calls the fallback URL then, and the log names the handler and the reason."""
    (root / "big.pdf").write_bytes(b"%PDF-1.7" + b"x" * 599_992)
    response = answer(root, Message("Today:", media=Path(name)), contact=contact)

    assert response.status == (500 if problem else 200)
    assert problem in caplog.text
    assert ("menu returned a file that cannot be sent: " in caplog.text) == bool(problem)


def test_file_that_nobody_serves_is_refused() -> None:
    """A document with a path in it would be sent to Twilio as a relative URL."""
    router = Router()
    router.default(lambda _: Message(media=Path("menu.jpg")))

    assert Receiver(router, read_settings(BASIC)).handle(text("hello")).status == 500
