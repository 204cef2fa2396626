"""Events are parsed from the webhooks of every generation and channel of Twilio."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import SAMPLES, sample
from twiml_app.events import InboundMedia, InboundMessage, StatusCallback, UnknownEvent, parse_event
from twiml_app.webhook import Form

ACCOUNT = "AC" + "0" * 32
MEDIA_URL = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/MM{'12' * 16}/Media/ME"

#: The values of all samples that are not empty.
PHONES: dict[str, Any] = {"from_": "+15005550001", "to": "+15005550006"}
PLACES: dict[str, Any] = {
    "from_city": "SAN FRANCISCO", "from_state": "CA", "from_zip": "94103", "from_country": "US",
    "to_city": "SAN FRANCISCO", "to_state": "CA", "to_zip": "94105", "to_country": "US",
}  # fmt: skip
COMMON: dict[str, Any] = {"account_sid": ACCOUNT, "api_version": "2010-04-01"}
SMS = COMMON | PHONES | PLACES | {"num_segments": 1}
WHATSAPP = COMMON | {
    "from_": "whatsapp:+15005550001", "to": "whatsapp:+15005550006", "num_segments": 1,
    "profile_name": "Ada Example", "wa_id": "15005550001",
}  # fmt: skip
REPLIED = {"original_replied_message_sender": "whatsapp:+15005550006"}
REPORT = COMMON | {"from_": "+15005550006", "to": "+15005550001"}
SERVICE = {"messaging_service_sid": "MG" + "51" * 16}


def sid(number: str) -> dict[str, str]:
    """Return the sid of a sample."""
    return {"message_sid": "SM" + number * 16}


def given_values(event: object) -> dict[str, Any]:
    """Return the attributes that do not have their default."""
    names = [field.name for field in fields(event) if field.name not in ("form", "query")]  # type: ignore[arg-type]
    values = {name: getattr(event, name) for name in names}
    return {name: value for name, value in values.items() if value not in ("", None, False, (), {})}


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        pytest.param("inbound-sms", InboundMessage, SMS | sid("11") | {"body": "order 2 coffee"}, id="SMS"),
        pytest.param(
            "inbound-mms",
            InboundMessage,
            SMS | {
                "message_sid": "MM" + "12" * 16, "body": "Two pictures of the café ☕", "num_segments": 3,
                "media": (
                    InboundMedia(MEDIA_URL + "61" * 16, "image/jpeg"), InboundMedia(MEDIA_URL + "62" * 16, "image/png")
                ),
            },
            id="MMS of two pictures",
        ),
        pytest.param(
            "inbound-mms-image-only",
            InboundMessage,
            SMS | {
                "message_sid": "MM" + "13" * 16,
                "media": (InboundMedia(MEDIA_URL.replace("12" * 16, "13" * 16) + "63" * 16, "image/jpeg"),),
            },
            id="image-only MMS",
        ),
        pytest.param(
            "inbound-whatsapp-text",
            InboundMessage,
            WHATSAPP | sid("14") | {
                "body": "Hello 👋🏽 & good day", "message_type": "text", "external_user_id": "whatsapp:ID.1500555000100"
            },
            id="WhatsApp text",
        ),
        pytest.param(
            "inbound-whatsapp-location",
            InboundMessage,
            WHATSAPP | sid("15") | {
                "message_type": "location", "latitude": 37.78789, "longitude": -122.391655,
                "address": "375 Example Street, San Francisco", "label": "The café",
            },
            id="WhatsApp location",
        ),
        pytest.param(
            "inbound-whatsapp-button",
            InboundMessage,
            WHATSAPP | sid("16") | REPLIED | {
                "body": "Yes, please", "message_type": "button", "original_replied_message_sid": "SM" + "71" * 16,
                "button_text": "Yes, please", "button_payload": "confirm:42", "button_type": "REPLY",
            },
            id="WhatsApp button",
        ),
        pytest.param(
            "inbound-whatsapp-reply",
            InboundMessage,
            WHATSAPP | sid("17") | REPLIED | {
                "body": "This one", "message_type": "text", "original_replied_message_sid": "SM" + "72" * 16,
                "forwarded": True,
            },
            id="WhatsApp quoted and forwarded",
        ),
        pytest.param(
            "inbound-whatsapp-referral",
            InboundMessage,
            WHATSAPP | sid("18") | {
                "body": "I saw your ad", "message_type": "text",
                "referral_body": "Two for one, today only", "referral_headline": "Coffee to go",
                "referral_source_id": "120000000000001", "referral_source_type": "ad",
                "referral_source_url": "https://fb.me/example1", "referral_media_id": "900000000000001",
                "referral_media_content_type": "image/jpeg",
                "referral_media_url": "https://scontent.example.com/ad.jpg?a=1&b=2",
                "referral_ctwa_clid": "ARexampleClickId",
            },
            id="click to WhatsApp",
        ),
        pytest.param(
            "inbound-rcs",
            InboundMessage,
            COMMON | sid("19") | SERVICE | {
                "from_": "rcs:+15005550001", "to": "rcs:example_agent", "body": "menu", "num_segments": 1,
                "channel_metadata": '{"type":"rcs","data":{"context":{"agent_id":"example_agent"}}}',
            },
            id="RCS",
        ),
        pytest.param("inbound-service", InboundMessage, SMS | sid("1a") | SERVICE | {"body": "hours"}, id="service"),
        pytest.param(
            "inbound-opt-out",
            InboundMessage,
            SMS | sid("1b") | SERVICE | {"body": "STOP", "opt_out_type": "STOP"},
            id="Advanced Opt-Out",
        ),
        pytest.param(
            "inbound-fallback",
            InboundMessage,
            SMS | sid("1c")
            | {"body": "order 2 coffee", "error_code": 11200, "error_url": "https://sms.example.com/message"},
            id="call of the fallback URL",
        ),
        pytest.param(
            "inbound-2010",
            InboundMessage,
            COMMON | PHONES | PLACES | sid("1d") | {"body": "order 2 coffee"},
            id="inbound before MMS",
        ),
        pytest.param(
            "inbound-2008",
            InboundMessage,
            PLACES | sid("1e")
            | {"account_sid": ACCOUNT, "from_": "5005550001", "to": "5005550006", "body": "order 2 coffee"},
            id="inbound of 2008",
        ),
        pytest.param(
            "status-delivered",
            StatusCallback,
            REPORT | sid("31") | {"message_status": "delivered", "raw_dlr_done_date": "2411210230"},
            id="delivered",
        ),
        pytest.param(
            "status-failed",
            StatusCallback,
            REPORT | sid("32")
            | {"message_status": "undelivered", "error_code": 30005, "raw_dlr_done_date": "2411210231"},
            id="undelivered",
        ),
        pytest.param(
            "status-whatsapp-read",
            StatusCallback,
            COMMON | sid("33") | {
                "from_": "whatsapp:+15005550006", "to": "whatsapp:+15005550001", "message_status": "read",
                "event_type": "READ", "channel_install_sid": "XE" + "52" * 16, "channel_prefix": "whatsapp",
                "channel_to_address": "+1500555XXXX",
            },
            id="read",
        ),
        pytest.param("status-2010", StatusCallback, REPORT | sid("34") | {"message_status": "sent"}, id="sent of 2010"),
        pytest.param("status-2008", StatusCallback, sid("35") | {"message_status": "sent"}, id="send of 2008"),
        pytest.param(
            "status-2008-failed", StatusCallback, sid("36") | {"message_status": "failed"}, id="failed of 2008"
        ),
        pytest.param("voice", UnknownEvent, COMMON, id="voice"),
    ],
)  # fmt: skip
def test_every_parameter_of_a_sample_is_parsed(name: str, kind: type, expected: dict[str, Any]) -> None:
    """Handlers get every parameter of each generation and channel under one name."""
    form = sample(f"{name}.txt")
    event = parse_event(form)

    assert type(event) is kind
    assert given_values(event) == expected
    assert event.form is form


def test_every_parameter_of_the_samples_has_an_attribute() -> None:
    """A documented parameter is available by its snake-case name, without using the form."""
    derived = {"SmsSid", "SmsMessageSid", "SmsStatus", "NumMedia"}
    for path in SAMPLES.glob("*.txt"):
        event = parse_event(sample(path.name))
        if not isinstance(event, UnknownEvent):
            plain = {name for name in event.form if not name.startswith("Media") and name != "ReferralNumMedia"}
            known = {"".join(word.capitalize() for word in field.name.split("_")) for field in fields(event)}

            assert plain - derived <= known, path.name


MINIMAL = {"From": "+15005550001", "To": "+15005550006", "Body": "hi"}


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        pytest.param(MINIMAL, InboundMessage, id="no status, as in a hand-written request"),
        pytest.param(MINIMAL | {"Body": ""}, InboundMessage, id="empty text"),
        pytest.param({"From": "+1", "NumMedia": "1"}, InboundMessage, id="only media"),
        pytest.param({"From": "+1", "SmsStatus": "received"}, InboundMessage, id="only received"),
        pytest.param(MINIMAL | {"MessageStatus": "receiving"}, InboundMessage, id="receiving"),
        pytest.param(MINIMAL | {"MessageStatus": "", "SmsStatus": ""}, InboundMessage, id="empty status"),
        pytest.param(MINIMAL | {"MessageStatus": "delivered"}, StatusCallback, id="status with a text"),
        pytest.param({"MessageStatus": "", "SmsStatus": "sent"}, StatusCallback, id="only the older status"),
        pytest.param({"SmsSid": "SM1", "SmsStatus": "invalid"}, StatusCallback, id="unlisted status"),
        pytest.param({}, UnknownEvent, id="nothing"),
        pytest.param({"From": "+1", "To": "+2"}, UnknownEvent, id="only numbers"),
        pytest.param({"Body": "hi"}, UnknownEvent, id="text without a sender"),
        pytest.param({"From": "", "Body": "hi"}, UnknownEvent, id="text with an empty sender"),
        pytest.param(MINIMAL | {"CallSid": "CA1"}, UnknownEvent, id="call with text"),
        pytest.param({"CallSid": "CA1", "SmsStatus": "sent"}, UnknownEvent, id="call with a status"),
        pytest.param({"EventType": "onMessageAdded", "Author": "a", "Body": "hi"}, UnknownEvent, id="conversation"),
    ],
)
def test_parameters_determine_the_kind_of_event(form: dict[str, str], kind: type) -> None:
    """A message mistaken for a status is never answered; a status mistaken for a message causes an endless loop."""
    assert type(parse_event(Form(form.items()))) is kind


def test_unknown_webhook_is_described() -> None:
    """The log shows that the Message URL was set as a voice URL."""
    kinds = [event.kind for event in map(parse_event, [sample("voice.txt"), Form()]) if isinstance(event, UnknownEvent)]

    assert kinds == ["voice webhook", "webhook of an unknown kind"]


@pytest.mark.parametrize(
    ("parameter", "value", "attribute", "expected"),
    [
        pytest.param("NumSegments", "12", "num_segments", 12, id="number"),
        pytest.param("NumSegments", "", "num_segments", None, id="empty number"),
        pytest.param("NumSegments", "-1", "num_segments", None, id="negative number"),
        pytest.param("NumSegments", "٣", "num_segments", None, id="digit of another script"),
        pytest.param("NumSegments", "²", "num_segments", None, id="superscript"),
        pytest.param("NumSegments", "9" * 5000, "num_segments", None, id="very long number"),
        pytest.param("ErrorCode", "30005", "error_code", 30005, id="code"),
        pytest.param("ErrorCode", "x", "error_code", None, id="invalid code"),
        pytest.param("Latitude", "-12.5", "latitude", -12.5, id="degrees"),
        pytest.param("Latitude", "", "latitude", None, id="no degrees"),
        pytest.param("Longitude", "nan", "longitude", None, id="not a number"),
        pytest.param("Longitude", "1e999", "longitude", None, id="infinity"),
        pytest.param("Longitude", "east", "longitude", None, id="word"),
        pytest.param("Forwarded", "TRUE", "forwarded", True, id="flag"),
        pytest.param("FrequentlyForwarded", "true", "frequently_forwarded", True, id="other flag"),
        pytest.param("Forwarded", "1", "forwarded", False, id="flag with another value"),
        pytest.param("Body", " Hi \0", "body", " Hi \0", id="text is kept as received"),
        pytest.param("Body", "caf\udce9", "body", "caf\ufffd", id="text that is not UTF-8"),
        pytest.param("MediaUrl0", "http://a", "media", (InboundMedia("http://a", ""),), id="media without NumMedia"),
        pytest.param("MediaUrl1", "http://a", "media", (), id="second media without the first"),
        pytest.param("NumMedia", "3", "media", (), id="NumMedia without media"),
        pytest.param("SmsMessageSid", "SM1", "message_sid", "SM1", id="sid in its oldest parameter"),
        pytest.param("Query", "x", "query", {}, id="parameter named like an attribute of ours"),
        pytest.param("Form", "x", "contact", "+15005550001", id="parameter named like the form"),
    ],
)
def test_parameters_are_converted(parameter: str, value: str, attribute: str, expected: object) -> None:
    """Whatever a form contains, a handler gets the declared type."""
    event = parse_event(Form((MINIMAL | {parameter: value}).items()))

    assert isinstance(event, InboundMessage)
    assert getattr(event, attribute) == expected


def test_structured_message_is_a_flag_of_a_status() -> None:
    """Twilio sends it as the string "true"."""
    event = parse_event(Form([("MessageStatus", "read"), ("StructuredMessage", "true")]))

    assert isinstance(event, StatusCallback)
    assert event.structured_message is True


@pytest.mark.parametrize(
    ("from_", "to", "channel"),
    [
        pytest.param("+15005550001", "+15005550006", "sms", id="numbers"),
        pytest.param("12345", "+15005550006", "sms", id="short code"),
        pytest.param("", "", "sms", id="status without numbers"),
        pytest.param("whatsapp:+15005550001", "whatsapp:+15005550006", "whatsapp", id="WhatsApp"),
        pytest.param("RCS:+15005550001", "rcs:agent", "rcs", id="capitals"),
        pytest.param("+15005550006", "messenger:42", "messenger", id="prefix only in the other address"),
    ],
)
def test_channel_is_the_prefix_of_an_address(from_: str, to: str, channel: str) -> None:
    """A route for WhatsApp must not answer an SMS."""
    event = parse_event(Form([("From", from_), ("To", to), ("MessageStatus", "sent")]))

    assert isinstance(event, StatusCallback)
    assert event.channel == channel


def test_contact_is_the_other_person_in_either_direction() -> None:
    """From and To are swapped between a message and a status callback, but the roles are not."""
    came, went = parse_event(sample("inbound-sms.txt")), parse_event(sample("status-delivered.txt"))

    assert isinstance(came, InboundMessage)
    assert isinstance(went, StatusCallback)
    assert (came.contact, came.number) == (went.contact, went.number) == ("+15005550001", "+15005550006")
    assert came.num_media == 0


def test_in_reply_to_comes_only_from_the_query() -> None:
    """The query has our signed token; a parameter of the form could have any value."""
    form = Form([("MessageStatus", "sent"), ("InReplyTo", "SM666"), ("in_reply_to", "SM666")])
    reply, other = parse_event(form, Form([("in_reply_to", "SM1"), ("token", "t")])), parse_event(form)

    assert isinstance(reply, StatusCallback)
    assert isinstance(other, StatusCallback)
    assert (reply.in_reply_to, other.in_reply_to) == ("SM1", "")
    assert dict(reply.query) == {"in_reply_to": "SM1", "token": "t"}


def test_status_of_a_send_answers_no_inbound_message() -> None:
    """The token in such a URL is only for the send: another parameter next to it proves nothing."""
    form = Form([("MessageStatus", "sent"), ("SendId", "666")])
    own = parse_event(form, Form([("send", "1"), ("in_reply_to", "SM1"), ("token", "t")]))
    other = parse_event(form)

    assert isinstance(own, StatusCallback)
    assert isinstance(other, StatusCallback)
    assert (own.send_id, own.in_reply_to, own.metadata) == ("1", "", {})
    assert other.send_id == ""


@pytest.mark.parametrize("form", [{"From": "+15005550001", "Body": "Hi"}, {"MessageStatus": "sent"}, {}], ids=str)
def test_parsed_event_is_like_one_that_is_constructed(form: dict[str, str]) -> None:
    """Parsing leaves the constructor out, and handlers must not notice."""
    event = parse_event(Form(form.items()), {"step": "2"})

    made = type(event)(**{each.name: getattr(event, each.name) for each in fields(event)})

    assert made == event
    assert hash(made) == hash(event)
    assert repr(made) == repr(event)
    assert replace(event, replayed=True) == replace(made, replayed=True)
    with pytest.raises(FrozenInstanceError):
        event.account_sid = "AC1"  # type: ignore[misc]


def test_events_can_be_kept_in_a_set() -> None:
    """They are frozen and hashable, so a handler may collect them."""
    form = sample("inbound-sms.txt")

    assert len({parse_event(form), parse_event(form), parse_event(form, {"a": "b"})}) == 2


PARAMETERS = [*MINIMAL, "SmsSid", "SmsStatus", "MessageStatus", "NumMedia", "MediaUrl0", "MediaUrl1", "CallSid", ""]
PARAMETERS += ["ErrorCode", "NumSegments", "Latitude", "Forwarded", "AccountSid", "Query", "Form", "Channel"]


@given(
    st.dictionaries(
        st.sampled_from(PARAMETERS),
        st.sampled_from(["", "received", "delivered", "1", "nan", "x:y"])
        | st.text(st.characters(max_codepoint=0xD7FF) | st.just("\udcff"), max_size=5),
    )
)
def test_any_form_is_parsed_as_some_event(form: dict[str, str]) -> None:
    """Twilio adds parameters without notice, and the internet sends anything: parsing must never fail."""
    event = parse_event(Form(form.items()))

    assert isinstance(event, InboundMessage | StatusCallback | UnknownEvent)
    assert [value for _, value in event.form.pairs] == list(form.values())
    assert isinstance(event, UnknownEvent) or (event.channel and isinstance(hash(event), int))
