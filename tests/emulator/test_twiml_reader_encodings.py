"""Content types and charsets of an answer, for TwiML and for plain text."""

from __future__ import annotations

import pytest

from tests.emulator.documents import DECLARATION, LONG, document, send
from twiml_app.emulator.twiml_reader import Document, read_answer


@pytest.mark.parametrize(
    "content_type",
    ["text/xml", "application/xml", "text/html", "TEXT/XML", " text/xml ;charset=utf-8", "text/html; charset=utf-8"],
)
def test_twiml_may_have_one_of_three_content_types(content_type: str) -> None:
    """Twilio accepts three, and text/html is the default of many frameworks."""
    assert read_answer(b"<Response><Message>\xc3\xa9</Message></Response>", content_type) == document(send("é"))


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        pytest.param(b"Hello & <b>", "text/plain", document(send("Hello & <b>")), id="markup"),
        pytest.param(b" a\r\nb\n", "Text/Plain", document(send(" a\r\nb\n")), id="white space"),
        pytest.param("é😀".encode(), "text/plain", document(send("é😀")), id="UTF-8 by default"),
        pytest.param("é😀".encode(), "text/plain; charset=UTF-8", document(send("é😀")), id="UTF-8"),
        pytest.param(
            b"\xe9", 'text/plain; format=flowed; Charset = "ISO-8859-1" ; a=b', document(send("é")), id="Latin-1"
        ),
        pytest.param(b"\x80", "text/plain;charset=windows-1252; format=flowed", document(send("€")), id="Windows"),
        pytest.param("é".encode("utf-16"), "text/plain; charset=utf-16", document(send("é")), id="UTF-16"),
        pytest.param(b"a\xffb", "text/plain", document(send("a\ufffdb")), id="invalid UTF-8"),
        pytest.param(b"a\xe9", "text/plain; charset=us-ascii", document(send("a\ufffd")), id="invalid ASCII"),
        pytest.param("é".encode(), "text/plain; charset=klingon", document(send("é")), id="unknown charset"),
        pytest.param(
            b"a\\u00e9", "text/plain; charset=unicode_escape", document(send("a\\u00e9")), id="Python's own encoding"
        ),
        pytest.param(b"<Response/>", "text/plain", document(send("<Response/>")), id="TwiML as plain text"),
        pytest.param(b" \n", "text/plain", document(), id="blank"),
        pytest.param(b"x" * 1600, "text/plain", document(send(LONG)), id="longest"),
        pytest.param(
            b"x" * 1601,
            "text/plain",
            document(problems=((21617, "the text of the answer has 1601 characters: the limit is 1600"),)),
            id="too long",
        ),
    ],
)
def test_plain_text_is_sent_as_one_message(body: bytes, content_type: str, expected: Document) -> None:
    """Twilio accepts plain text, which simple scripts use."""
    assert read_answer(body, content_type) == expected


@pytest.mark.parametrize("charset", ["utf-8", "utf8", "utf-16be", "utf-32le", "iso-8859-15", "latin1", "windows-1250"])
@pytest.mark.parametrize("content_type", ["text/plain", "text/xml"])
def test_charsets_of_the_web_are_read(content_type: str, charset: str) -> None:
    """The charset of the header applies to plain text and to TwiML."""
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
    """These older charsets are still in use."""
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
            id="declaration differs from header",
        ),
        pytest.param(
            f"{DECLARATION}<Response><Message>é</Message></Response>".encode(),
            "text/html; charset=iso-8859-1",
            id="declaration of UTF-8 differs from header",
        ),
        pytest.param(
            "<Response><Message>é</Message></Response>".encode("utf-8-sig"),
            "text/xml; charset=iso-8859-1",
            id="byte order mark differs from header",
        ),
        pytest.param(
            '<?xml version="1.0" encoding="utf-16"?><Response><Message>é</Message></Response>'.encode("utf-16"),
            "text/xml",
            id="UTF-16",
        ),
        pytest.param(
            '<?xml version="1.0" encoding="utf-16be"?><Response><Message>é</Message></Response>'.encode("utf-16be"),
            "text/xml; charset=utf-8",
            id="wide characters without a byte order mark",
        ),
    ],
)
def test_document_is_read_in_its_encoding(body: bytes, content_type: str) -> None:
    """The document takes precedence; the header applies if the document does not declare an encoding."""
    assert read_answer(body, content_type) == document(send("é"))


@pytest.mark.parametrize("content_type", ["", "text/xml", "text/plain", "application/json"])
def test_empty_answer_has_no_steps(content_type: str) -> None:
    """A program need not reply: it can answer with 204, or with an empty body."""
    assert read_answer(b"", content_type) == read_answer(b"", content_type, 204) == document()
    assert read_answer(b"never looked at", content_type, 204) == document()
