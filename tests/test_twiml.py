"""TwiML: built and parsed without loss, and refused if Twilio would refuse it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree
from twilio.twiml import messaging_response as official

from twiml_app.errors import TwimlError
from twiml_app.twiml import MessagingResponse
from twiml_app.verbs import Body, Comment, Media, Message, Redirect, Sms, xml_text

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=20)
URLS = st.text(st.characters(categories=("L", "N", "P", "S")), max_size=10).map(lambda text: "/a" + xml_text(text))
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "to": st.sampled_from(["+15005550001", "whatsapp:+15005550001", " \"'<&>\t\n\r"]),
        "from_": st.sampled_from(["+15005550006", "Café & Co"]),
        "action": URLS,
        "method": st.sampled_from(["GET", "POST"]),
        "status_callback": URLS,
    },
)
NOUNS = st.lists(ANYTHING.map(Body) | URLS.map(Media), max_size=5)
COMMENTS = ANYTHING.map(lambda text: Comment(xml_text(text).replace("-", "")))
VERBS = (
    st.builds(lambda nouns, attributes: Message(*nouns, **attributes), NOUNS, ATTRIBUTES)
    | st.builds(lambda text, attributes: Sms(text, **attributes), ANYTHING, ATTRIBUTES)
    | st.builds(Redirect, URLS, st.sampled_from([None, "GET", "POST"]))
    | COMMENTS
)


@given(st.lists(VERBS, max_size=6))
def test_built_document_is_parsed_to_the_same_verbs(verbs: list[Any]) -> None:
    """Tests, replays and the emulator parse the bytes, and must see what the handler returned."""
    response = MessagingResponse(*verbs)
    document = response.to_bytes()

    assert MessagingResponse.parse(document) == MessagingResponse.parse(str(response)) == response
    assert MessagingResponse.parse(document).to_bytes() == document


def written_by_lxml(verbs: list[Any]) -> bytes:
    """Return a document with these verbs as the XML library writes it."""
    root = etree.Element("Response")
    for verb in verbs:
        if isinstance(verb, Comment):
            root.append(etree.Comment(verb.text))
            continue
        element = etree.SubElement(root, type(verb).__name__)
        given_attributes = {"method": verb.method} if isinstance(verb, Redirect) else verb.attributes()
        for name, value in given_attributes.items():
            if value is not None:
                element.set(name, value)
        for noun in verb.nouns if isinstance(verb, Message) else ():
            etree.SubElement(element, type(noun).__name__).text = noun.text if isinstance(noun, Body) else noun.url
        if not isinstance(verb, Message):
            element.text = verb.url if isinstance(verb, Redirect) else verb.text
    return DECLARATION.encode() + etree.tostring(root, encoding="UTF-8", xml_declaration=False)


@given(st.lists(VERBS, max_size=6))
@example([Message("a<b>&c]]>\"'\t\r\n\x7f\x85\u2028\U0010ffff", to="a<b>&c]]>\"'\t\r\n\x7f\x85\u2028\U0010ffff")])
def test_document_has_the_bytes_that_an_xml_library_writes(verbs: list[Any]) -> None:
    """Documents are put together from strings, which is faster; every character must be escaped as XML demands."""
    assert MessagingResponse(*verbs).to_bytes() == written_by_lxml(verbs)


@given(ANYTHING)
def test_any_text_is_sent_unchanged(text: str) -> None:
    """Markup in a customer's text is text, escaped exactly once."""
    (message,) = MessagingResponse.parse(MessagingResponse(Message(text)).to_bytes()).messages

    assert message.text == xml_text(text)


@pytest.mark.parametrize(
    ("response", "document"),
    [
        pytest.param(MessagingResponse(), "<Response/>", id="nothing is sent"),
        pytest.param(
            MessagingResponse(Message("a < b & c > d \"e\" 'f' 😀 é")),
            "<Response><Message><Body>a &lt; b &amp; c &gt; d \"e\" 'f' 😀 é</Body></Message></Response>",
            id="escaped once",
        ),
        pytest.param(
            MessagingResponse(Message("a\r\nb\tc")),
            "<Response><Message><Body>a&#13;\nb\tc</Body></Message></Response>",
            id="carriage return",
        ),
        pytest.param(
            MessagingResponse(Message("a\0\x0b\ud83d\ufffeb")),
            "<Response><Message><Body>ab</Body></Message></Response>",
            id="characters that XML cannot hold",
        ),
        pytest.param(
            MessagingResponse(Message("<Redirect>/evil</Redirect>")),
            "<Response><Message><Body>&lt;Redirect&gt;/evil&lt;/Redirect&gt;</Body></Message></Response>",
            id="markup in text",
        ),
        pytest.param(
            MessagingResponse(
                Message("a", Media("/b?c&d"), to="+1", from_="+2", action="/a", method="GET", status_callback='/"s"')
            ),
            '<Response><Message to="+1" from="+2" action="/a" method="GET" statusCallback="/&quot;s&quot;">'
            "<Body>a</Body><Media>/b?c&amp;d</Media></Message></Response>",
            id="attributes in camel case",
        ),
        pytest.param(
            MessagingResponse(Comment("a & b"), Sms("c", to="+1"), Redirect("/d?e&f", "GET")),
            '<Response><!--a & b--><Sms to="+1">c</Sms><Redirect method="GET">/d?e&amp;f</Redirect></Response>',
            id="every other verb, in order",
        ),
        pytest.param(
            MessagingResponse(Message("")), "<Response><Message><Body></Body></Message></Response>", id="empty text"
        ),
        pytest.param(
            MessagingResponse().message("a").message(media="/m").message("b", media=["/1", "/2"]).redirect("/r"),
            "<Response><Message><Body>a</Body></Message><Message><Media>/m</Media></Message>"
            "<Message><Body>b</Body><Media>/1</Media><Media>/2</Media></Message><Redirect>/r</Redirect></Response>",
            id="added one by one",
        ),
        pytest.param(
            MessagingResponse()
            .message("a", to="+1", from_="+2", action="/a", method="POST", status_callback="/s")
            .redirect("/r", method="POST"),
            '<Response><Message to="+1" from="+2" action="/a" method="POST" statusCallback="/s">'
            '<Body>a</Body></Message><Redirect method="POST">/r</Redirect></Response>',
            id="added with attributes",
        ),
    ],
)
def test_documents_are_built_as_expected(response: MessagingResponse, document: str) -> None:
    """Twilio executes exactly these bytes."""
    assert response.to_bytes().decode() == str(response) == DECLARATION + document


@pytest.mark.parametrize(
    ("document", "verbs"),
    [
        pytest.param("<Response/>", [], id="empty"),
        pytest.param(" <!--a--><Response>\n</Response><!--b--> ", [], id="comments and white space around"),
        pytest.param(f"{DECLARATION}\n<Response/>", [], id="declaration"),
        pytest.param("<Response><Message>a</Message></Response>", [Message("a")], id="text without a Body"),
        pytest.param("<Response><Message/></Response>", [Message()], id="empty Message"),
        pytest.param("<Response><Message>\n </Message></Response>", [Message()], id="blank Message"),
        pytest.param("<Response><Message><Body/></Message></Response>", [Message("")], id="empty Body"),
        pytest.param(
            "<Response><Message><Body> a </Body></Message></Response>", [Message(" a ")], id="spaces in a Body"
        ),
        pytest.param(
            "<Response>\n <Message>\n  <Body>a</Body>\n  <Media> /m\n</Media>\n </Message>\n</Response>",
            [Message("a", Media("/m"))],
            id="indented",
        ),
        pytest.param(
            "<Response><Message>a<Media>/m</Media>b</Message></Response>",
            [Message("a", Media("/m"), "b")],
            id="text next to Media",
        ),
        pytest.param(
            "<Response><Message>a<!--x-->b<Media>/m</Media>c<!--y-->d</Message></Response>",
            [Message("ab", Media("/m"), "cd")],
            id="comments within text",
        ),
        pytest.param(
            "<Response><Message><Body>a<!--x-->b<?y z?>c</Body></Message></Response>",
            [Message("abc")],
            id="comments in a Body",
        ),
        pytest.param(
            "<Response><Message><![CDATA[<a> &amp;]]></Message></Response>", [Message("<a> &amp;")], id="CDATA"
        ),
        pytest.param("<Response><!--a--><?b c?></Response>", [Comment("a")], id="comment and processing instruction"),
        pytest.param(
            '<Response><Sms from="+1">a</Sms><Redirect method="GET"> /r </Redirect></Response>',
            [Sms("a", from_="+1"), Redirect("/r", "GET")],
            id="older verbs",
        ),
        pytest.param("<Response><Message>&#233;&lt;&#x1F600;</Message></Response>", [Message("é<😀")], id="references"),
    ],
)
def test_documents_from_other_sources_are_parsed(document: str, verbs: list[Any]) -> None:
    """Handlers return documents from templates and other libraries: no text may be lost."""
    assert list(MessagingResponse.parse(document.encode()).verbs) == verbs


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_document_is_parsed_in_its_encoding(encoding: str) -> None:
    """A template may have been saved in another encoding."""
    declared = encoding.removesuffix("-sig")
    document = f'<?xml version="1.0" encoding="{declared}"?><Response><Message>é</Message></Response>'

    assert MessagingResponse.parse(document.encode(encoding)) == MessagingResponse(Message("é"))


LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<!DOCTYPE Response [<!ENTITY a0 "ha">{LAUGHS}]>'


@pytest.mark.parametrize(
    ("document", "code", "problem"),
    [
        pytest.param("", 12100, "the document is not XML: ", id="empty"),
        pytest.param("Hello", 12100, "the document is not XML: ", id="plain text"),
        pytest.param("<Response>", 12100, "the document is not XML: ", id="not closed"),
        pytest.param("<Response/><Response/>", 12100, "the document is not XML: ", id="two documents"),
        pytest.param(
            "\n" + DECLARATION + "<Response/>", 12100, "the document is not XML: ", id="line before the declaration"
        ),
        pytest.param("<Response>\udcff</Response>", 12100, "the document is not XML: ", id="bytes that are not UTF-8"),
        pytest.param(
            "<Response>&#0;</Response>", 12100, "the document is not XML: ", id="reference to a forbidden character"
        ),
        pytest.param(
            '<?xml version="1.0" encoding="x"?><Response/>', 12100, "the document is not XML: ", id="encoding"
        ),
        pytest.param("<Response>&nbsp;</Response>", 12100, "the document is not XML: ", id="entity of HTML"),
        pytest.param("<a>" * 1000 + "</a>" * 1000, 12100, "the document is not XML: ", id="too deep"),
        pytest.param(BOMB + "<Response><Message>&a9;</Message></Response>", 12100, "the document ", id="entity bomb"),
        pytest.param(
            BOMB + '<Response><Message to="&a9;"/></Response>', 12100, "the document ", id="bomb in an attribute"
        ),
        pytest.param(
            '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///nowhere/at/all">]><Response><Message>&x;</Message></Response>',
            12100,
            "the document has a document type, which TwiML does not allow",
            id="entity of a file",
        ),
        pytest.param(
            '<!DOCTYPE Response SYSTEM "http://a.example/x.dtd"><Response/>',
            12100,
            "the document has a document type, which TwiML does not allow",
            id="document type",
        ),
        pytest.param("<html><body/></html>", 12102, "the root is html, not Response", id="HTML error page"),
        pytest.param("<response/>", 12102, "the root is response, not Response", id="root in lower case"),
        pytest.param('<Response xmlns="x"/>', 12102, "the root is {x}Response, not Response", id="namespace"),
        pytest.param('<Response a="b"/>', 12200, "Response takes no attribute a", id="attribute of the root"),
        pytest.param("<Response>Hi</Response>", 12200, "a Response holds verbs, not text", id="text in Response"),
        pytest.param("<Response><Message/>Hi</Response>", 12200, "a Response holds verbs, not text", id="after a verb"),
        pytest.param(
            "<Response><Say>a</Say></Response>",
            14110,
            "a Response holds Message, Redirect and Sms, not Say",
            id="voice verb",
        ),
        pytest.param(
            '<Response><Message statuscallback="/s"/></Response>',
            12200,
            "Message takes no attribute statuscallback",
            id="misspelled attribute",
        ),
        pytest.param(
            '<Response><Message from_="+1"/></Response>',
            12200,
            "Message takes no attribute from_",
            id="Python name of an attribute",
        ),
        pytest.param(
            "<Response><Message><Image>/m</Image></Message></Response>",
            12200,
            "a Message holds Body and Media, not Image",
            id="unknown noun",
        ),
        pytest.param(
            "<Response><Message><Body>a<b/></Body></Message></Response>",
            12200,
            "Body holds text, not b",
            id="markup in a Body",
        ),
        pytest.param(
            '<Response><Message><Media a="b">/m</Media></Message></Response>',
            12200,
            "Media takes no attribute a",
            id="attribute of a noun",
        ),
        pytest.param(
            '<Response><Redirect a="b">/r</Redirect></Response>',
            12200,
            "Redirect takes no attribute a",
            id="attribute of a Redirect",
        ),
        pytest.param("<Response><Redirect/></Response>", 12200, "Redirect is '': give a URL", id="Redirect to nowhere"),
        pytest.param(
            '<Response><Message to=""/></Response>',
            14101,
            "to is '': give a phone number or another address",
            id="empty to",
        ),
        pytest.param(
            '<Response><Sms method="get"/></Response>', 14104, "method is 'get': use GET or POST", id="method"
        ),
    ],
)
def test_document_that_twilio_would_not_execute_is_refused_with_its_error_code(
    document: str, code: int, problem: str
) -> None:
    """Twilio's debugger shows the same code; and no document may read files, use the network or much memory."""
    with pytest.raises(TwimlError) as caught:
        MessagingResponse.parse(document.encode(errors="surrogateescape"))

    assert caught.value.code == code
    assert str(caught.value).startswith(problem)


def test_str_that_cannot_be_encoded_is_refused() -> None:
    """A document must not raise anything except TwimlError."""
    with pytest.raises(TwimlError, match="the document is not XML"):
        MessagingResponse.parse("<Response>\ud83d</Response>")


def _official(build: Callable[[Any], object]) -> str:
    response = official.MessagingResponse()
    build(response)
    return str(response)


def _body_and_media(response: Any) -> None:
    message = response.message(to="+1", from_="+2", action="/a", method="POST", status_callback="/s")
    message.body("b & c")
    message.media("/m")


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        pytest.param(lambda _: None, [], id="empty"),
        pytest.param(lambda response: response.message("a < é 😀"), [Message("a < é 😀")], id="text"),
        pytest.param(
            lambda response: response.message("a").media("/m"), [Message("a", Media("/m"))], id="text, then Media"
        ),
        pytest.param(
            _body_and_media,
            [Message("b & c", Media("/m"), to="+1", from_="+2", action="/a", method="POST", status_callback="/s")],
            id="nouns and every attribute",
        ),
        pytest.param(
            lambda response: (response.message("a"), response.message("b"), response.redirect("/r", method="GET")),
            [Message("a"), Message("b"), Redirect("/r", "GET")],
            id="several verbs",
        ),
        pytest.param(
            lambda response: response.message("").append("a & b"), [Message("a & b")], id="text that is appended"
        ),
        pytest.param(
            lambda response: response.append(official.Message().append(official.Body("a"))),
            [Message("a")],
            id="appended",
        ),
    ],
)
def test_documents_of_the_official_library_are_parsed(build: Callable[[Any], object], expected: list[Any]) -> None:
    """People who used Twilio's library can keep their code that builds replies."""
    document = _official(build)

    assert list(MessagingResponse.parse(document).verbs) == expected
    assert MessagingResponse.parse(document.encode()) == MessagingResponse.parse(document)


def test_only_verbs_are_accepted() -> None:
    """For a list, or a noun without its Message, Twilio would send nothing."""
    for slip in ("a", Body("a"), [Message("a")], None):
        with pytest.raises(TwimlError, match=f"Redirect, Sms and Comment, not {type(slip).__name__}$") as caught:
            MessagingResponse(slip)  # type: ignore[arg-type]
        assert caught.value.code == 14110


def test_response_shows_its_verbs_and_messages() -> None:
    """Tests of handlers compare and print responses."""
    message, sms, redirect = Message("a"), Sms("b"), Redirect("/r")
    response = MessagingResponse(message, Comment("c"), sms, redirect)

    assert response.messages == (message, sms)
    assert response.verbs == (message, Comment("c"), sms, redirect)
    assert response == MessagingResponse(*response.verbs)
    assert response != MessagingResponse(message)
    assert response != str(response)
    assert len({response, MessagingResponse(*response.verbs)}) == 1
    assert repr(MessagingResponse(message, redirect)) == (
        "MessagingResponse(Message(Body(text='a')), Redirect(url='/r', method=None))"
    )


def test_document_with_a_local_file_is_refused() -> None:
    """Twilio would take the path for a relative URL, and fetch it from the application."""
    response = MessagingResponse().message("Today:", media=Path("menu.jpg"))

    with pytest.raises(TwimlError) as caught:
        response.to_bytes()

    assert str(caught.value) == "menu.jpg has no URL: only an application that answers with it serves a local file"
