"""The context: finding what the parts of an emulator share, and changing a message."""

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
    """What the parts share, with nothing in the store."""
    context = make_context()
    with closing(context.store):
        yield context


def add_number(context: Context, phone_number: str) -> IncomingNumber:
    """Keep a number."""
    return context.store.save(IncomingNumber(sid=f"PN{phone_number}", phone_number=phone_number, **OWN))


def add_message(context: Context, status: str = "queued") -> MessageRecord:
    """Keep a message."""
    return context.store.save(
        MessageRecord(sid="SM1", to=CONTACT, from_=NUMBER, body="hello", status=status, direction="outbound-api", **OWN)
    )


def test_number_is_found_by_its_digits(context: Context) -> None:
    """What comes in names the number, not its sid."""
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
def test_named_number_is_written_as_twilio_does(context: Context, text: str, number: str) -> None:
    """Whether the number is one of ours is checked later, with an error that repeats it."""
    assert context.our_number(text) == number


def test_number_need_not_be_named_if_there_is_one(context: Context) -> None:
    """Most programs have one number; with none or several, the error says what to do."""
    with pytest.raises(ConfigurationError, match="number: there is none yet: add one"):
        context.our_number("")
    add_number(context, NUMBER)
    assert context.our_number("") == NUMBER
    add_number(context, OTHER)
    with pytest.raises(ConfigurationError, match="number: say which: there are several"):
        context.our_number("")


def test_service_has_its_numbers_in_the_order_in_which_they_were_added(context: Context) -> None:
    """A number that was released is skipped, and the order is that of the service."""
    numbers = {digits: add_number(context, digits) for digits in (NUMBER, OTHER)}
    service = MessagingService(sid=SERVICE, numbers=(f"PN{OTHER}", "PN of nobody", f"PN{NUMBER}"), **OWN)

    assert context.numbers_of(service) == [numbers[OTHER], numbers[NUMBER]]


def test_service_is_found_by_a_number_in_it(context: Context) -> None:
    """A text to the number goes to the URL of the service, unless the service belongs to somebody else."""
    number, other = add_number(context, NUMBER), add_number(context, OTHER)
    theirs = MessagingService(sid="MG1", account_sid=OTHER_ACCOUNT, numbers=(number.sid, other.sid), **DATES)
    ours = MessagingService(sid=SERVICE, numbers=(number.sid,), **OWN)
    for service in (ours, theirs):
        context.store.save(service)

    assert context.find_service(number) == ours
    assert context.find_service(other) is None
    assert context.find_service(None) is None


@pytest.mark.parametrize(
    ("number", "setting", "takes_media"),
    [
        pytest.param(CONTACT, None, True, id="United States"),
        pytest.param("+447700900123", None, False, id="Great Britain"),
        pytest.param(f"whatsapp:{CONTACT}", None, True, id="channel"),
        pytest.param("!", None, False, id="not a number"),
        pytest.param(CONTACT, False, False, id="switched off"),
        pytest.param("+447700900123", True, True, id="switched on"),
    ],
)
def test_phone_takes_media_as_it_is_set_or_as_its_country_does(
    context: Context, number: str, setting: bool | None, takes_media: bool
) -> None:
    """A setting for one phone counts more than the habit of its country."""
    context.store.save(PhoneSettings(sid=number, takes_media=setting, **OWN))

    assert context.takes_media(number) is takes_media


def test_phone_that_was_never_set_takes_media_as_its_country_does(context: Context) -> None:
    """A test sets only the phones that it is about."""
    assert (context.takes_media(CONTACT), context.takes_media("+447700900123")) == (True, False)


def test_account_is_found_by_its_sid(context: Context) -> None:
    """Its token signs the webhooks."""
    account = context.store.save(Account(sid=ACCOUNT, auth_token="token", **OWN))

    assert context.account(ACCOUNT) == account


def test_account_that_does_not_exist_is_named() -> None:
    """A mistake of the emulator itself is found by its sid."""
    with Emulator() as emulator, pytest.raises(LookupError, match=f"no account AC{'9' * 32}"):
        emulator.context.account("AC" + "9" * 32)


def test_media_of_a_message_are_in_order(context: Context) -> None:
    """MediaUrl0 is the picture that was sent first."""
    for sid, parent in (("ME2", "MM1"), ("ME3", "MM2"), ("ME1", "MM1")):
        context.store.save(MediaRecord(sid=sid, parent_sid=parent, content_type="image/png", **OWN))

    assert [media.sid for media in context.media_of("MM1")] == ["ME2", "ME1"]
    assert context.media_of("MM3") == []


def test_message_is_changed_if_its_status_is_as_expected(context: Context) -> None:
    """The change is kept with its moment."""
    add_message(context)
    assert isinstance(context.clock, SteppedClock)
    context.clock.move_to(MONDAY + 60)
    changed = context.change_message("SM1", frozenset({"queued"}), status="sending")

    assert changed
    assert (changed.status, changed.date_updated, changed.body) == ("sending", MONDAY + 60, "hello")
    assert context.store.get(MessageRecord, "SM1") == changed


def test_message_with_another_status_stays_as_it_is(context: Context) -> None:
    """A message that has left cannot be canceled."""
    message = add_message(context, "sent")

    assert context.change_message("SM1", frozenset({"queued", "sending"}), status="canceled") is None
    assert context.store.get(MessageRecord, "SM1") == message


def test_message_that_is_gone_is_not_changed(context: Context) -> None:
    """A message that was deleted on its way must not come back."""
    assert context.change_message("SM1", frozenset({"queued"}), status="sending") is None
    assert context.store.count(MessageRecord) == 0


def test_message_is_changed_by_one_of_many_at_once(context: Context) -> None:
    """A message is either canceled or sent, and never both."""
    add_message(context)

    def change(n: int) -> MessageRecord | None:
        return context.change_message("SM1", frozenset({"queued"}), status="sending", body=str(n))

    with ThreadPoolExecutor(8) as threads:
        changed = [message for message in threads.map(change, range(64)) if message]

    assert changed == [context.store.get(MessageRecord, "SM1")]
