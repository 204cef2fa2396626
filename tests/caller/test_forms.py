"""Forms: those that Twilio posts, complete enough for any handler, and strange where a test wants them so."""

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

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        pytest.param("inbound-sms.txt", inbound_form("x"), id="text"),
        pytest.param("inbound-mms.txt", inbound_form("x", media={"https://x/": "image/png"}), id="picture"),
        pytest.param("status-delivered.txt", status_form(SID, "delivered"), id="delivered"),
        pytest.param("status-failed.txt", status_form(SID, "failed", error_code=30005), id="failed"),
    ],
)
def test_forms_have_the_fields_of_recorded_traffic(name: str, form: Any) -> None:
    """A handler that works with these must work with what Twilio sends."""
    recorded = sample(name)

    assert form.keys() <= recorded.keys()
    assert type(parse_event(form)) is type(parse_event(recorded))


def test_fields_of_a_form_may_all_be_overridden() -> None:
    """A strange webhook is made for a test in one line."""
    form = inbound_form("x", fields={"Body": "y", "New": "1"})
    status = status_form(SID, "sent", fields={"MessageStatus": "read", "New": "1"})

    assert (form["Body"], form["New"], list(form).count("Body")) == ("y", "1", 1)
    assert (status["MessageStatus"], status["SmsStatus"], status["New"]) == ("read", "sent", "1")


def test_sids_are_as_twilios_and_never_the_same() -> None:
    """The second of two texts of one test would otherwise be a retry."""
    first, second = random_sid(), random_sid("MM")

    assert (first[:2], second[:2], len(first), len(second)) == ("SM", "MM", 34, 34)
    assert first[2:] != second[2:]
    assert set(first[2:]) <= set("0123456789abcdef")


def test_text_has_every_field_of_recorded_traffic_in_its_order() -> None:
    """A program that is recorded and replayed here sees the request that Twilio sends."""
    assert list(inbound_form("x")) == list(sample("inbound-sms.txt"))


@pytest.mark.parametrize(
    ("form", "given"),
    [
        pytest.param(inbound_form(), (CONTACT, NUMBER, ACCOUNT_SID), id="message"),
        pytest.param(
            inbound_form(from_="+1", to="+2", account_sid=OTHER_ACCOUNT),
            ("+1", "+2", OTHER_ACCOUNT),
            id="message, given",
        ),
        pytest.param(status_form(SID, "sent"), (NUMBER, CONTACT, ACCOUNT_SID), id="status"),
        pytest.param(
            status_form(SID, "sent", from_="+1", to="+2", account_sid=OTHER_ACCOUNT),
            ("+1", "+2", OTHER_ACCOUNT),
            id="status, given",
        ),
    ],
)
def test_message_comes_from_the_contact_and_a_status_is_of_our_own_message(form: Any, given: tuple[str, ...]) -> None:
    """Twilio names sender and receiver of the message, so a status has them the other way round."""
    assert (form["From"], form["To"], form["AccountSid"]) == given


@given(TEXTS)
def test_message_reaches_a_handler_as_it_was_written(body: str) -> None:
    """What a test sends is what its handler gets."""
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
    [pytest.param({}, "SM", id="text"), pytest.param({"https://x/": "image/png"}, "MM", id="picture")],
)
def test_message_gets_one_sid_of_its_kind_under_each_name(media: dict[str, str], prefix: str) -> None:
    """Handlers written for any generation of the API find the same sid."""
    form = inbound_form(media=media)

    assert re.fullmatch(prefix + "[0-9a-f]{32}", form["MessageSid"])
    assert form["MessageSid"] == form["SmsSid"] == form["SmsMessageSid"]
    assert form["MessageSid"] != inbound_form(media=media)["MessageSid"]


@pytest.mark.parametrize(
    ("error_code", "named"),
    [
        pytest.param(None, [], id="none"),
        pytest.param(30003, ["30003"], id="one"),
        pytest.param(0, ["0"], id="zero is a code"),
    ],
)
def test_status_has_an_error_code_only_if_one_is_given(error_code: int | None, named: list[str]) -> None:
    """Twilio leaves ErrorCode out of a status without an error."""
    form = status_form(SID, "undelivered", error_code=error_code)
    event = parse_event(form)

    assert form.getlist("ErrorCode") == named
    assert isinstance(event, StatusCallback)
    assert (event.message_sid, event.message_status, event.error_code) == (SID, "undelivered", error_code)


@given(st.dictionaries(st.sampled_from(["Body", "To", "MessageSid", "Extra", "Other"]), TEXTS))
def test_overridden_field_keeps_its_place_and_a_new_one_comes_last(fields: dict[str, str]) -> None:
    """The order of the other fields stays that of Twilio."""
    form = inbound_form("x", fields=fields)
    plain = list(inbound_form("x"))

    assert list(form) == plain + [name for name in fields if name not in plain]
    assert {name: form[name] for name in fields} == fields
    assert len(form.pairs) == len(form)
