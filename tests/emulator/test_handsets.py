"""Handsets: what becomes of what is sent to somebody's phone, and what has reached it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.emulator.rest.asking import NUMBER, PHONE, Client
from twiml_app.emulator import Emulator
from twiml_app.emulator.handsets import Handsets
from twiml_app.emulator.resources import Fate

START = 1_700_000_000.0
OTHER = "+15558675311"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A local Twilio with a number that nobody answers."""
    with Emulator(start=START) as running:
        running.add_number(NUMBER)
        yield running


@pytest.fixture
def client(emulator: Emulator) -> Client:
    """The account of it."""
    return Client(emulator)


@pytest.fixture
def handsets(emulator: Emulator) -> Handsets:
    """The phones that it knows of."""
    return Handsets(emulator.context)


def bodies(handsets: Handsets, number: str = PHONE) -> list[str]:
    """Return what has reached a phone."""
    return [message.body for message in handsets.inbox(number)]


def test_phone_that_was_never_named_takes_everything(handsets: Handsets) -> None:
    """A test names the phones that matter to it."""
    assert handsets.fate(PHONE) == Fate(sid=PHONE, account_sid="", date_created=START, date_updated=START)


def test_what_is_chosen_is_kept(handsets: Handsets) -> None:
    """For that phone alone."""
    chosen = handsets.save(replace(handsets.fate(PHONE), status="failed", error_code=30006, takes_media=False))

    assert handsets.fate(PHONE) == chosen
    assert handsets.fate(OTHER).status == "delivered"


def test_inbox_has_what_was_delivered(emulator: Emulator, client: Client, handsets: Handsets) -> None:
    """Not what is on its way, not what came from the phone, and not what went to another."""
    client.text(Body="one")
    client.text(Body="elsewhere", To=OTHER)
    emulator.handset(PHONE).text("from the phone")
    emulator.settle()
    client.text(Body="on its way")

    assert bodies(handsets) == ["one"]


@pytest.mark.parametrize(
    ("status", "reaches"),
    [("delivered", True), ("read", True), ("sent", False), ("undelivered", False), ("failed", False)],
)
def test_fate_decides_whether_a_message_arrives(
    status: str, reaches: bool, emulator: Emulator, client: Client, handsets: Handsets
) -> None:
    """What was only sent nobody has seen."""
    emulator.handset(PHONE).will(status)
    client.text(Body="hello")
    emulator.settle()

    assert bodies(handsets) == (["hello"] if reaches else [])


def test_inbox_has_the_order_of_arrival(emulator: Emulator, client: Client, handsets: Handsets) -> None:
    """A short code leaves at once; what was sent before it from a long number still waits in a queue."""
    emulator.add_number("77000")
    for n in range(3):
        client.text(Body=f"long {n}")
    client.text(Body="short", From="77000")
    emulator.settle()
    arrived = [message.date_delivered or 0.0 for message in handsets.inbox(PHONE)]

    assert bodies(handsets)[-1] == "long 2"
    assert bodies(handsets).index("short") < 3
    assert arrived == sorted(arrived)


def test_inbox_has_what_every_account_has_sent(emulator: Emulator, client: Client, handsets: Handsets) -> None:
    """A phone knows nothing of accounts."""
    child = client.post("/2010-04-01/Accounts.json").json["sid"]
    form = {"To": PHONE, "From": OTHER, "Body": "from a subaccount"}
    assert client.post(f"/2010-04-01/Accounts/{child}/Messages.json", form).status == 201
    emulator.settle()

    assert bodies(handsets) == ["from a subaccount"]
