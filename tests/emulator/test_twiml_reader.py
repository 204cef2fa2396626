"""Answers of an application: executed as leniently as Twilio does, with a note for whatever was passed over."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_twiml import VERBS
from twiml_app.caller.caller import resolve
from twiml_app.emulator.twiml_reader import Document, Problem, RedirectStep, SendStep, read_answer
from twiml_app.errors import TwimlError
from twiml_app.twiml import MessagingResponse
from twiml_app.verbs import Comment, Message, Redirect, Sms

XML = "text/xml; charset=utf-8"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
LONG = "x" * 1600
AFTER_REDIRECT = (12200, "what stands after a Redirect is never reached")


def send(text: str = "", *media: str, **others: Any) -> SendStep:
    """Make what a Message asks for."""
    return SendStep(text=text, media=media, **others)


def document(*steps: SendStep | RedirectStep, problems: tuple[tuple[int, str], ...] = ()) -> Document:
    """Make the document that is expected."""
    return Document(steps=steps, problems=tuple(Problem(code=code, text=text) for code, text in problems))


def read(verbs: str) -> Document:
    """Read a document of these verbs."""
    return read_answer(f"<Response>{verbs}</Response>".encode(), XML)


@pytest.mark.parametrize(
    ("verbs", "expected"),
    [
        pytest.param("", document(), id="empty"),
        pytest.param("\n <!--a-->\n <?b c?>\n", document(), id="notes and instructions"),
        pytest.param("<Message>a</Message>", document(send("a")), id="text without a Body"),
        pytest.param("<Message><Body>a</Body></Message>", document(send("a")), id="Body"),
        pytest.param("<Message><Body>a</Body><Body> b</Body></Message>", document(send("a b")), id="several Bodies"),
        pytest.param("<Message>\n a\n</Message>", document(send("\n a\n")), id="space around a text"),
        pytest.param("<Message><Body> a </Body></Message>", document(send(" a ")), id="space in a Body"),
        pytest.param(
            "\n <Message>\n  <Body>a</Body>\n  <Media> /m\n  </Media>\n </Message>\n",
            document(send("a", "/m")),
            id="indented",
        ),
        pytest.param(
            "<Message>a<Media>/1</Media>b<Media>/2</Media><Body>c</Body>d</Message>",
            document(send("abcd", "/1", "/2")),
            id="text beside Media",
        ),
        pytest.param(
            "<Message>a<!--x-->b<?y z?>c<Body>d<!--x--> <!--y-->e</Body></Message>",
            document(send("abcd e")),
            id="notes within text",
        ),
        pytest.param("<Message><Media>/m</Media></Message>", document(send("", "/m")), id="Media alone"),
        pytest.param(
            "<Message><Body> </Body><Media>/m</Media></Message>", document(send(" ", "/m")), id="Media and a blank Body"
        ),
        pytest.param(
            "<Message>" + "<Media>/m</Media>" * 10 + "</Message>", document(send("", *["/m"] * 10)), id="ten Media"
        ),
        pytest.param(
            "<Message><![CDATA[<a> &amp;]]> &lt;&#x1F600;é</Message>", document(send("<a> &amp; <😀é")), id="escapes"
        ),
        pytest.param(f"<Message>{LONG}</Message>", document(send(LONG)), id="longest text"),
        pytest.param(
            '<Message to="+1" from=" +2 " action=" /a " method="get" statusCallback="https://b.example/s?c&amp;d">e</Message>',
            document(
                send(
                    "e",
                    to="+1",
                    from_=" +2 ",
                    action="/a",
                    method="GET",
                    status_callback="https://b.example/s?c&d",
                )
            ),
            id="every attribute",
        ),
        pytest.param(
            '<Sms to="+1" from="+2" action="a" method="GET" statusCallback="HTTP://b.example">c</Sms>',
            document(
                send(
                    "c",
                    to="+1",
                    from_="+2",
                    action="a",
                    method="GET",
                    status_callback="HTTP://b.example",
                    is_sms=True,
                )
            ),
            id="older verb",
        ),
        pytest.param(f"<Sms>{'x' * 160}</Sms>", document(send("x" * 160, is_sms=True)), id="longest Sms"),
        pytest.param("<Redirect> /r\n</Redirect>", document(RedirectStep(url="/r")), id="Redirect"),
        pytest.param(
            '<Redirect method="GET">https://a.example/b?c&amp;d</Redirect>',
            document(RedirectStep(url="https://a.example/b?c&d", method="GET")),
            id="Redirect with GET",
        ),
        pytest.param(
            "<Message>a</Message><Sms>b</Sms><Redirect>c</Redirect>\n<!-- end -->\n",
            document(send("a"), send("b", is_sms=True), RedirectStep(url="c")),
            id="in order",
        ),
        pytest.param(
            "<Message>a</Message>" * 10 + "<Redirect>b</Redirect>",
            document(*[send("a")] * 10, RedirectStep(url="b")),
            id="ten messages",
        ),
    ],
)
def test_what_is_in_order_is_executed_without_a_word(verbs: str, expected: Document) -> None:
    """A debugger that cries wolf is not read."""
    assert read(verbs) == expected


@pytest.mark.parametrize(
    ("verbs", "expected"),
    [
        pytest.param(
            "<Say>a</Say><Message>b</Message>",
            document(send("b"), problems=((14110, "Response holds Message, Redirect and Sms, not Say"),)),
            id="verb of a call",
        ),
        pytest.param(
            "<message>a</message>",
            document(problems=((14110, "Response holds Message, Redirect and Sms, not message: write Message"),)),
            id="verb in small letters",
        ),
        pytest.param(
            '<m:Message xmlns:m="x">a</m:Message>',
            document(problems=((14110, "Response holds Message, Redirect and Sms, not {x}Message"),)),
            id="verb of a namespace",
        ),
        pytest.param(
            f"<{'a' * 61}/>",
            document(problems=((14110, f"Response holds Message, Redirect and Sms, not {'a' * 57}..."),)),
            id="long name, cut",
        ),
        pytest.param(
            " Hi <Message>a</Message> &amp; <!--b-->\nc ",
            document(
                send("a"),
                problems=(
                    (12200, "Response holds verbs, not the text 'Hi'"),
                    (12200, "Response holds verbs, not the text '& \\nc'"),
                ),
            ),
            id="text among verbs",
        ),
        pytest.param(
            f"<Message>a</Message>{'b' * 60}",
            document(send("a"), problems=((12200, f"Response holds verbs, not the text '{'b' * 60}'"),)),
            id="longest text that is shown",
        ),
        pytest.param(
            '<Message statuscallback="/s" from_="+1" a="b" xml:lang="c">d</Message>',
            document(
                send("d"),
                problems=(
                    (12200, "Message takes no attribute statuscallback: write statusCallback"),
                    (12200, "Message takes no attribute from_: write from"),
                    (12200, "Message takes no attribute a"),
                    (12200, "Message takes no attribute {http://www.w3.org/XML/1998/namespace}lang"),
                ),
            ),
            id="attributes that are unknown",
        ),
        pytest.param(
            '<Sms status_callback="/s">a</Sms><Redirect statusCallback="/s" METHOD="GET">b</Redirect>',
            document(
                send("a", is_sms=True),
                RedirectStep(url="b"),
                problems=(
                    (12200, "Sms takes no attribute status_callback: write statusCallback"),
                    (12200, "Redirect takes no attribute statusCallback"),
                    (12200, "Redirect takes no attribute METHOD: write method"),
                ),
            ),
            id="attributes of other verbs",
        ),
        pytest.param(
            '<Message><Body a="b">c</Body><Media to="+1">/m</Media></Message>',
            document(
                send("c", "/m"),
                problems=((12200, "Body takes no attribute a"), (12200, "Media takes no attribute to")),
            ),
            id="attributes of nouns",
        ),
        pytest.param(
            "<Message>a<body>b</body>c<Image>/m</Image>d<Message>e</Message></Message>",
            document(
                send("acd"),
                problems=(
                    (12200, "Message holds Body and Media, not body: write Body"),
                    (12200, "Message holds Body and Media, not Image"),
                    (12200, "Message holds Body and Media, not Message"),
                ),
            ),
            id="other nouns",
        ),
        pytest.param(
            "<Message><Body>a<b>c</b>d</Body><Media>/<i/>m</Media></Message><Sms>e<Body>f</Body></Sms>",
            document(
                send("ad", "/m"),
                send("e", is_sms=True),
                problems=(
                    (12200, "Body holds a text, not b"),
                    (12200, "Media holds a text, not i"),
                    (12200, "Sms holds a text, not Body"),
                ),
            ),
            id="markup within texts",
        ),
        pytest.param(
            "<Redirect>/r<Url>/s</Url></Redirect>",
            document(RedirectStep(url="/r"), problems=((12200, "Redirect holds a text, not Url"),)),
            id="markup within a Redirect",
        ),
        pytest.param(
            "<Message>a<Media/><Media> </Media><Media>/b c</Media><Media>data:image/png,d</Media>"
            "<Media>//[</Media><Media>/m</Media></Message>",
            document(
                send("a", "/m"),
                problems=(
                    (12200, "Media is '', which is no http or https URL"),
                    (12200, "Media is '', which is no http or https URL"),
                    (12200, "Media is '/b c', which is no http or https URL"),
                    (12200, "Media is 'data:image/png,d', which is no http or https URL"),
                    (12200, "Media is '//[', which is no http or https URL"),
                ),
            ),
            id="Media that are nowhere",
        ),
        pytest.param(
            '<Message method="PUT">a</Message><Sms method="">b</Sms><Redirect method="POST ">c</Redirect>',
            document(
                send("a"),
                send("b", is_sms=True),
                RedirectStep(url="c"),
                problems=(
                    (14104, "the method of Message is 'PUT', neither GET nor POST"),
                    (14104, "the method of Sms is '', neither GET nor POST"),
                    (14104, "the method of Redirect is 'POST ', neither GET nor POST"),
                ),
            ),
            id="methods",
        ),
        pytest.param(
            '<Message action="ftp://a/b" statusCallback="">a</Message><Sms action="/b c" statusCallback="/s">d</Sms>'
            '<Message statusCallback="localhost:5000/s">e</Message>',
            document(
                send("a"),
                send("d", status_callback="/s", is_sms=True),
                send("e"),
                problems=(
                    (14105, "the action of Message is 'ftp://a/b', which is no http or https URL"),
                    (14105, "the statusCallback of Message is '', which is no http or https URL"),
                    (14105, "the action of Sms is '/b c', which is no http or https URL"),
                    (14105, "the statusCallback of Message is 'localhost:5000/s', which is no http or https URL"),
                ),
            ),
            id="URLs of statuses",
        ),
        pytest.param(
            "<Message>a<Media>htp://sms:SECRET@h/m</Media><Media>http://sms:SECRET@[::1/m</Media></Message>"
            '<Message action="ftp://sms:SEC@RET@h/s" statusCallback="https://sms:SECRET@h/a b">b</Message>'
            "<Redirect>htp://sms:SECRET@h/x</Redirect>",
            document(
                send("a"),
                send("b"),
                problems=(
                    (12200, "Media is 'h/m', which is no http or https URL"),
                    (12200, "Media is '[::1/m', which is no http or https URL"),
                    (14105, "the action of Message is 'h/s', which is no http or https URL"),
                    (14105, "the statusCallback of Message is 'h/a b', which is no http or https URL"),
                    (11100, "Redirect is 'h/x', which is no http or https URL"),
                ),
            ),
            id="URLs with a password, which is not shown",
        ),
        pytest.param(
            f"<Redirect>htp://sms:{'x' * 60}SECRET@h/x</Redirect>",
            document(problems=((11100, "Redirect is 'h/x', which is no http or https URL"),)),
            id="long password, longer than what is shown",
        ),
    ],
)
def test_what_is_wrong_is_noted_and_passed_over(verbs: str, expected: Document) -> None:
    """One slip in a document must not cost the customer the rest of it."""
    assert read(verbs) == expected


@pytest.mark.parametrize(
    ("verb", "problems"),
    [
        pytest.param("<Message/>", ((14103, "Message has neither text nor media"),), id="nothing"),
        pytest.param("<Message>\n </Message>", ((14103, "Message has neither text nor media"),), id="blank"),
        pytest.param(
            "<Message><Body> </Body></Message>", ((14103, "Message has neither text nor media"),), id="blank Body"
        ),
        pytest.param(
            "<Message><Media/></Message>",
            (
                (12200, "Media is '', which is no http or https URL"),
                (14103, "Message has neither text nor media"),
            ),
            id="wrong Media alone",
        ),
        pytest.param(
            "<Message>a" + "<Media>/m</Media>" * 11 + "</Message>",
            ((14103, "Message takes 10 Media, not 11"),),
            id="eleven Media",
        ),
        pytest.param(
            f"<Message>{LONG}<Body>y</Body></Message>",
            ((21617, "the text of Message has 1601 characters: 1600 can be sent"),),
            id="long text",
        ),
        pytest.param(
            f"<Message>{'😀' * 801}</Message>",
            ((21617, "the text of Message has 1602 characters: 1600 can be sent"),),
            id="long text of emoji",
        ),
        pytest.param("<Sms/>", ((14103, "Sms has no text"),), id="empty Sms"),
        pytest.param("<Sms> <!--a--> </Sms>", ((14103, "Sms has no text"),), id="blank Sms"),
        pytest.param(
            f"<Sms>{'x' * 161}</Sms>",
            ((14103, "the text of Sms has 161 characters: 160 can be sent"),),
            id="long Sms",
        ),
        pytest.param(
            f"<Sms>{'😀' * 81}</Sms>",
            ((14103, "the text of Sms has 162 characters: 160 can be sent"),),
            id="long Sms of emoji",
        ),
        pytest.param('<Message to="">a</Message>', ((14101, "the attribute to of Message is empty"),), id="to nobody"),
        pytest.param(
            '<Message from=" ">a</Message>', ((14102, "the attribute from of Message is empty"),), id="from nobody"
        ),
        pytest.param(
            '<Sms to="" from="+1">a</Sms>', ((14101, "the attribute to of Sms is empty"),), id="Sms to nobody"
        ),
        pytest.param(
            '<Message from="" to="" a="b"><Image/></Message>',
            (
                (14102, "the attribute from of Message is empty"),
                (14101, "the attribute to of Message is empty"),
                (12200, "Message takes no attribute a"),
                (12200, "Message holds Body and Media, not Image"),
                (14103, "Message has neither text nor media"),
            ),
            id="everything at once",
        ),
    ],
)
def test_message_that_cannot_be_sent_is_skipped_alone(verb: str, problems: tuple[tuple[int, str], ...]) -> None:
    """The messages around it are sent, and in the order in which they stand."""
    expected = document(send("before"), send("behind"), problems=problems)

    assert read(f"<Message>before</Message>{verb}<Message>behind</Message>") == expected


@pytest.mark.parametrize(
    "behind",
    [
        pytest.param("<Message>b</Message>", id="message"),
        pytest.param("<Say/><Redirect>/s</Redirect>", id="several verbs, one of them wrong"),
        pytest.param("<!--b--> c", id="text"),
    ],
)
@pytest.mark.parametrize(
    ("redirect", "steps", "problems"),
    [
        pytest.param("<Redirect>/r</Redirect>", (RedirectStep(url="/r"),), (), id="good"),
        pytest.param("<Redirect/>", (), ((11100, "Redirect is '', which is no http or https URL"),), id="empty"),
        pytest.param(
            "<Redirect>/a b</Redirect>",
            (),
            ((11100, "Redirect is '/a b', which is no http or https URL"),),
            id="white space",
        ),
        pytest.param(
            f'<Redirect method="GET">tel:{"5" * 60}</Redirect>',
            (),
            ((11100, f"Redirect is 'tel:{'5' * 53}...', which is no http or https URL"),),
            id="other scheme",
        ),
    ],
)
def test_nothing_is_reached_after_a_redirect(
    redirect: str, steps: tuple[RedirectStep, ...], problems: tuple[tuple[int, str], ...], behind: str
) -> None:
    """Control is gone with it, whether or not it leads anywhere; what stands there is not even looked at."""
    expected = document(send("a"), *steps, problems=(*problems, AFTER_REDIRECT))

    assert read(f"<Message>a</Message>{redirect}{behind}") == expected
    assert read(f"<Message>a</Message>{redirect}\n<!--b-->") == document(send("a"), *steps, problems=problems)


def test_eleventh_message_and_its_like_are_not_sent() -> None:
    """Ten go out for one inbound message; the note comes once, and a Redirect is followed all the same."""
    more = "<Message>b</Message><Sms>c</Sms><Say/><Message>d</Message><Redirect>/r</Redirect>"

    assert read("<Message>a</Message>" * 9 + "<Message/><Sms>a</Sms>" + more) == document(
        *[send("a")] * 9,
        send("a", is_sms=True),
        RedirectStep(url="/r"),
        problems=(
            (14103, "Message has neither text nor media"),
            (14109, "the answer asks for more than 10 messages"),
            (14110, "Response holds Message, Redirect and Sms, not Say"),
        ),
    )


def test_attributes_of_the_root_are_noted() -> None:
    """The root takes none."""
    answer = b'<Response version="2"><Message to="+1">a</Message></Response>'

    assert read_answer(answer, XML) == document(
        send("a", to="+1"), problems=((12200, "Response takes no attribute version"),)
    )


@pytest.mark.parametrize(
    "content_type",
    ["text/xml", "application/xml", "text/html", "TEXT/XML", " text/xml ;charset=utf-8", "text/html; charset=utf-8"],
)
def test_types_of_twiml(content_type: str) -> None:
    """Twilio takes three, and frameworks answer text/html unless told otherwise."""
    assert read_answer(b"<Response><Message>\xc3\xa9</Message></Response>", content_type) == document(send("é"))


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        pytest.param(b"Hello & <b>", "text/plain", document(send("Hello & <b>")), id="as it is"),
        pytest.param(b" a\r\nb\n", "Text/Plain", document(send(" a\r\nb\n")), id="white space and all"),
        pytest.param("é😀".encode(), "text/plain", document(send("é😀")), id="UTF-8 by default"),
        pytest.param("é😀".encode(), "text/plain; charset=UTF-8", document(send("é😀")), id="UTF-8"),
        pytest.param(
            b"\xe9", 'text/plain; format=flowed; Charset = "ISO-8859-1" ; a=b', document(send("é")), id="Latin-1"
        ),
        pytest.param(b"\x80", "text/plain;charset=windows-1252; format=flowed", document(send("€")), id="Windows"),
        pytest.param("é".encode("utf-16"), "text/plain; charset=utf-16", document(send("é")), id="UTF-16"),
        pytest.param(b"a\xffb", "text/plain", document(send("a\ufffdb")), id="what is not UTF-8"),
        pytest.param(b"a\xe9", "text/plain; charset=us-ascii", document(send("a\ufffd")), id="what is not ASCII"),
        pytest.param("é".encode(), "text/plain; charset=klingon", document(send("é")), id="unknown charset"),
        pytest.param(b"a\\u00e9", "text/plain; charset=unicode_escape", document(send("a\\u00e9")), id="no charset"),
        pytest.param(b"<Response/>", "text/plain", document(send("<Response/>")), id="TwiML as text"),
        pytest.param(b" \n", "text/plain", document(), id="blank"),
        pytest.param(b"x" * 1600, "text/plain", document(send(LONG)), id="longest"),
        pytest.param(
            b"x" * 1601,
            "text/plain",
            document(problems=((21617, "the text of the answer has 1601 characters: 1600 can be sent"),)),
            id="too long",
        ),
    ],
)
def test_plain_text_is_sent_whole(body: bytes, content_type: str, expected: Document) -> None:
    """A script that prints its answer is a program, too."""
    assert read_answer(body, content_type) == expected


@pytest.mark.parametrize("charset", ["utf-8", "utf8", "utf-16be", "utf-32le", "iso-8859-15", "latin1", "windows-1250"])
@pytest.mark.parametrize("content_type", ["text/plain", "text/xml"])
def test_charsets_of_the_web_are_read(content_type: str, charset: str) -> None:
    """What the header names is in the bytes, as text and as TwiML alike."""
    text = "é" if content_type == "text/plain" else "<Response><Message>é</Message></Response>"

    assert read_answer(text.encode(charset), f"{content_type}; charset={charset}") == document(send("é"))


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("koi8-r", "да"),
        ("gbk", "中"),
        ("gb2312", "中"),
        ("gb18030", "中"),
        ("big5", "中"),
        ("euc-jp", "日"),
        ("shift_jis", "日"),
        ("iso-2022-jp", "日"),
        ("euc-kr", "한"),
        ("us-ascii", "a"),
    ],
)
def test_charsets_of_other_alphabets_are_read(charset: str, text: str) -> None:
    """They are older than UTF-8, and not gone."""
    assert read_answer(text.encode(charset), f"text/plain; charset={charset}") == document(send(text))


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param("<Response><Message>é</Message></Response>".encode(), "text/xml", id="UTF-8 by default"),
        pytest.param(
            "<Response><Message>é</Message></Response>".encode("latin-1"), "text/xml; charset=iso-8859-1", id="header"
        ),
        pytest.param(
            '<?xml version="1.0"?><Response><Message>é</Message></Response>'.encode("latin-1"),
            "text/xml; charset=iso-8859-1",
            id="header, declaration without encoding",
        ),
        pytest.param(
            '<?xml version="1.0" encoding="iso-8859-1"?><Response><Message>é</Message></Response>'.encode("latin-1"),
            "text/xml; charset=utf-8",
            id="declaration against header",
        ),
        pytest.param(
            f"{DECLARATION}<Response><Message>é</Message></Response>".encode(),
            "text/html; charset=iso-8859-1",
            id="declaration of UTF-8 against header",
        ),
        pytest.param(
            "<Response><Message>é</Message></Response>".encode("utf-8-sig"),
            "text/xml; charset=iso-8859-1",
            id="mark against header",
        ),
        pytest.param(
            '<?xml version="1.0" encoding="utf-16"?><Response><Message>é</Message></Response>'.encode("utf-16"),
            "text/xml",
            id="UTF-16",
        ),
        pytest.param(
            '<?xml version="1.0" encoding="utf-16be"?><Response><Message>é</Message></Response>'.encode("utf-16be"),
            "text/xml; charset=utf-8",
            id="wide characters without a mark",
        ),
    ],
)
def test_document_is_read_in_its_encoding(body: bytes, content_type: str) -> None:
    """The document knows best; the header counts where it says nothing."""
    assert read_answer(body, content_type) == document(send("é"))


@pytest.mark.parametrize("content_type", ["", "text/xml", "text/plain", "application/json"])
def test_empty_answer_asks_for_nothing(content_type: str) -> None:
    """A program may be silent, in either way that HTTP has for it."""
    assert read_answer(b"", content_type) == read_answer(b"", content_type, 204) == document()
    assert read_answer(b"never looked at", content_type, 204) == document()


@pytest.mark.parametrize(
    ("body", "content_type", "code", "problem"),
    [
        pytest.param(b"<Response/>", "", 12300, "the answer has no Content-Type", id="no type"),
        pytest.param(b"<Response/>", " ; charset=utf-8", 12300, "the answer has no Content-Type", id="charset alone"),
        pytest.param(
            b'"Hello"',
            "application/json",
            12300,
            "the Content-Type is application/json, neither TwiML nor a plain text",
            id="JSON",
        ),
        pytest.param(
            b"\x89PNG" + b"\0" * 70000,
            "image/png",
            12300,
            "the Content-Type is image/png, neither TwiML nor a plain text",
            id="large picture",
        ),
        pytest.param(
            b"a", "x" * 100, 12300, f"the Content-Type is {'x' * 57}..., neither TwiML nor a plain text", id="long type"
        ),
        pytest.param(b"x" * 65537, "text/plain", 11750, "the answer has 65537 bytes: 65536 are read", id="long text"),
        pytest.param(b" " * 65537, "text/xml", 11750, "the answer has 65537 bytes: 65536 are read", id="long document"),
        pytest.param(b" " * 65536, "text/xml", 12100, "the document is not XML: ", id="longest, and blank"),
        pytest.param(b"Hello", "text/html; charset=utf-8", 12100, "the document is not XML: ", id="text as HTML"),
        pytest.param(b"<Response>", "text/xml", 12100, "the document is not XML: ", id="not closed"),
        pytest.param(b"<Response>&nbsp;</Response>", "text/xml", 12100, "the document is not XML: ", id="entity"),
        pytest.param(
            b"<!DOCTYPE html><html></html>",
            "text/html",
            12100,
            "the document has a document type: TwiML has none",
            id="page",
        ),
        pytest.param(
            b"<Response>\xe9</Response>",
            "text/xml",
            12100,
            "the document is not XML: its bytes are not utf-8",
            id="not UTF-8",
        ),
        pytest.param(
            b"<Response>\xe9</Response>",
            "text/xml; charset=US-ASCII",
            12100,
            "the document is not XML: its bytes are not US-ASCII",
            id="not what the header says",
        ),
        pytest.param(
            f"{DECLARATION}<Response>é</Response>".encode("latin-1"),
            "text/xml",
            12100,
            "the document is not XML: ",
            id="not what the declaration says",
        ),
        pytest.param(
            b'<?xml version="1.1"?><Response/>', "text/xml", 12101, "the XML version is '1.1', not 1.0", id="1.1"
        ),
        pytest.param(
            b"\xef\xbb\xbf<?xml version = '2.0'?><Response/>",
            "text/xml",
            12101,
            "the XML version is '2.0', not 1.0",
            id="2.0",
        ),
        pytest.param(
            b'<?xml version="\xe9"?><Response/>', "text/xml", 12101, "the XML version is '\ufffd', not 1.0", id="é.0"
        ),
        pytest.param(b"<html/>", "text/html", 12102, "the root is html, not Response", id="other root"),
        pytest.param(b"<response/>", "text/xml", 12102, "the root is response, not Response", id="small letters"),
        pytest.param(
            b'<Response xmlns="x"/>', "text/xml", 12102, "the root is {x}Response, not Response", id="namespace"
        ),
    ],
)
def test_what_cannot_be_executed_at_all_is_refused_with_its_number(
    body: bytes, content_type: str, code: int, problem: str
) -> None:
    """For these the fallback URL is called."""
    with pytest.raises(TwimlError) as caught:
        read_answer(body, content_type)

    assert caught.value.code == code
    assert str(caught.value).startswith(problem)


CONTENT_TYPES = (
    st.sampled_from(["text/xml", "text/html; charset=latin1", "text/plain; charset=utf-16", XML]) | st.text()
)
TAGS = st.sampled_from(
    ["<Response>", "</Response>", "<Message>", "</Message>", "<Message", "<Sms>", "</Sms>", "<Redirect>", "</Redirect>"]
)
NOUNS = st.sampled_from(["<Body>", "</Body>", "<Media>", "</Media>", ' to="+1"', ' method="', ' action="', "//["])
SIGNS = st.sampled_from(
    ["<?xml", ' version="1.0"', ' encoding="', "utf-16", '"', "?>", "<!--", "-->", "<!DOCTYPE", "<![CDATA[", ">", "/>"]
)
SOUP = st.lists((TAGS | NOUNS | SIGNS).map(str.encode) | st.binary(max_size=3)).map(b"".join)
VERB_SOUP = SOUP.map(lambda soup: b"<Response>" + soup + b"</Response>")
NESTED = st.recursive(
    st.text(st.characters(codec="utf-8", categories=("L", "P", "Zs"), exclude_characters="<&>"), max_size=5),
    lambda inner: st.builds(
        lambda tag, attribute, parts: f"<{tag} {attribute}>{''.join(parts)}</{tag}>",
        st.sampled_from(["Message", "Sms", "Redirect", "Body", "Media", "message", "b"]),
        st.sampled_from(["", 'to=""', 'from="a"', 'action="//["', 'statusCallback="x:"', 'method="put"', 'To="a"']),
        st.lists(inner, max_size=4),
    ),
)
TREES = st.lists(NESTED, max_size=12).map(lambda parts: f"<Response>{''.join(parts)}</Response>".encode())


def outcome(body: bytes, content_type: str, status: int) -> Document | int:
    """Return what is read, or the number it is refused with."""
    try:
        return read_answer(body, content_type, status)
    except TwimlError as error:
        return error.code


@given(st.binary() | SOUP | VERB_SOUP, CONTENT_TYPES, st.sampled_from([200, 201, 204]))
def test_any_answer_is_read_or_refused(body: bytes, content_type: str, status: int) -> None:
    """Whatever a program sends, the emulator goes on running."""
    found = outcome(body, content_type, status)

    assert isinstance(found, Document) or found in (12100, 12101, 12102, 12300)


@given(TREES)
def test_whatever_is_to_be_done_can_be_done(body: bytes) -> None:
    """The engine takes the steps at their word: no empty message, no URL that cannot be joined to another."""
    found = read_answer(body, XML)
    messages = [step for step in found.steps if isinstance(step, SendStep)]
    urls = [step.url for step in found.steps if isinstance(step, RedirectStep)]

    assert len(messages) <= 10
    assert found.steps[len(messages) :] == tuple(step for step in found.steps if isinstance(step, RedirectStep))
    assert all(message.text.strip() or message.media for message in messages)
    assert all(step.method in ("GET", "POST") for step in found.steps)
    for url in urls + [url for message in messages for url in (message.action, *message.media)]:
        assert resolve("https://a.example/b", url).startswith("http")
    assert all(problem.text and not problem.text.endswith(".") for problem in found.problems)


def step_of(verb: Message | Sms | Redirect) -> SendStep | RedirectStep:
    """Make what a verb asks for."""
    if isinstance(verb, Redirect):
        return RedirectStep(url=verb.url, method=verb.method or "POST")
    return SendStep(
        text=verb.text,
        media=verb.media if isinstance(verb, Message) else (),
        to=verb.to or "",
        from_=verb.from_ or "",
        action=verb.action or "",
        method=verb.method or "POST",
        status_callback=verb.status_callback or "",
        is_sms=isinstance(verb, Sms),
    )


def can_be_done(step: SendStep | RedirectStep) -> bool:
    """Tell whether Twilio does it: a text or media, and no ``//[``, which is none of the URLs it looks like."""
    if isinstance(step, RedirectStep):
        return can_be_joined(step.url)
    has_content = bool(step.text.strip() or step.media)
    return has_content and can_be_joined(step.action, step.status_callback, *step.media)


def can_be_joined(*urls: str) -> bool:
    """Tell whether URLs lead from one that answered to somewhere."""
    try:
        return all(resolve("https://a.example/b", url) for url in urls)
    except ValueError:
        return False


def up_to_redirect(verbs: list[Any]) -> list[Any]:
    """Return the verbs that are reached."""
    redirects = [place for place, verb in enumerate(verbs, 1) if isinstance(verb, Redirect)]
    return verbs[: min(redirects, default=None)]


@given(st.lists(VERBS, max_size=6))
def test_whatever_is_built_is_executed_without_a_word(verbs: list[Any]) -> None:
    """The emulator does what the handler meant, to the letter."""
    reached = up_to_redirect([verb for verb in verbs if isinstance(verb, Comment) or can_be_done(step_of(verb))])
    steps = [step_of(verb) for verb in reached if not isinstance(verb, Comment)]

    assert read_answer(MessagingResponse(*reached).to_bytes(), XML) == document(*steps)
