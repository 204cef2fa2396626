"""Phones: the delivery outcome that is chosen for a phone, and its inbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.emulator.rest.asking import NUMBER, PHONE, Client
from twiml_app.emulator import Emulator, EmulatorOptions
from twiml_app.emulator.media import FetchedMedia
from twiml_app.emulator.phones import Phones
from twiml_app.emulator.resources import PhoneSettings
from twiml_app.errors import ApiError, ConfigurationError

START = 1_700_000_000.0
OTHER = "+15558675311"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A local Twilio with a number that nobody answers."""
    with Emulator(EmulatorOptions(start=START)) as running:
        running.add_number(NUMBER)
        yield running


@pytest.fixture
def client(emulator: Emulator) -> Client:
    """The account of it."""
    return Client(emulator)


@pytest.fixture
def phones(emulator: Emulator) -> Phones:
    """The phones that it knows of."""
    return Phones(emulator.context)


def bodies(phones: Phones, number: str = PHONE) -> list[str]:
    """Return what has reached a phone."""
    return [message.body for message in phones.inbox(number)]


def test_phone_that_was_never_named_takes_everything(phones: Phones) -> None:
    """A test names the phones that matter to it."""
    assert phones.settings(PHONE) == PhoneSettings(sid=PHONE, account_sid="", date_created=START, date_updated=START)


def test_what_is_chosen_is_kept(phones: Phones) -> None:
    """For that phone alone."""
    chosen = phones.save(replace(phones.settings(PHONE), status="failed", error_code=30006, takes_media=False))

    assert phones.settings(PHONE) == chosen
    assert phones.settings(OTHER).status == "delivered"


def test_inbox_has_what_was_delivered(emulator: Emulator, client: Client, phones: Phones) -> None:
    """Not what is on its way, not what came from the phone, and not what went to another."""
    client.text(Body="one")
    client.text(Body="elsewhere", To=OTHER)
    emulator.phone(PHONE).text("from the phone")
    emulator.settle()
    client.text(Body="on its way")

    assert bodies(phones) == ["one"]


@pytest.mark.parametrize(
    ("status", "reaches"),
    [("delivered", True), ("read", True), ("sent", False), ("undelivered", False), ("failed", False)],
)
def test_fate_decides_whether_a_message_arrives(
    status: str, reaches: bool, emulator: Emulator, client: Client, phones: Phones
) -> None:
    """What was only sent nobody has seen."""
    emulator.phone(PHONE).will(status)
    client.text(Body="hello")
    emulator.settle()

    assert bodies(phones) == (["hello"] if reaches else [])


def test_inbox_has_the_order_of_arrival(emulator: Emulator, client: Client, phones: Phones) -> None:
    """A short code leaves at once; what was sent before it from a long number still waits in a queue."""
    emulator.add_number("77000")
    for n in range(3):
        client.text(Body=f"long {n}")
    client.text(Body="short", From="77000")
    emulator.settle()
    arrived = [message.date_delivered or 0.0 for message in phones.inbox(PHONE)]

    assert bodies(phones)[-1] == "long 2"
    assert bodies(phones).index("short") < 3
    assert arrived == sorted(arrived)


def test_inbox_has_what_every_account_has_sent(emulator: Emulator, client: Client, phones: Phones) -> None:
    """A phone knows nothing of accounts."""
    child = client.post("/2010-04-01/Accounts.json").json["sid"]
    form = {"To": PHONE, "From": OTHER, "Body": "from a subaccount"}
    assert client.post(f"/2010-04-01/Accounts/{child}/Messages.json", form).status == 201
    emulator.settle()

    assert bodies(phones) == ["from a subaccount"]


def test_one_media_needs_no_list(emulator: Emulator) -> None:
    """A text is a list of characters to Python."""
    phone = emulator.phone(PHONE)
    pixel = FetchedMedia(content_type="image/gif", content=b"GIF89a;")

    assert phone.text(media="https://example.com/a.gif").inbound.num_media == 1
    assert phone.text(media=pixel).inbound.num_media == 1
    assert phone.text("two", media=(each for each in ("https://example.com/a.gif", pixel))).inbound.num_media == 2


def test_text_without_anything_is_refused(emulator: Emulator) -> None:
    """No phone sends it."""
    with pytest.raises(ConfigurationError, match=r"^text: give a text or media$"):
        emulator.phone(PHONE).text()


@pytest.mark.parametrize(
    ("text", "received"),
    [("\ud800", "\ufffd"), ("a\udfffb", "a\ufffdb"), ("\ud83d\ude00", "\U0001f600"), ("caf\xe9 \U0001f600",) * 2],
    ids=["a first half", "a second half", "two halves", "whole characters"],
)
def test_half_a_character_is_replaced(text: str, received: str, emulator: Emulator, phones: Phones) -> None:
    """No program could be sent it, and no answer could hold it."""
    assert emulator.phone(PHONE).text(text).inbound.body == received


@pytest.mark.parametrize(
    "content_type", ["image/\r\n x", "image", "image/gif; a=b", "image/gif\n", "/gif", "a/" + "b" * 99, ""]
)
def test_bytes_need_a_content_type(content_type: str, emulator: Emulator) -> None:
    """It is a header when the program fetches them."""
    with pytest.raises(ApiError, match=r"Invalid media: .* is no content type") as refused:
        emulator.phone(PHONE).text("look", media=FetchedMedia(content_type=content_type, content=b"GIF89a;"))

    assert refused.value.code == 21620
