"""Resources: plain data that the store can save, with a short repr."""

from __future__ import annotations

from contextlib import closing
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from twiml_app.emulator.resources import (
    DELIVERY_OUTCOMES,
    FINISHED,
    Account,
    Application,
    DebuggerEntry,
    Feedback,
    IncomingNumber,
    MediaLink,
    MediaRecord,
    MessageRecord,
    MessagingService,
    OptOut,
    PhoneSettings,
    PostalAddress,
    Resource,
    WhatsAppContact,
)
from twiml_app.emulator.store import ResourceStore

OWN: dict[str, Any] = {"account_sid": "AC1", "date_created": 1.0, "date_updated": 2.5}
MESSAGE = MessageRecord(
    sid="SM1", to="+15558675310", from_="+15017122661", body="it's", status="queued", direction="outbound-api", **OWN
)
ENTRY = DebuggerEntry(
    sid="NO1", code=12100, level="error", text="the document is not XML.", url="http://a.example/", **OWN
)
#: One resource of each kind.
RESOURCES: tuple[Resource, ...] = (
    Account(sid="AC1", auth_token="token", verified=("+15558675310", "+15558675311"), **OWN),
    IncomingNumber(sid="PN1", phone_number="+15017122661", **OWN),
    PostalAddress(
        sid="AD1",
        customer_name="Jenny",
        street="4th",
        city="SF",
        region="CA",
        postal_code="94019",
        iso_country="US",
        **OWN,
    ),
    Application(sid="AP1", **OWN),
    MessagingService(sid="MG1", numbers=("PN1", "PN2"), **OWN),
    replace(MESSAGE, price=-0.0075, validity_s=60, send_at=3.5),
    MediaRecord(sid="ME1", parent_sid="MM1", content_type="image/png", **OWN),
    MediaLink(sid="abcdefg", media_sid="ME1", expires=4.0, **OWN),
    PhoneSettings(sid="+15558675310", takes_media=False, **OWN),
    OptOut(sid="+15017122661 +15558675310", sender="+15017122661", contact="+15558675310", **OWN),
    WhatsAppContact(sid="whatsapp:+15017122661 whatsapp:+15558675310", joined=5.0, **OWN),
    ENTRY,
    Feedback(sid="SM1", message_sid="SM1", outcome="confirmed", **OWN),
)


def test_every_kind_is_tested() -> None:
    """A kind that is missing in the list would not be tested."""
    assert {type(resource).__name__ for resource in RESOURCES} == {kind.__name__ for kind in Resource.__subclasses__()}


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: type(resource).__name__)
def test_resource_is_unchanged_by_the_store(resource: Resource) -> None:
    """A field of a type that JSON does not have would be changed by a restart."""
    with closing(ResourceStore()) as store:
        store.save(resource)

        assert store.get(type(resource), resource.sid) == resource


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: type(resource).__name__)
def test_resource_cannot_be_changed_in_place(resource: Resource) -> None:
    """A change that bypasses the store would be lost."""
    with pytest.raises(FrozenInstanceError):
        resource.date_updated = 0.0  # type: ignore[misc]


@pytest.mark.parametrize("outcome", DELIVERY_OUTCOMES)
def test_message_with_a_delivery_outcome_is_finished(outcome: str) -> None:
    """It must be possible to delete a message with any final status."""
    assert outcome in FINISHED


@pytest.mark.parametrize("status", ["accepted", "scheduled", "queued", "sending"])
def test_message_that_was_not_sent_is_not_finished(status: str) -> None:
    """It cannot be deleted yet."""
    assert status not in FINISHED


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        pytest.param(
            MESSAGE, '<SM1 outbound-api queued: +15017122661 to +15558675310, "it\'s">', id="text, as a Python literal"
        ),
        pytest.param(
            replace(MESSAGE, status="failed", error_code=30008),
            '<SM1 outbound-api failed 30008: +15017122661 to +15558675310, "it\'s">',
            id="failure",
        ),
        pytest.param(
            replace(MESSAGE, body="", num_media=2),
            "<SM1 outbound-api queued: +15017122661 to +15558675310, '', 2 media>",
            id="media",
        ),
    ],
)
def test_repr_of_a_message_is_short(message: MessageRecord, shown: str) -> None:
    """A failed assertion prints it, and thirty fields would hide the one that is wrong."""
    assert repr(message) == shown


def test_repr_of_an_entry_is_short() -> None:
    """A failed assertion prints it."""
    assert repr(ENTRY) == "<error 12100 http://a.example/ the document is not XML.>"


def test_repr_of_a_number_has_no_url() -> None:
    """The Message URL contains the password of the program."""
    number = IncomingNumber(sid="PN1", phone_number="+15017122661", sms_url="http://sms:secret@a.example/", **OWN)

    assert "+15017122661" in repr(number)
    assert "secret" not in repr(number)


def test_repr_of_an_account_has_no_secrets() -> None:
    """A failed assertion prints it, and test output may be public."""
    account = Account(sid="AC1", auth_token="the-token", signing_key="SK1", signing_secret="the-secret", **OWN)

    assert "AC1" in repr(account)
    assert "SK1" in repr(account)
    assert "the-token" not in repr(account)
    assert "the-secret" not in repr(account)
