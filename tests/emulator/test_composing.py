"""Composing: the sid, segments, media and links of a new message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from tests.emulator.contexts import make_context
from tests.emulator.program import CONTACT, MONDAY, NUMBER
from twiml_app.emulator.composing import LINK_LIFETIME_S, Composer
from twiml_app.emulator.context import Context
from twiml_app.emulator.media import FetchedMedia
from twiml_app.emulator.resources import Account, MediaLink, MediaRecord, MessageRecord, MessagingService, PhoneSettings

BASE = "http://127.0.0.1:8088"
DATES: dict[str, Any] = {"date_created": MONDAY, "date_updated": MONDAY}
OWN: dict[str, Any] = {"account_sid": "AC1", **DATES}
PNG = FetchedMedia(content_type="image/png", content=b"\x89PNG\r\n\x1a\n")
GIF = FetchedMedia(content_type="image/gif", content=b"GIF89a")
DRAFT = MessageRecord(sid="", to=CONTACT, from_=NUMBER, body="look", status="queued", direction="outbound-api", **OWN)


@pytest.fixture
def context() -> Iterator[Context]:
    """A context with one account."""
    context = make_context(base_url=BASE)
    with closing(context.store):
        context.store.save(Account(sid="AC1", auth_token="token", **OWN))
        yield context


def compose(context: Context, draft: MessageRecord = DRAFT, *media: FetchedMedia, **options: Any) -> MessageRecord:
    """Compose a message, and check that it is stored as it is returned."""
    message = Composer(context).compose(draft, media, **options)
    assert context.store.get(MessageRecord, message.sid) == message
    return message


def change_account(context: Context, **changes: Any) -> None:
    """Change the account."""
    context.store.save(replace(context.account("AC1"), **changes))


def test_message_gets_its_sid_and_segments(context: Context) -> None:
    """The other fields of the draft do not change."""
    body = "ü" * 161

    assert compose(context, replace(DRAFT, body=body)) == replace(
        DRAFT, sid=f"SM{1:032x}", body=body, num_segments=2, num_media=0
    )


def test_pictures_are_stored_in_order(context: Context) -> None:
    """A message with media has a sid that begins with MM and one segment."""
    message = compose(context, replace(DRAFT, body="a" * 500), PNG, GIF)
    kept = context.media_of(message.sid)

    assert (message.sid[:2], message.num_media, message.num_segments) == ("MM", 2, 1)
    assert [(each.content_type, context.store.read_bytes(each.sid)) for each in kept] == [
        ("image/png", PNG.content),
        ("image/gif", GIF.content),
    ]
    assert kept[0] == MediaRecord(sid=f"ME{2:032x}", parent_sid=message.sid, content_type="image/png", **OWN)


def test_picture_becomes_a_link_if_the_phone_accepts_no_media(context: Context) -> None:
    """The link has seven characters, is valid for seven days, and its length counts for the segments."""
    context.store.save(PhoneSettings(sid=CONTACT, takes_media=False, **OWN))
    body = "a" * 130
    message = compose(context, replace(DRAFT, body=body), PNG, GIF)
    text, *links = message.body.split(" ")
    names = [link.removeprefix(f"{BASE}/") for link in links]
    kept = [context.store.get(MediaLink, name) for name in names]
    media = [context.store.get(MediaRecord, link.media_sid) for link in kept if link]

    assert (message.sid[:2], message.num_media, message.num_segments, text) == ("SM", 0, 2, body)
    assert all(re.fullmatch("[A-Za-z0-9]{7}", name) for name in names)
    assert [link.expires for link in kept if link] == [MONDAY + LINK_LIFETIME_S] * 2
    assert [(each.content_type, each.parent_sid) for each in media if each] == [("image/png", ""), ("image/gif", "")]
    assert [context.store.read_bytes(each.sid) for each in media if each] == [PNG.content, GIF.content]


def test_picture_without_text_becomes_only_a_link(context: Context) -> None:
    """Phones outside the countries with MMS accept no media by default."""
    message = compose(context, replace(DRAFT, body="", to="+447700900123"), PNG)

    assert re.fullmatch(f"{BASE}/[A-Za-z0-9]{{7}}", message.body)


@pytest.mark.parametrize(
    ("of_account", "of_service", "is_link"),
    [
        pytest.param({}, None, True, id="by default"),
        pytest.param({"mms_as_link": False}, None, False, id="account without links"),
        pytest.param({}, {}, True, id="service"),
        pytest.param({}, {"mms_converter": False}, False, id="service without links"),
        pytest.param({"mms_as_link": False}, {}, False, id="account without links, service with links"),
    ],
)
def test_links_can_be_turned_off(
    context: Context, of_account: dict[str, Any], of_service: dict[str, Any] | None, is_link: bool
) -> None:
    """The message then keeps its pictures, and fails when it is sent."""
    change_account(context, **of_account)
    context.store.save(PhoneSettings(sid=CONTACT, takes_media=False, **OWN))
    draft = DRAFT
    if of_service is not None:
        context.store.save(MessagingService(sid="MG1", **OWN, **of_service))
        draft = replace(DRAFT, messaging_service_sid="MG1")

    assert (compose(context, draft, PNG).num_media == 0) is is_link


def test_trial_account_adds_its_prefix(context: Context) -> None:
    """Every text gets it, even one that is only a link."""
    change_account(context, type="Trial")
    context.store.save(PhoneSettings(sid=CONTACT, takes_media=False, **OWN))

    assert compose(context).body == "Sent from your Twilio trial account - look"
    assert compose(context, replace(DRAFT, body=""), PNG).body.startswith(
        f"Sent from your Twilio trial account - {BASE}/"
    )


def test_smart_encoding_saves_segments_if_it_is_on(context: Context) -> None:
    """A single curly quote halves the number of characters per segment."""
    draft = replace(DRAFT, body="it’s " * 20)
    plain, smart = compose(context, draft), compose(context, draft, smart_encoded=True)

    assert (plain.body, plain.num_segments) == ("it’s " * 20, 2)
    assert (smart.body, smart.num_segments) == ("it's " * 20, 1)


def test_inbound_message_is_stored_unchanged(context: Context) -> None:
    """It gets no prefix and no links, only a price."""
    change_account(context, type="Trial")
    draft = replace(DRAFT, to=NUMBER, from_="+447700900123", direction="inbound", status="received")
    text, picture = Composer(context).receive(draft, []), Composer(context).receive(draft, [PNG])

    assert (text.body, text.sid[:2], text.price) == ("look", "SM", -0.0075)
    assert (picture.body, picture.sid[:2], picture.num_media, picture.price) == ("look", "MM", 1, -0.02)
