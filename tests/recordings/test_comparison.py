"""Comparison of two answers: only what a phone or Twilio would notice is a difference."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.recordings.comparison import differences
from twiml_app.webhook import TWIML_TYPE, WebhookResponse

SID = "SM" + "5" * 32


def twiml(document: str) -> WebhookResponse:
    """Make an answer with a document."""
    return WebhookResponse(status=200, content_type=TWIML_TYPE, body=document.encode())


def own(url: str, *, attribute: str = "action") -> WebhookResponse:
    """Make an answer with a Message that has a URL."""
    return twiml(f'<Response><Message {attribute}="{url.replace("&", "&amp;")}">hi</Message></Response>')


STATUS = f"https://a.example/status?in_reply_to={SID}&token=one"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            twiml('<Response><Message to="+1" from="+2"><Body>hi</Body></Message></Response>'),
            twiml(
                '<?xml version="1.0"?>\n<Response>\n  <Message from="+2"\n to="+1">\n    <Body>hi</Body>\n  </Message>'
                "\n</Response>\n"
            ),
            id="attribute order, white space and declaration",
        ),
        pytest.param(
            twiml("<Response><Message>hi</Message></Response>"),
            twiml("<Response><!-- new --><Message><Body>hi</Body></Message></Response>"),
            id="a comment, and the two ways to write a body",
        ),
        pytest.param(
            own(STATUS), own(f"http://b.example:81/in/status?in_reply_to={SID}&token=two"), id="own status URL"
        ),
        pytest.param(
            own(STATUS, attribute="statusCallback"),
            own(f"/status?token=3&in_reply_to={SID}", attribute="statusCallback"),
            id="own status URL as statusCallback",
        ),
        pytest.param(
            twiml("<Response><Redirect>/next</Redirect></Response>"),
            twiml('<Response><Redirect method="POST">/next</Redirect></Response>'),
            id="the default method of a Redirect",
        ),
        pytest.param(
            WebhookResponse(status=204), WebhookResponse(status=204, content_type="text/plain", body=b"?"), id="204"
        ),
        pytest.param(twiml("<Response"), twiml("<Response"), id="the same broken document"),
        pytest.param(own("http://["), own("http://["), id="the same broken URL"),
    ],
)
def test_answers_with_the_same_meaning_agree(one: WebhookResponse, other: WebhookResponse) -> None:
    """Nobody keeps using a replay with false alarms."""
    assert differences(one, other) == differences(other, one) == []


BASE = twiml('<Response><Message to="+1"><Body>hi</Body><Media>/a.png</Media></Message></Response>')


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(BASE, replace(BASE, status=500), id="the status"),
        pytest.param(BASE, replace(BASE, content_type="text/plain"), id="text instead of TwiML"),
        pytest.param(BASE, replace(BASE, body=BASE.body.replace(b"hi", b"Hi")), id="the case of a letter"),
        pytest.param(BASE, replace(BASE, body=BASE.body.replace(b"hi", b"hi ")), id="white space in a body"),
        pytest.param(BASE, replace(BASE, body=BASE.body.replace(b"+1", b"+2")), id="an attribute"),
        pytest.param(BASE, replace(BASE, body=BASE.body.replace(b' to="+1"', b"")), id="a missing attribute"),
        pytest.param(BASE, replace(BASE, body=BASE.body.replace(b"a.png", b"b.png")), id="a media URL"),
        pytest.param(BASE, replace(BASE, body=b"<Response/>"), id="nothing sent"),
        pytest.param(BASE, replace(BASE, body=b"<Response"), id="a broken document"),
        pytest.param(
            twiml("<Response><Message><Body>a</Body><Body>b</Body></Message></Response>"),
            twiml("<Response><Message><Body>a\nb</Body></Message></Response>"),
            id="two bodies, and one of two lines",
        ),
        pytest.param(
            twiml("<Response><Message>a</Message><Message>b</Message></Response>"),
            twiml("<Response><Message>b</Message><Message>a</Message></Response>"),
            id="the order of messages",
        ),
        pytest.param(
            twiml("<Response><Sms>a</Sms></Response>"), twiml("<Response><Sms>b</Sms></Response>"), id="an Sms"
        ),
        pytest.param(
            twiml("<Response><Redirect>/a</Redirect></Response>"),
            twiml('<Response><Redirect method="GET">/a</Redirect></Response>'),
            id="the method of a Redirect",
        ),
        pytest.param(
            twiml("<Response><Redirect>/a?in_reply_to=1&amp;token=1</Redirect></Response>"),
            twiml("<Response><Redirect>/a?in_reply_to=1&amp;token=2</Redirect></Response>"),
            id="the token of a Redirect",
        ),
        pytest.param(own(STATUS), own(STATUS.replace(SID, SID[:-1] + "6")), id="the message of an own status URL"),
        pytest.param(own(STATUS), own(STATUS.replace("/status", "/other")), id="the path of an own status URL"),
        pytest.param(own(STATUS), own(f"{STATUS}&x="), id="a parameter of an own status URL"),
        pytest.param(own("https://a.example/x?token=1"), own("https://a.example/x?token=2"), id="a foreign token"),
        pytest.param(own("https://a.example/x"), own("https://b.example/x"), id="a foreign host"),
        pytest.param(own("http://["), own("http://[/"), id="two broken URLs"),
    ],
)
def test_answers_with_different_meaning_differ(one: WebhookResponse, other: WebhookResponse) -> None:
    """Every change that a phone or Twilio would notice must be reported."""
    assert differences(one, other)
    assert differences(other, one)


def test_difference_is_readable() -> None:
    """People read it in the log of a failed build."""
    other = replace(BASE, body=BASE.body.replace(b"hi", b"hello\nyou"))

    assert differences(BASE, other) == [
        "  status 200",
        "  Message",
        "    to=+1",
        "    Body",
        "-     hi",
        "+     hello",
        "+     you",
        "    Media",
        "      /a.png",
    ]


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"))), st.text(st.characters(exclude_categories=("Cs", "Cc"))))
def test_plain_text_answers_are_compared_line_by_line(one: str, other: str) -> None:
    """Twilio sends a plain text answer unchanged."""
    answers = [WebhookResponse(status=200, content_type="text/plain", body=text.encode()) for text in (one, other)]

    assert bool(differences(*answers)) == (one.splitlines() != other.splitlines())


def test_answers_without_a_document_are_compared_by_status() -> None:
    """The answer to a status callback has no body."""
    answer = WebhookResponse(status=204)

    assert differences(answer, WebhookResponse(status=500)) == ["- status 204", "+ status 500"]
    assert differences(answer, WebhookResponse(status=204)) == []
