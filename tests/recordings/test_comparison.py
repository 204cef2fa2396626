"""Comparison of two answers: only what a phone or Twilio would notice is a difference."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.recordings.comparison import differences, with_host_of
from twiml_app.webhook import TWIML_TYPE, WebhookResponse

SID = "SM" + "5" * 32


def test_content_type_of_a_plain_answer_is_compared() -> None:
    """Twilio sends text/plain as a message, and refuses application/json."""
    plain = WebhookResponse(status=200, content_type="text/plain; charset=utf-8", body=b"hi")

    assert differences(plain, replace(plain, content_type="text/plain")) == []
    assert differences(plain, replace(plain, content_type="application/json")) == [
        "  status 200",
        "- type text/plain",
        "+ type application/json",
        "  hi",
    ]


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


RECORDED_URL = "https://sms.example.com/in/message?step=1"


def changed(
    recorded: WebhookResponse,
    answered: WebhookResponse,
    *,
    recorded_url: str = RECORDED_URL,
    answered_url: str = "http://127.0.0.1:5000/in/message",
) -> list[str]:
    """Return the differences between a recorded answer, and one of the same application on localhost."""
    return differences(recorded, answered, recorded_url=recorded_url, answered_url=answered_url)


def linked(url: str) -> WebhookResponse:
    """Make an answer that has a URL in every place."""
    escaped = url.replace("&", "&amp;")
    return twiml(
        f'<Response><Message action="{escaped}" statusCallback="{escaped}"><Body>See {escaped}\nbye</Body>'
        f"<Media>{escaped}</Media></Message><Redirect>{escaped}</Redirect></Response>"
    )


def target(url: str) -> WebhookResponse:
    """Make an answer with a Redirect."""
    return twiml(f"<Response><Redirect>{url.replace('&', '&amp;')}</Redirect></Response>")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("https://sms.example.com/a.png", "http://127.0.0.1:5000/a.png", id="path"),
        pytest.param("https://sms.example.com/a?b=%20c&d", "http://127.0.0.1:5000/a?b=%20c&d", id="query"),
        pytest.param("https://sms.example.com", "http://127.0.0.1:5000", id="only the host"),
        pytest.param("http://SMS.example.com:80/a", "https://127.0.0.1:5000/a", id="scheme, case and default port"),
        pytest.param("https://u:p@sms.example.com/a", "http://127.0.0.1:5000/a", id="credentials"),
    ],
)
def test_own_host_is_not_compared(one: str, other: str) -> None:
    """A recording of production is replayed elsewhere: url_for returns other URLs, and nothing has changed."""
    assert changed(linked(one), linked(other)) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("https://sms.example.com/a?b=c", "/a?b=c", id="absolute path"),
        pytest.param("/a", "http://127.0.0.1:5000/a", id="the other way round"),
        pytest.param("//sms.example.com/a", "/a", id="no scheme"),
        pytest.param("https://sms.example.com/in/b.png", "b.png", id="relative path"),
        pytest.param("?step=2", "http://127.0.0.1:5000/in/message?step=2", id="relative query"),
        pytest.param("https://sms.example.com?a", "/?a", id="no path"),
    ],
)
def test_relative_and_absolute_own_urls_agree(one: str, other: str) -> None:
    """Twilio resolves relative URLs, so both have the same effect."""
    assert changed(target(one), target(other)) == []


def media(url: str) -> WebhookResponse:
    """Make an answer with a Media."""
    return twiml(f"<Response><Message><Media>{url.replace('&', '&amp;')}</Media></Message></Response>")


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        pytest.param("https://sms.example.com/a.png?token=1", "http://127.0.0.1:5000/a.png?token=2", True, id="token"),
        pytest.param("https://sms.example.com/a.png?token=scrubbed", "/a.png?token=2", True, id="scrubbed token"),
        pytest.param("https://sms.example.com/a.png?token=1", "/b.png?token=1", False, id="another file"),
        pytest.param("https://sms.example.com/a.png?token=1&b=1", "/a.png?token=1&b=2", False, id="more parameters"),
        pytest.param("https://cdn.example/a.png?token=1", "https://cdn.example/a.png?token=2", False, id="other host"),
    ],
)
def test_token_of_a_local_file_is_not_compared(one: str, other: str, agree: bool) -> None:
    """It has the time in it, so it differs in every answer."""
    assert (changed(media(one), media(other)) == []) is agree


@pytest.mark.parametrize("url", ["https://sms.example.com/a", "http://127.0.0.1:5000/a", "https://cdn.example/a"])
def test_equal_absolute_urls_agree(url: str) -> None:
    """A handler may return a URL from its configuration, which is the same everywhere."""
    assert changed(linked(url), linked(url)) == []


@pytest.mark.parametrize(
    "url", ["next", "../next", "?step=2", "#top", "/next", "https://cdn.example/next", "http:next"]
)
def test_equal_urls_agree_at_any_path(url: str) -> None:
    """Another installation may have another Message URL, and its handlers still return the same."""
    assert changed(target(url), target(url), answered_url="http://localhost/other") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("https://sms.example.com/a", "http://127.0.0.1:5000/b", id="path"),
        pytest.param("https://sms.example.com/a?b=1", "http://127.0.0.1:5000/a?b=2", id="query"),
        pytest.param("https://sms.example.com/a", "http://127.0.0.1:5000/a?", id="empty query"),
        pytest.param("https://sms.example.com/a", "http://127.0.0.1:5000/A", id="case of the path"),
        pytest.param("https://sms.example.com/a", "http://127.0.0.1:5000/a#b", id="fragment"),
        pytest.param("https://sms.example.com/a", "http://127.0.0.1:5001/a", id="another port"),
        pytest.param("https://sms.example.com:444/a", "http://127.0.0.1:5000/a", id="another recorded port"),
        pytest.param("https://sms.example.com.evil/a", "http://127.0.0.1:5000.evil/a", id="longer host"),
        pytest.param("https://sms.example.com/a", "https://cdn.example/a", id="another host"),
        pytest.param("https://cdn.example/a", "https://cdn.example/b", id="path at another host"),
    ],
)
def test_path_query_and_other_hosts_are_compared(one: str, other: str) -> None:
    """A handler that returns another URL has changed."""
    assert changed(target(one), target(other))
    assert changed(linked(one), linked(other))


def test_own_url_cannot_pass_for_another_host() -> None:
    """A path that begins with two slashes is not a host."""
    assert changed(target("https://sms.example.com//evil.example/a"), target("//evil.example/a"))


def test_own_host_in_plain_text_is_not_compared() -> None:
    """Handlers of other webhooks may answer with text."""
    answers = [
        WebhookResponse(status=200, content_type="text/plain", body=f"go to {host}/a.\n{host}.".encode())
        for host in ("https://sms.example.com", "http://127.0.0.1:5000")
    ]

    assert changed(*answers) == []


@pytest.mark.parametrize("url", ["", "http://[", "http://h:99999/", "/message", "mailto:me"])
def test_urls_are_compared_unchanged_without_a_called_url(url: str) -> None:
    """Recordings are edited by hand, and a broken URL must not hide anything."""
    assert changed(target("/a"), target("/a"), recorded_url=url) == []
    assert changed(target("/a"), target("http://127.0.0.1:5000/a"), recorded_url=url)
    assert changed(target("/a"), target("https://sms.example.com/a"), answered_url=url)


def test_new_answer_is_recorded_with_the_recorded_host() -> None:
    """An accepted answer must agree wherever it is replayed next."""
    text = "http://127.0.0.1:5000/a http://127.0.0.1:50001/b https://cdn.example/c"
    recorded = with_host_of("https://sms.example.com/in/message", text, answered_url="http://127.0.0.1:5000/message")

    assert recorded == "https://sms.example.com/a http://127.0.0.1:50001/b https://cdn.example/c"
    assert with_host_of("http://[", text, answered_url="http://127.0.0.1:5000/message") == text
    assert with_host_of("https://sms.example.com/in/message", text, answered_url="") == text


def test_diff_shows_urls_unchanged() -> None:
    """People look for the URL that they know."""
    assert changed(linked("https://sms.example.com/a"), linked("http://127.0.0.1:5000/b"))[-2:] == [
        "-   POST https://sms.example.com/a",
        "+   POST http://127.0.0.1:5000/b",
    ]


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


def test_scrubbed_secrets_are_not_compared() -> None:
    """The application still answers with the real secret, which no recording holds."""
    answered = own("https://u:p@b.example/x?sig=5ecret&y=1")

    assert differences(own("https://b.example/x?sig=scrubbed&y=1"), answered) == []
    assert differences(own("https://b.example/x?sig=other&y=1"), answered) != []
    assert differences(own("https://b.example/x?sig=scrubbed&y=2"), answered) != []
