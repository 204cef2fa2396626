"""Answers that cannot be executed at all: each is refused with Twilio's error code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.documents import DECLARATION, XML
from twiml_app.emulator.twiml_reader import Document, read_answer
from twiml_app.errors import TwimlError


@pytest.mark.parametrize(
    ("body", "content_type", "code", "problem"),
    [
        pytest.param(b"<Response/>", "", 12300, "the answer has no Content-Type", id="no type"),
        pytest.param(b"<Response/>", " ; charset=utf-8", 12300, "the answer has no Content-Type", id="only a charset"),
        pytest.param(
            b'"Hello"',
            "application/json",
            12300,
            "the Content-Type is application/json, neither TwiML nor plain text",
            id="JSON",
        ),
        pytest.param(
            b"\x89PNG" + b"\0" * 70000,
            "image/png",
            12300,
            "the Content-Type is image/png, neither TwiML nor plain text",
            id="large picture",
        ),
        pytest.param(
            b"a", "x" * 100, 12300, f"the Content-Type is {'x' * 57}..., neither TwiML nor plain text", id="long type"
        ),
        pytest.param(
            b"x" * 65537, "text/plain", 11750, "the answer has 65537 bytes: the limit is 65536", id="long text"
        ),
        pytest.param(
            b" " * 65537, "text/xml", 11750, "the answer has 65537 bytes: the limit is 65536", id="long document"
        ),
        pytest.param(
            b" " * 65536, "text/xml", 12100, "the document is not XML: ", id="blank document of maximum length"
        ),
        pytest.param(b"Hello", "text/html; charset=utf-8", 12100, "the document is not XML: ", id="text as HTML"),
        pytest.param(b"<Response>", "text/xml", 12100, "the document is not XML: ", id="not closed"),
        pytest.param(b"<Response>&nbsp;</Response>", "text/xml", 12100, "the document is not XML: ", id="entity"),
        pytest.param(
            b"<!DOCTYPE html><html></html>",
            "text/html",
            12100,
            "the document has a document type, which TwiML does not allow",
            id="HTML page",
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
            id="charset differs from the header",
        ),
        pytest.param(
            f"{DECLARATION}<Response>é</Response>".encode("latin-1"),
            "text/xml",
            12100,
            "the document is not XML: ",
            id="charset differs from the declaration",
        ),
        pytest.param(
            b'<?xml version="1.1"?><Response/>',
            "text/xml",
            12101,
            "the XML version is '1.1', not 1.0",
            id="version 1.1",
        ),
        pytest.param(
            b"\xef\xbb\xbf<?xml version = '2.0'?><Response/>",
            "text/xml",
            12101,
            "the XML version is '2.0', not 1.0",
            id="version 2.0",
        ),
        pytest.param(
            b'<?xml version="\xe9"?><Response/>',
            "text/xml",
            12101,
            "the XML version is '\ufffd', not 1.0",
            id="version that is not ASCII",
        ),
        pytest.param(b"<html/>", "text/html", 12102, "the root is html, not Response", id="another root"),
        pytest.param(b"<response/>", "text/xml", 12102, "the root is response, not Response", id="root in lower case"),
        pytest.param(
            b'<Response xmlns="x"/>',
            "text/xml",
            12102,
            "the root is {x}Response, not Response",
            id="root in a namespace",
        ),
    ],
)
def test_answer_that_cannot_be_executed_is_refused_with_an_error_code(
    body: bytes, content_type: str, code: int, problem: str
) -> None:
    """The fallback URL is called for these."""
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


def outcome(body: bytes, content_type: str, status: int) -> Document | int:
    """Return the document, or the error code if it is refused."""
    try:
        return read_answer(body, content_type, status)
    except TwimlError as error:
        return error.code


@given(st.binary() | SOUP | VERB_SOUP, CONTENT_TYPES, st.sampled_from([200, 201, 204]))
def test_any_answer_is_read_or_refused(body: bytes, content_type: str, status: int) -> None:
    """No answer of a program may cause an internal error."""
    found = outcome(body, content_type, status)

    assert isinstance(found, Document) or found in (12100, 12101, 12102, 12300)
