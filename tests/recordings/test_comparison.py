"""Comparison of two answers: what a phone or Twilio would notice is a difference, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.recordings.comparison import differences
from twiml_app.webhook import TWIML_TYPE, WebhookResponse

SID = "SM" + "5" * 32


def twiml(document: str) -> WebhookResponse:
    """Answer with a document."""
    return WebhookResponse(status=200, content_type=TWIML_TYPE, body=document.encode())


def own(url: str, *, attribute: str = "action") -> WebhookResponse:
    """Answer with a Message that carries a URL."""
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
            id="a comment, and the two ways to write a text",
        ),
        pytest.param(own(STATUS), own(f"http://b.example:81/in/status?in_reply_to={SID}&token=two"), id="own URL"),
        pytest.param(
            own(STATUS, attribute="statusCallback"),
            own(f"/status?token=3&in_reply_to={SID}", attribute="statusCallback"),
            id="own URL as statusCallback",
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
def test_answers_of_one_meaning_agree(one: WebhookResponse, other: WebhookResponse) -> None:
    """A replay that cries wolf is switched off."""
    assert differences(one, other) == differences(other, one) == []


BASE = twiml('<Response><Message to="+1"><Body>hi</Body><Media>/a.png</Media></Message></Response>')


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(BASE, replace(BASE, status=500), id="the status"),
        pytest.param(BASE, replace(BASE, content_type="text/plain"), id="text in place of TwiML"),
        pytest.param(BASE, replace(BASE, body=BASE.body.replace(b"hi", b"Hi")), id="the case of a letter"),
        pytest.param(BASE, replace(BASE, body=BASE.body.replace(b"hi", b"hi ")), id="white space in a text"),
        pytest.param(BASE, replace(BASE, body=BASE.body.replace(b"+1", b"+2")), id="an attribute"),
        pytest.param(BASE, replace(BASE, body=BASE.body.replace(b' to="+1"', b"")), id="an attribute left out"),
        pytest.param(BASE, replace(BASE, body=BASE.body.replace(b"a.png", b"b.png")), id="a picture"),
        pytest.param(BASE, replace(BASE, body=b"<Response/>"), id="nothing sent"),
        pytest.param(BASE, replace(BASE, body=b"<Response"), id="a broken document"),
        pytest.param(
            twiml("<Response><Message><Body>a</Body><Body>b</Body></Message></Response>"),
            twiml("<Response><Message><Body>a\nb</Body></Message></Response>"),
            id="two texts and one of two lines",
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
        pytest.param(own(STATUS), own(STATUS.replace(SID, SID[:-1] + "6")), id="what an own URL replies to"),
        pytest.param(own(STATUS), own(STATUS.replace("/status", "/other")), id="the path of an own URL"),
        pytest.param(own(STATUS), own(f"{STATUS}&x="), id="a parameter of an own URL"),
        pytest.param(own("https://a.example/x?token=1"), own("https://a.example/x?token=2"), id="a foreign token"),
        pytest.param(own("https://a.example/x"), own("https://b.example/x"), id="a foreign host"),
        pytest.param(own("http://["), own("http://[/"), id="two broken URLs"),
    ],
)
def test_nothing_else_is_overlooked(one: WebhookResponse, other: WebhookResponse) -> None:
    """Whatever a phone or Twilio would notice is a difference."""
    assert differences(one, other)
    assert differences(other, one)


def test_difference_is_readable() -> None:
    """It is read in the log of a failed build."""
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
def test_plain_answers_are_compared_by_their_text(one: str, other: str) -> None:
    """Twilio sends a plain answer as it is."""
    answers = [WebhookResponse(status=200, content_type="text/plain", body=text.encode()) for text in (one, other)]

    assert bool(differences(*answers)) == (one.splitlines() != other.splitlines())


def test_answers_without_a_document_are_compared_by_status() -> None:
    """A status callback is answered without a body."""
    answer = WebhookResponse(status=204)

    assert differences(answer, WebhookResponse(status=500)) == ["- status 204", "+ status 500"]
    assert differences(answer, WebhookResponse(status=204)) == []
