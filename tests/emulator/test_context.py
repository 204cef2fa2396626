"""The context: common lookups, and changes of a message."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from tests.emulator.contexts import make_context
from tests.emulator.program import CONTACT, MONDAY, NUMBER, SERVICE
from twiml_app.emulator import Emulator
from twiml_app.emulator.clocks import SteppedClock
from twiml_app.emulator.context import Context
from twiml_app.emulator.resources import (
    Account,
    IncomingNumber,
    MediaRecord,
    MessageRecord,
    MessagingService,
    PhoneSettings,
)
from twiml_app.errors import ConfigurationError

ACCOUNT, OTHER_ACCOUNT = "AC" + "1" * 32, "AC" + "2" * 32
OTHER = "+15017122662"
DATES: dict[str, Any] = {"date_created": MONDAY, "date_updated": MONDAY}
OWN: dict[str, Any] = {"account_sid": ACCOUNT, **DATES}


@pytest.fixture
def context() -> Iterator[Context]:
    """A context with an empty store."""
    context = make_context()
    with closing(context.store):
        yield context


def add_number(context: Context, phone_number: str) -> IncomingNumber:
    """Store a number."""
    return context.store.save(IncomingNumber(sid=f"PN{phone_number}", phone_number=phone_number, **OWN))


def add_message(context: Context, status: str = "queued") -> MessageRecord:
    """Store a message."""
    return context.store.save(
        MessageRecord(sid="SM1", to=CONTACT, from_=NUMBER, body="hello", status=status, direction="outbound-api", **OWN)
    )


def test_number_is_found_by_its_digits(context: Context) -> None:
    """Inbound messages contain the number, not its sid."""
    number = add_number(context, NUMBER)
    add_number(context, OTHER)

    assert context.find_number(NUMBER) == number
    assert context.find_number("+15017122663") is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param("+1 (501) 712-2661", NUMBER, id="as people write it"),
        pytest.param("12345", "12345", id="short code"),
        pytest.param("!", "!", id="not a number"),
    ],
)
def test_given_number_is_converted_to_the_format_of_twilio(context: Context, text: str, number: str) -> None:
    """Whether the number is ours is checked later, with an error that quotes it."""
    assert context.our_number(text) == number


def test_number_is_optional_if_there_is_only_one(context: Context) -> None:
    """Most programs have one number; with none or several, the error says what to do."""
    with pytest.raises(ConfigurationError, match="number: no number exists yet: add one"):
        context.our_number("")
    add_number(context, NUMBER)
    assert context.our_number("") == NUMBER
    add_number(context, OTHER)
    with pytest.raises(ConfigurationError, match="number: several numbers exist: say which one to use"):
        context.our_number("")


def test_numbers_of_a_service_are_in_the_order_of_the_service(context: Context) -> None:
    """A number that was released is skipped."""
    numbers = {digits: add_number(context, digits) for digits in (NUMBER, OTHER)}
    service = MessagingService(sid=SERVICE, numbers=(f"PN{OTHER}", "PN of nobody", f"PN{NUMBER}"), **OWN)

    assert context.numbers_of(service) == [numbers[OTHER], numbers[NUMBER]]


def test_service_is_found_by_a_number_in_it(context: Context) -> None:
    """A message to the number goes to the URL of the service, unless the service belongs to another account."""
    number, other = add_number(context, NUMBER), add_number(context, OTHER)
    theirs = MessagingService(sid="MG1", account_sid=OTHER_ACCOUNT, numbers=(number.sid, other.sid), **DATES)
    ours = MessagingService(sid=SERVICE, numbers=(number.sid,), **OWN)
    for service in (ours, theirs):
        context.store.save(service)

    assert context.find_service(number) == ours
    assert context.find_service(other) is None
    assert context.find_service(None) is None


@pytest.mark.parametrize(
    ("contact", "setting", "takes_media"),
    [
        pytest.param(CONTACT, None, True, id="United States"),
        pytest.param("+447700900123", None, False, id="Great Britain"),
        pytest.param(f"whatsapp:{CONTACT}", None, True, id="channel"),
        pytest.param("!", None, False, id="not a number"),
        pytest.param(CONTACT, False, False, id="turned off"),
        pytest.param("+447700900123", True, True, id="turned on"),
    ],
)
def test_setting_or_country_decides_whether_a_phone_accepts_media(
    context: Context, contact: str, setting: bool | None, takes_media: bool
) -> None:
    """The setting of a phone overrides the default of its country."""
    context.store.save(PhoneSettings(sid=contact, takes_media=setting, **OWN))

    assert context.takes_media(contact) is takes_media


def test_country_decides_whether_a_phone_without_settings_accepts_media(context: Context) -> None:
    """A test configures only the phones that matter to it."""
    assert (context.takes_media(CONTACT), context.takes_media("+447700900123")) == (True, False)


@pytest.mark.parametrize(
    ("settings", "outcome"),
    [
        pytest.param(None, ("delivered", None), id="no settings"),
        pytest.param({}, ("delivered", None), id="default settings"),
        pytest.param({"status": "sent"}, ("sent", None), id="sent"),
        pytest.param({"status": "failed"}, ("failed", 30008), id="failed"),
        pytest.param({"status": "undelivered"}, ("undelivered", 30003), id="undelivered"),
        pytest.param({"status": "undelivered", "error_code": 30005}, ("undelivered", 30005), id="with a code"),
    ],
)
def test_settings_of_a_phone_decide_the_delivery_outcome(
    context: Context, settings: dict[str, Any] | None, outcome: tuple[str, int | None]
) -> None:
    """A failure always has an error code."""
    if settings is not None:
        context.store.save(PhoneSettings(sid=CONTACT, **settings, **OWN))

    assert context.delivery_outcome(CONTACT) == outcome


def test_account_is_found_by_its_sid(context: Context) -> None:
    """The token of the account signs its webhooks."""
    account = context.store.save(Account(sid=ACCOUNT, auth_token="token", **OWN))

    assert context.account(ACCOUNT) == account


def test_missing_account_is_named_in_the_error() -> None:
    """This would be a bug in the emulator, and the sid helps to find it."""
    with Emulator() as emulator, pytest.raises(LookupError, match=f"no account AC{'9' * 32}"):
        emulator._context.account("AC" + "9" * 32)


def test_media_of_a_message_are_in_order(context: Context) -> None:
    """MediaUrl0 is the first picture of the message."""
    for sid, parent in (("ME2", "MM1"), ("ME3", "MM2"), ("ME1", "MM1")):
        context.store.save(MediaRecord(sid=sid, parent_sid=parent, content_type="image/png", **OWN))

    assert [media.sid for media in context.media_of("MM1")] == ["ME2", "ME1"]
    assert context.media_of("MM3") == []


def test_message_is_changed_if_its_status_is_as_expected(context: Context) -> None:
    """The change is stored with its date."""
    add_message(context)
    assert isinstance(context.clock, SteppedClock)
    context.clock.move_to(MONDAY + 60)
    changed = context.change_message("SM1", frozenset({"queued"}), status="sending")

    assert changed
    assert (changed.status, changed.date_updated, changed.body) == ("sending", MONDAY + 60, "hello")
    assert context.store.get(MessageRecord, "SM1") == changed


def test_message_with_another_status_is_not_changed(context: Context) -> None:
    """A message that was sent cannot be canceled."""
    message = add_message(context, "sent")

    assert context.change_message("SM1", frozenset({"queued", "sending"}), status="canceled") is None
    assert context.store.get(MessageRecord, "SM1") == message


def test_deleted_message_is_not_changed(context: Context) -> None:
    """A message that was deleted in transit must not come back."""
    assert context.change_message("SM1", frozenset({"queued"}), status="sending") is None
    assert context.store.count(MessageRecord) == 0


def test_only_one_of_many_concurrent_changes_succeeds(context: Context) -> None:
    """A message is either canceled or sent, never both."""
    add_message(context)

    def change(n: int) -> MessageRecord | None:
        return context.change_message("SM1", frozenset({"queued"}), status="sending", body=str(n))

    with ThreadPoolExecutor(8) as threads:
        changed = [message for message in threads.map(change, range(64)) if message]

    assert changed == [context.store.get(MessageRecord, "SM1")]
