"""Replies: the return value of a handler is sent, unless Twilio would not send it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.twiml import messaging_response as official
from twilio.twiml.voice_response import VoiceResponse

from twiml_app import Body, Media, Message, MessagingResponse, Redirect
from twiml_app.errors import ReplyError, TwimlError
from twiml_app.receiver.replies import StatusUrl, to_document, to_response
from twiml_app.segments import utf16_units
from twiml_app.verbs import Comment, Sms, xml_text

HANDLER = "handlers.orders.order"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
STATUS_URL = "https://sms.example.com/status?in_reply_to=SM0&token=x"
MARKUP = (
    "returned a str that looks like markup: a str is sent as plain text, so return a MessagingResponse,"
    " or MessagingResponse.parse(document)"
)
TUPLE = (
    'returned a tuple with an HTTP status or headers: return only the reply, such as "Hi", not ("Hi", 200).'
    " The status is 200, or 500 if the handler raises"
)
ANYTHING_ELSE = "returned {}: return a str, a Message, a list of these or a MessagingResponse"


def twiml(value: Any, status_url: StatusUrl | None = None) -> str:
    """Return the document for a handler's return value, without its declaration."""
    response = to_response(value, handler=HANDLER, status_url=status_url)
    return to_document(response, handler=HANDLER).decode().removeprefix(DECLARATION)


def officially(*messages: str, redirect: str = "", **attributes: str) -> official.MessagingResponse:
    """Return the official library's object."""
    response = official.MessagingResponse()
    for text in messages:
        response.message(text, **attributes)
    if redirect:
        response.redirect(redirect)
    return response


def official_picture() -> official.MessagingResponse:
    """Return the official library's object with a picture."""
    response = official.MessagingResponse()
    response.message("Here:").media("https://example.com/1")
    return response


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        pytest.param(None, "<Response/>", id="nothing"),
        pytest.param("", "<Response/>", id="empty text"),
        pytest.param(" \n", "<Response/>", id="white space"),
        pytest.param("\x00\x1f", "<Response/>", id="only characters that cannot be sent"),
        pytest.param([], "<Response/>", id="empty list"),
        pytest.param([None, "", []], "<Response/>", id="list of empty values"),
        pytest.param(MessagingResponse(), "<Response/>", id="empty response"),
        pytest.param(officially(), "<Response/>", id="official empty response"),
        pytest.param("Hi", "<Response><Message><Body>Hi</Body></Message></Response>", id="str"),
        pytest.param(
            "<b>1 < 2 & 3</b>\n",
            "<Response><Message><Body>&lt;b&gt;1 &lt; 2 &amp; 3&lt;/b&gt;\n</Body></Message></Response>",
            id="str is escaped once and keeps line breaks",
        ),
        pytest.param(
            "a\x00b\ud800c",
            "<Response><Message><Body>abc</Body></Message></Response>",
            id="characters that XML cannot hold are removed",
        ),
        pytest.param(
            Message("Hi", Media("/1"), to="+1", from_="+2", method="GET"),
            '<Response><Message to="+1" from="+2" method="GET"><Body>Hi</Body><Media>/1</Media></Message></Response>',
            id="Message",
        ),
        pytest.param(
            Message(Media("/1")), "<Response><Message><Media>/1</Media></Message></Response>", id="only Media"
        ),
        pytest.param(
            ["a", Message("b"), None, ("c",), Redirect("/next")],
            "<Response><Message><Body>a</Body></Message><Message><Body>b</Body></Message>"
            "<Message><Body>c</Body></Message><Redirect>/next</Redirect></Response>",
            id="list, in order, a Redirect last",
        ),
        pytest.param(Redirect("/next"), "<Response><Redirect>/next</Redirect></Response>", id="only Redirect"),
        pytest.param(
            MessagingResponse(Comment("note"), Sms("a"), Message("b"), Redirect("/next"), Message("never reached")),
            "<Response><!--note--><Sms>a</Sms><Message><Body>b</Body></Message><Redirect>/next</Redirect>"
            "<Message><Body>never reached</Body></Message></Response>",
            id="MessagingResponse is not changed",
        ),
        pytest.param(
            ["a", MessagingResponse(Message("b"))],
            "<Response><Message><Body>a</Body></Message><Message><Body>b</Body></Message></Response>",
            id="MessagingResponse in a list",
        ),
        pytest.param(
            officially("1 < 2", "b", redirect="/next", to="+1", action="/done"),
            '<Response><Message to="+1" action="/done"><Body>1 &lt; 2</Body></Message>'
            '<Message to="+1" action="/done"><Body>b</Body></Message><Redirect>/next</Redirect></Response>',
            id="the official library's",
        ),
        pytest.param(
            official_picture(),
            "<Response><Message><Body>Here:</Body><Media>https://example.com/1</Media></Message></Response>",
            id="the official library's with a picture",
        ),
        pytest.param(
            officially("you said \x0b\x00!"),
            "<Response><Message><Body>you said !</Body></Message></Response>",
            id="the official library's with characters that XML cannot hold",
        ),
    ],
)
def test_return_value_is_sent(value: Any, sent: str) -> None:
    """Handlers stay short, and programs for the official library keep working."""
    assert twiml(value) == sent


@pytest.mark.parametrize(
    ("value", "says"),
    [
        pytest.param('<?xml version="1.0"?><Response/>', MARKUP, id="declaration"),
        pytest.param("\n <Response><Message>Hi</Message></Response>", MARKUP, id="document"),
        pytest.param("\ufeff<Response/>", MARKUP, id="document after a byte order mark"),
        pytest.param(["a", "<Response>"], MARKUP, id="document in a list"),
        pytest.param(b"Hi", ANYTHING_ELSE.format("bytes"), id="bytes"),
        pytest.param(5, ANYTHING_ELSE.format("int"), id="number"),
        pytest.param(False, ANYTHING_ELSE.format("bool"), id="False"),
        pytest.param({"a": "b"}, ANYTHING_ELSE.format("dict"), id="mapping"),
        pytest.param({"a"}, ANYTHING_ELSE.format("set"), id="set, which has no order"),
        pytest.param((each for each in "ab"), ANYTHING_ELSE.format("generator"), id="generator"),
        pytest.param(["a", 5], ANYTHING_ELSE.format("int"), id="number in a list"),
        pytest.param(("x", 200), TUPLE, id="tuple with a status"),
        pytest.param(("x", 200, {"X-A": "b"}), TUPLE, id="tuple with a status and headers"),
        pytest.param(("x", {"X-A": "b"}), TUPLE, id="tuple with headers"),
        pytest.param(["a", ("x", 200)], TUPLE, id="tuple with a status in a list"),
        pytest.param(("a", b"b"), ANYTHING_ELSE.format("bytes"), id="bytes in a tuple"),
        pytest.param(Body("a"), ANYTHING_ELSE.format("twiml_app.nouns.Body"), id="noun"),
        pytest.param(Path("a"), ANYTHING_ELSE.format(f"{type(Path()).__module__}.PosixPath"), id="object"),
        pytest.param(
            VoiceResponse(), ANYTHING_ELSE.format("twilio.twiml.voice_response.VoiceResponse"), id="voice response"
        ),
        pytest.param(
            type("MessagingResponse", (), {"__module__": "elsewhere"})(),
            ANYTHING_ELSE.format("elsewhere.MessagingResponse"),
            id="another library's",
        ),
        pytest.param(
            [Redirect("/next"), "a"],
            "returned a verb after a Redirect; it would never be executed",
            id="Redirect first",
        ),
        pytest.param(Message(), "returned a Message with neither text nor media", id="empty Message"),
        pytest.param(Message(" \n"), "returned a Message with neither text nor media", id="Message of white space"),
        pytest.param(
            Message(" " * 3200, split=True), "returned a Message with neither text nor media", id="white space to split"
        ),
        pytest.param(MessagingResponse(Sms("")), "returned a Sms with neither text nor media", id="empty Sms"),
        pytest.param(
            officially("a", action="ftp://x"),
            "returned TwiML that Twilio would not accept: action is 'ftp://x': give an http or https URL, or a relative"
            " one",
            id="the official library's with a bad URL",
        ),
        pytest.param(
            officially("a", tto="+1"),
            "returned TwiML that Twilio would not accept: Message takes no attribute tto",
            id="the official library's with a misspelled attribute",
        ),
    ],
)
def test_other_values_are_refused_with_the_name_of_the_handler(value: Any, says: str) -> None:
    """Twilio would send markup to the customer, or nothing; the log must name the handler."""
    with pytest.raises(ReplyError) as caught:
        to_response(value, handler=HANDLER)
    assert str(caught.value) == f"{HANDLER} {says}"
    assert caught.value.handler == HANDLER


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<Responses are welcome>", id="another word"),
        pytest.param("Send <Response> back", id="in the middle"),
        pytest.param("<3", id="heart"),
        pytest.param("<response/>", id="TwiML in lower case"),
    ],
)
def test_text_with_angle_brackets_is_sent_as_text(text: str) -> None:
    """People write hearts and comparisons."""
    assert to_response(text, handler=HANDLER).messages == (Message(text),)


TOO_LONG = (
    "returned text of {} UTF-16 units: Twilio sends at most 1600, and Message(text, split=True) splits it into several"
    " messages"
)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        pytest.param("a" * 1600, "", id="longest text"),
        pytest.param("a" * 1601, TOO_LONG.format(1601), id="text a unit too long"),
        pytest.param("😀" * 800, "", id="longest text of characters with two units"),
        pytest.param("😀" * 801, TOO_LONG.format(1602), id="text of characters with two units too long"),
        pytest.param("a" * 1600 + "\x00", "", id="removed characters are not counted"),
        pytest.param(Message("a" * 1000, "b" * 601), TOO_LONG.format(1601), id="several bodies are one text"),
        pytest.param(MessagingResponse(Sms("a" * 1601)), TOO_LONG.format(1601), id="Sms"),
        pytest.param(officially("a" * 1601), TOO_LONG.format(1601), id="the official library's"),
        pytest.param(["a"] * 10, "", id="maximum of messages"),
        pytest.param(
            ["a"] * 11, "returned 11 messages: Twilio sends at most 10 per inbound message", id="one message too many"
        ),
        pytest.param(
            [*["a"] * 10, MessagingResponse(Sms("b"))],
            "returned 11 messages: Twilio sends at most 10 per inbound message",
            id="Sms counts",
        ),
        pytest.param(
            [*["a"] * 10, MessagingResponse(Comment("note")), Redirect("/next")], "", id="Comment and Redirect do not"
        ),
        pytest.param(
            Message("a" * 16001, split=True),
            "returned 11 messages: Twilio sends at most 10 per inbound message",
            id="split into too many messages",
        ),
        pytest.param(Message(*(Media(f"/{each}") for each in range(10))), "", id="maximum of media"),
        pytest.param([*["&" * 1300] * 9, "&" * 1331 + "aa"], "", id="largest document"),
        pytest.param(
            [*["&" * 1300] * 9, "&" * 1331 + "aaa"],
            "returned 65537 bytes of TwiML: Twilio reads at most 65536",
            id="document a byte too large",
        ),
    ],
)
def test_limits_are_checked_before_the_answer_is_sent(value: Any, says: str) -> None:
    """Beyond these limits Twilio sends nothing, and reports it only in its own log."""
    refused = ""
    try:
        assert twiml(value)
    except ReplyError as error:
        refused = str(error)
    assert refused == (says and f"{HANDLER} {says}")


def test_eleven_media_are_refused() -> None:
    """Twilio sends at most ten: ours cannot be created, and the official library's is refused."""
    response = official.MessagingResponse()
    message = response.message("a")
    for each in range(11):
        message.media(f"/{each}")

    with pytest.raises(TwimlError, match="a Message takes 10 Media, not 11"):
        Message(*(Media(f"/{each}") for each in range(11)))
    with pytest.raises(
        ReplyError, match=f"^{HANDLER} returned TwiML that Twilio would not accept: a Message takes 10 Media"
    ):
        to_response(response, handler=HANDLER)


def test_long_text_is_split_at_words_and_its_media_go_with_the_first() -> None:
    """A text that grows too long must not stop the program from answering."""
    text = "word " * 400
    message = Message(Media("/1"), text, "tail", to="+1", from_="+2", action="/a", method="GET", split=True)

    attributes = 'to="+1" from="+2" action="/a" method="GET"'
    assert twiml(message) == (
        f"<Response><Message {attributes}><Body>{('word ' * 320).strip()}</Body><Media>/1</Media></Message>"
        f"<Message {attributes}><Body>{'word ' * 80}tail</Body></Message></Response>"
    )


@settings(deadline=None)
@given(st.text(st.sampled_from("ab é😀\n\x00"), max_size=4000), st.integers(0, 4))
def test_no_text_is_lost_when_it_is_split(text: str, repeat: int) -> None:
    """An address or an emoji that is split at the wrong place is useless."""
    value = [Message("x" + text * repeat, split=True)]
    sent = to_response(value, handler=HANDLER).messages

    assert "".join("".join(each.text.split()) for each in sent) == "".join(xml_text("x" + text * repeat).split())
    assert all(utf16_units(each.text) <= 1600 for each in sent)


def test_text_that_fits_is_not_changed() -> None:
    """It is sent as it was written, including white space."""
    for message in (Message(" a ", "b ", split=True), Message(" " + "a" * 1599, split=True)):
        assert to_response(message, handler=HANDLER).messages == (message,)


def test_every_message_gets_the_status_url_unless_it_has_one() -> None:
    """Twilio reports the delivery of a reply only there; a URL that the handler set is kept."""
    value = [
        "a",
        Message("b", action="/mine"),
        Message("c", status_callback="/mine"),
        MessagingResponse(Message("d", to="+1", method="GET"), Sms("e")),
        Redirect("/next"),
    ]

    url = STATUS_URL.replace("&", "&amp;")
    assert twiml(value, lambda _: STATUS_URL) == (
        f'<Response><Message action="{url}" statusCallback="{url}"><Body>a</Body></Message>'
        '<Message action="/mine"><Body>b</Body></Message>'
        '<Message statusCallback="/mine"><Body>c</Body></Message>'
        f'<Message to="+1" action="{url}" method="GET" statusCallback="{url}"><Body>d</Body></Message>'
        "<Sms>e</Sms><Redirect>/next</Redirect></Response>"
    )


def test_every_part_of_a_split_message_and_the_official_library_get_the_status_url() -> None:
    """Each part may fail to arrive."""
    value = [Message("a" * 1601, split=True), officially("b")]

    url = f'action="{STATUS_URL}" statusCallback="{STATUS_URL}"'.replace("&", "&amp;")
    assert twiml(value, lambda _: STATUS_URL) == (
        f"<Response><Message {url}><Body>{'a' * 1600}</Body></Message><Message {url}><Body>a</Body></Message>"
        f"<Message {url}><Body>b</Body></Message></Response>"
    )


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="nothing"),
        pytest.param("", id="empty text"),
        pytest.param(Sms("e"), id="a verb without delivery reports"),
        pytest.param(Message("b", action="/mine"), id="a URL of the handler"),
    ],
)
def test_no_status_url_is_created_if_none_is_needed(value: Any) -> None:
    """Signing takes time, and many messages get no reply."""
    created: list[Message] = []

    def status_url(message: Message) -> str:
        created.append(message)
        return STATUS_URL

    assert STATUS_URL not in twiml(value, status_url)
    assert not created


VALUES = st.recursive(
    st.none()
    | st.text(max_size=20)
    | st.builds(Message, st.text(max_size=20), split=st.booleans())
    | st.builds(Redirect, st.just("/next"))
    | st.builds(MessagingResponse)
    | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(VALUES)
def test_any_value_is_sent_as_valid_twiml_or_refused(value: Any) -> None:
    """A customer's text that a program echoes must not break the document."""
    says = HANDLER
    try:
        response = to_response(value, handler=HANDLER)
        parsed = MessagingResponse.parse(to_document(response, handler=HANDLER))
        assert [each.text for each in parsed.messages] == [each.text for each in response.messages]
    except ReplyError as error:
        says = str(error)
    assert says.startswith(HANDLER)
