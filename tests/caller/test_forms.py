"""Forms: they match what Twilio posts, and tests may override any field."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import sample
from tests.webhook_requests import OTHER_ACCOUNT, SID
from twiml_app.caller.forms import ACCOUNT_SID, CONTACT, NUMBER, inbound_form, random_sid, status_form
from twiml_app.events import InboundMedia, InboundMessage, StatusCallback, parse_event
from twiml_app.webhook import Form

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        pytest.param("inbound-sms.txt", inbound_form("x"), id="text"),
        pytest.param("inbound-mms.txt", inbound_form("x", media={"https://x/": "image/png"}), id="media file"),
        pytest.param("inbound-whatsapp-text.txt", inbound_form("x", from_="whatsapp:+1"), id="WhatsApp"),
        pytest.param("status-delivered.txt", status_form(SID, "delivered"), id="delivered"),
        pytest.param("status-failed.txt", status_form(SID, "failed", error_code=30005), id="failed"),
    ],
)
def test_forms_have_the_fields_of_recorded_traffic(name: str, form: Any) -> None:
    """A handler that works with these forms must work with Twilio's."""
    recorded = sample(name)

    assert form.keys() <= recorded.keys()
    assert type(parse_event(form)) is type(parse_event(recorded))


def test_fields_of_a_form_may_all_be_overridden() -> None:
    """A test creates an unusual webhook in one line."""
    form = inbound_form("x", fields={"Body": "y", "New": "1"})
    status = status_form(SID, "sent", fields={"MessageStatus": "read", "New": "1"})

    assert (form["Body"], form["New"], list(form).count("Body")) == ("y", "1", 1)
    assert (status["MessageStatus"], status["SmsStatus"], status["New"]) == ("read", "sent", "1")


def test_sids_look_like_twilios_and_are_unique() -> None:
    """Otherwise the second text of a test would count as a retry."""
    first, second = random_sid(), random_sid("MM")

    assert (first[:2], second[:2], len(first), len(second)) == ("SM", "MM", 34, 34)
    assert first[2:] != second[2:]
    assert set(first[2:]) <= set("0123456789abcdef")


PICTURE, CARD = {"https://x/1": "image/jpeg"}, {"https://x/2": "text/vcard"}


@pytest.mark.parametrize(
    ("name", "form"),
    [
        pytest.param("inbound-sms.txt", inbound_form("x"), id="text"),
        pytest.param("inbound-mms.txt", inbound_form("x", media=PICTURE | CARD), id="media files"),
        pytest.param("inbound-mms-image-only.txt", inbound_form(media=PICTURE), id="media file only"),
        pytest.param("status-delivered.txt", status_form(SID, "delivered", done_at=0), id="delivered"),
        pytest.param(
            "status-failed.txt", status_form(SID, "undelivered", error_code=30005, done_at=0), id="undelivered"
        ),
    ],
)
def test_form_has_the_fields_of_recorded_traffic_in_order(name: str, form: Form) -> None:
    """A program under test must see the same request as from Twilio."""
    assert list(form) == list(sample(name))


@pytest.mark.parametrize(
    "name",
    [
        *("inbound-fallback.txt", "inbound-opt-out.txt", "inbound-rcs.txt", "inbound-service.txt"),
        *("inbound-whatsapp-button.txt", "inbound-whatsapp-location.txt", "inbound-whatsapp-referral.txt"),
        *("inbound-whatsapp-reply.txt", "inbound-whatsapp-text.txt", "status-whatsapp-read.txt"),
    ],
)
def test_given_fields_are_in_the_order_of_recorded_traffic(name: str) -> None:
    """Fields that only some messages have must be in Twilio's order, too."""
    recorded = sample(name)
    is_status = name.startswith("status")
    form = (
        status_form(SID, "read", fields=recorded)
        if is_status
        else inbound_form(from_=recorded["From"], fields=recorded)
    )

    assert list(form) == list(recorded)


def test_media_fields_are_in_numerical_order() -> None:
    """With ten media files and more, the order of the names as strings would be another."""
    form = inbound_form(fields={f"MediaUrl{index}": "https://x/" for index in reversed(range(12))})

    assert [name for name in form if name.startswith("MediaUrl")] == [f"MediaUrl{index}" for index in range(12)]


@pytest.mark.parametrize(
    ("form", "segments"),
    [
        pytest.param(inbound_form(), "1", id="empty text"),
        pytest.param(inbound_form("x" * 160), "1", id="one segment"),
        pytest.param(inbound_form("x" * 161), "2", id="two segments"),
        pytest.param(inbound_form("x" * 500), "4", id="500 characters"),
        pytest.param(inbound_form("日" * 71), "2", id="UCS-2"),
        pytest.param(inbound_form(media=PICTURE), "1", id="media file"),
        pytest.param(inbound_form("x" * 500, media=PICTURE | CARD), "3", id="text and two media files"),
        pytest.param(inbound_form("x" * 500, from_="whatsapp:+15005550001"), "1", id="WhatsApp"),
        pytest.param(inbound_form("x" * 500, fields={"NumSegments": "9"}), "9", id="overridden"),
    ],
)
def test_message_has_the_number_of_its_segments(form: Form, segments: str) -> None:
    """Handlers may refuse long messages, and recorded MMS count each media file and the text."""
    assert form["NumSegments"] == segments


def test_delivery_receipt_has_the_carriers_date() -> None:
    """Carriers report it in minutes, without a century."""
    form = status_form(SID, "delivered", done_at=1732156200)

    assert form["RawDlrDoneDate"] == sample("status-delivered.txt")["RawDlrDoneDate"] == "2411210230"
    assert "RawDlrDoneDate" not in status_form(SID, "sent")


@pytest.mark.parametrize(
    ("form", "given"),
    [
        pytest.param(inbound_form(), (CONTACT, NUMBER, ACCOUNT_SID), id="message"),
        pytest.param(
            inbound_form(from_="+1", to="+2", account_sid=OTHER_ACCOUNT),
            ("+1", "+2", OTHER_ACCOUNT),
            id="message with other addresses",
        ),
        pytest.param(status_form(SID, "sent"), (NUMBER, CONTACT, ACCOUNT_SID), id="status"),
        pytest.param(
            status_form(SID, "sent", from_="+1", to="+2", account_sid=OTHER_ACCOUNT),
            ("+1", "+2", OTHER_ACCOUNT),
            id="status with other addresses",
        ),
    ],
)
def test_contact_sends_messages_and_receives_those_of_status_callbacks(form: Any, given: tuple[str, ...]) -> None:
    """From and To are those of the message, so they are swapped in a status callback."""
    assert (form["From"], form["To"], form["AccountSid"]) == given


@given(TEXTS)
def test_handler_gets_the_text_unchanged(body: str) -> None:
    """A test must see the effect of exactly the text that it sends."""
    event = parse_event(inbound_form(body, message_sid=SID))

    assert isinstance(event, InboundMessage)
    assert (event.body, event.message_sid, event.media, event.contact, event.number) == (body, SID, (), CONTACT, NUMBER)


def test_media_are_numbered_in_their_order() -> None:
    """A handler reads MediaUrl0 and MediaContentType0 together."""
    form = inbound_form(media={"https://x/1": "image/png", "https://x/2": "text/vcard"})
    event = parse_event(form)

    assert form["NumMedia"] == "2"
    assert isinstance(event, InboundMessage)
    assert event.media == (InboundMedia("https://x/1", "image/png"), InboundMedia("https://x/2", "text/vcard"))


@pytest.mark.parametrize(
    ("media", "prefix"),
    [pytest.param({}, "SM", id="text"), pytest.param({"https://x/": "image/png"}, "MM", id="media file")],
)
def test_message_has_one_sid_under_all_its_names(media: dict[str, str], prefix: str) -> None:
    """Handlers written for any generation of the API read the same SID."""
    form = inbound_form(media=media)

    assert re.fullmatch(prefix + "[0-9a-f]{32}", form["MessageSid"])
    assert form["MessageSid"] == form["SmsSid"] == form["SmsMessageSid"]
    assert form["MessageSid"] != inbound_form(media=media)["MessageSid"]


@pytest.mark.parametrize(
    ("error_code", "values"),
    [
        pytest.param(None, [], id="none"),
        pytest.param(30003, ["30003"], id="one"),
        pytest.param(0, ["0"], id="zero is a code"),
    ],
)
def test_status_has_an_error_code_only_if_one_is_given(error_code: int | None, values: list[str]) -> None:
    """Twilio omits ErrorCode from a status without an error."""
    form = status_form(SID, "undelivered", error_code=error_code)
    event = parse_event(form)

    assert form.getlist("ErrorCode") == values
    assert isinstance(event, StatusCallback)
    assert (event.message_sid, event.message_status, event.error_code) == (SID, "undelivered", error_code)


@given(st.dictionaries(st.sampled_from(["Body", "To", "MessageSid", "Extra", "Other"]), TEXTS))
def test_overridden_field_keeps_its_position_and_new_fields_come_last(fields: dict[str, str]) -> None:
    """The other fields must keep Twilio's order."""
    form = inbound_form("x", fields=fields)
    plain = list(inbound_form("x"))

    assert list(form) == plain + [name for name in fields if name not in plain]
    assert {name: form[name] for name in fields} == fields
    assert len(form.pairs) == len(form)
