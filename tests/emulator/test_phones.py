"""Phones: the delivery outcome chosen for a phone, and its inbox."""

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
    """A local Twilio with a number without a Message URL."""
    with Emulator(EmulatorOptions(start=START)) as running:
        running.add_number(NUMBER)
        yield running


@pytest.fixture
def client(emulator: Emulator) -> Client:
    """A REST client for the account of the emulator."""
    return Client(emulator)


@pytest.fixture
def phones(emulator: Emulator) -> Phones:
    """The phones of the emulator."""
    return Phones(emulator._context)


def bodies(phones: Phones, contact: str = PHONE) -> list[str]:
    """Return the texts that have reached a phone."""
    return [message.body for message in phones.inbox(contact)]


def test_messages_to_a_phone_without_settings_are_delivered(phones: Phones) -> None:
    """A test configures only the phones that matter to it."""
    assert phones.settings(PHONE) == PhoneSettings(sid=PHONE, account_sid="", date_created=START, date_updated=START)


def test_settings_apply_to_one_phone(phones: Phones) -> None:
    """Other phones keep the defaults."""
    chosen = phones.save(replace(phones.settings(PHONE), status="failed", error_code=30006, takes_media=False))

    assert phones.settings(PHONE) == chosen
    assert phones.settings(OTHER).status == "delivered"


def test_inbox_contains_delivered_messages(emulator: Emulator, client: Client, phones: Phones) -> None:
    """Messages in transit, from this phone, or to other phones are not in it."""
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
def test_delivery_outcome_decides_whether_a_message_arrives(
    status: str, reaches: bool, emulator: Emulator, client: Client, phones: Phones
) -> None:
    """A message that was only sent has not reached the phone."""
    emulator.phone(PHONE).will(status)
    client.text(Body="hello")
    emulator.settle()

    assert bodies(phones) == (["hello"] if reaches else [])


def test_inbox_is_in_the_order_of_arrival(emulator: Emulator, client: Client, phones: Phones) -> None:
    """A message from a short code may overtake earlier messages that wait in the queue of a long number."""
    emulator.add_number("77000")
    for n in range(3):
        client.text(Body=f"long {n}")
    client.text(Body="short", From="77000")
    emulator.settle()
    arrived = [message.date_delivered or 0.0 for message in phones.inbox(PHONE)]

    assert bodies(phones)[-1] == "long 2"
    assert bodies(phones).index("short") < 3
    assert arrived == sorted(arrived)


def test_inbox_contains_messages_of_every_account(emulator: Emulator, client: Client, phones: Phones) -> None:
    """A phone does not belong to an account."""
    child = client.post("/2010-04-01/Accounts.json").json["sid"]
    form = {"To": PHONE, "From": OTHER, "Body": "from a subaccount"}
    assert client.post(f"/2010-04-01/Accounts/{child}/Messages.json", form).status == 201
    emulator.settle()

    assert bodies(phones) == ["from a subaccount"]


def test_single_media_file_needs_no_list(emulator: Emulator) -> None:
    """A URL must not be iterated character by character."""
    phone = emulator.phone(PHONE)
    pixel = FetchedMedia(content_type="image/gif", content=b"GIF89a;")

    assert phone.text(media="https://example.com/a.gif").inbound.num_media == 1
    assert phone.text(media=pixel).inbound.num_media == 1
    assert phone.text("two", media=(each for each in ("https://example.com/a.gif", pixel))).inbound.num_media == 2


def test_text_without_body_and_media_is_refused(emulator: Emulator) -> None:
    """A real phone cannot send it."""
    with pytest.raises(ConfigurationError, match=r"^text: there is nothing to send: pass a body or media$"):
        emulator.phone(PHONE).text()


@pytest.mark.parametrize(
    ("text", "received"),
    [("\ud800", "\ufffd"), ("a\udfffb", "a\ufffdb"), ("\ud83d\ude00", "\U0001f600"), ("caf\xe9 \U0001f600",) * 2],
    ids=["high surrogate", "low surrogate", "surrogate pair", "other characters"],
)
def test_lone_surrogate_is_replaced(text: str, received: str, emulator: Emulator, phones: Phones) -> None:
    """It cannot be encoded in a request."""
    assert emulator.phone(PHONE).text(text).inbound.body == received


@pytest.mark.parametrize(
    "content_type", ["image/\r\n x", "image", "image/gif; a=b", "image/gif\n", "/gif", "a/" + "b" * 99, ""]
)
def test_bytes_need_a_valid_content_type(content_type: str, emulator: Emulator) -> None:
    """It is sent as a header when the program fetches the file."""
    with pytest.raises(ApiError, match=r"Invalid media: .* is not a content type") as refused:
        emulator.phone(PHONE).text("look", media=FetchedMedia(content_type=content_type, content=b"GIF89a;"))

    assert refused.value.code == 21620
