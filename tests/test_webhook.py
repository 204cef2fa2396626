"""The form and the plain data of a webhook: signed data is never changed, and no input raises."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import SAMPLES, sample
from twiml_app.errors import MalformedRequest, RequestRefused, RequestTooLarge
from twiml_app.webhook import FORM_TYPE, Form, WebhookRequest, WebhookResponse, read_form

FORM = {"content-type": FORM_TYPE}
JSON = {"content-type": "application/json"}


def request(method: str = "POST", target: str = "/message", **parts: Any) -> WebhookRequest:
    """Return a request, by default for the Message URL."""
    return WebhookRequest(endpoint="message", method=method, scheme="https", host="a.example", target=target, **parts)


@pytest.mark.parametrize(
    ("encoded", "pairs"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("a=1&b=2", [("a", "1"), ("b", "2")], id="in order"),
        pytest.param("Body=", [("Body", "")], id="image-only: empty and present"),
        pytest.param("a=2&a=1", [("a", "2"), ("a", "1")], id="repeated name"),
        pytest.param("a=b=c", [("a", "b=c")], id="equals sign in a value"),
        pytest.param("a=1;b=2", [("a", "1;b=2")], id="semicolon is not a separator"),
        pytest.param("From=%2B1500+x%20y", [("From", "+1500 x y")], id="plus and percent"),
        pytest.param("a=%zz%4%", [("a", "%zz%4%")], id="percent signs that are not escapes"),
        pytest.param("a%26=%3D%26%2B", [("a&", "=&+")], id="separators escaped"),
        pytest.param("a=%F0%9F%98%80", [("a", "😀")], id="emoji"),
        pytest.param("a=é😀", [("a", "é😀")], id="unescaped UTF-8"),
        pytest.param("a=%ff%C3", [("a", "\udcff\udcc3")], id="bytes that are not UTF-8"),
        pytest.param("a=%00%0A", [("a", "\0\n")], id="control characters"),
        pytest.param("a= b \t", [("a", " b \t")], id="white space is kept: it was signed"),
        pytest.param("=", [("", "")], id="empty name"),
    ],
)
def test_form_keeps_every_pair_as_received(encoded: str, pairs: list[tuple[str, str]]) -> None:
    """The signature covers each value exactly: a parser that cleans up would refuse customers."""
    assert list(Form.read(encoded, max_fields=500).pairs) == pairs


@given(st.lists(st.tuples(st.binary(max_size=6), st.binary(max_size=12)), max_size=8))
def test_any_bytes_survive_reading_and_encoding(fields: list[tuple[bytes, bytes]]) -> None:
    """A recorded and replayed form must have the bytes that were signed, whatever a phone sent."""
    encoded = urlencode(fields)
    form = Form.read(encoded, max_fields=500)

    expected = [
        (name.decode(errors="surrogateescape"), value.decode(errors="surrogateescape")) for name, value in fields
    ]
    assert list(form.pairs) == expected
    assert list(form.pairs) == parse_qsl(encoded, keep_blank_values=True, errors="surrogateescape")
    assert Form.read(form.encode(), max_fields=500) == form


@given(
    st.lists(st.sampled_from([b"&", b"=", b"a", b"b", b"+", b"%", b"%c3", b"%a9", b"\xc3", b"\xa9", b"\0"])).map(
        b"".join
    ),
    st.sampled_from(["", FORM_TYPE, "text/plain"]),
)
def test_any_body_is_refused_or_a_form_of_text_that_can_be_stored(body: bytes, content_type: str) -> None:
    """Garbage from the internet gets a plain 400, and accepted text can be logged and stored."""
    try:
        form = read_form(request(body=body, headers={"content-type": content_type}), max_bytes=50, max_fields=3)
    except RequestRefused:
        return

    assert len(form.pairs) <= 3
    text = "".join(map("".join, form.items()))
    assert text.encode().decode() == text
    assert all(form.getlist(name)[0] == form[name] for name in form)


def test_value_that_mixes_raw_and_escaped_bytes_is_read_as_one_character() -> None:
    """Some proxies unescape half of a character: the text must be whole, and the bytes as signed."""
    form = Form.read(b"Body=\xf0\x9f%98%80".decode(errors="surrogateescape"), max_fields=500)

    assert form["Body"] == "😀"
    assert form.pairs[0][1].encode(errors="surrogateescape") == "😀".encode()


def test_form_is_a_mapping_of_first_values() -> None:
    """Handlers read it as a dict; bytes that are not UTF-8 become replacement characters."""
    form = Form([("a", "1"), ("b", "x\udcff"), ("a", "2"), ("\udcff", "3")])

    assert dict(form) == {"a": "1", "b": "x\ufffd", "\ufffd": "3"}
    assert (len(form), "a" in form, "c" in form, form.get("c")) == (3, True, False, None)
    assert (form.getlist("a"), form.getlist("b"), form.getlist("c")) == (["1", "2"], ["x\ufffd"], [])
    assert repr(form) == r"Form([('a', '1'), ('b', 'x\udcff'), ('a', '2'), ('\udcff', '3')])"


def test_forms_are_equal_by_their_pairs() -> None:
    """Order and repetition are part of the signed data; a form can be a dict key."""
    form = Form([("a", "1"), ("a", "2")])

    assert form == Form([("a", "1"), ("a", "2")])
    assert form != Form([("a", "2"), ("a", "1")])
    assert form != Form([("a", "1")])
    assert form != {"a": "1"}
    assert len({form, Form(form.pairs)}) == 1


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in sorted(SAMPLES.glob("*.txt"))])
def test_samples_are_re_encoded_to_the_same_bytes(path: Path) -> None:
    """A recording must be replayed with the bytes that Twilio sent."""
    assert sample(path.name).encode() == path.read_text()


@pytest.mark.parametrize(
    ("asked", "pairs"),
    [
        pytest.param(request(body=b"a=1", headers=FORM), [("a", "1")], id="POST: the body"),
        pytest.param(request(target="/message?q=1", body=b"a=1", headers=FORM), [("a", "1")], id="POST: not the query"),
        pytest.param(request(body=b"a=1"), [("a", "1")], id="POST without a type"),
        pytest.param(
            request(body=b"a=1", headers={"content-type": "Application/X-WWW-Form-Urlencoded ; charset=UTF-8"}),
            [("a", "1")],
            id="charset and capitals",
        ),
        pytest.param(request(body=b"a=\xff", headers=FORM), [("a", "\udcff")], id="raw byte that is not UTF-8"),
        pytest.param(request(headers=FORM), [], id="POST of nothing"),
        pytest.param(request("GET", "/message?a=1&b", body=b"c=3"), [("a", "1"), ("b", "")], id="GET: the query"),
        pytest.param(request("GET", "/message"), [], id="GET without a query"),
        pytest.param(request("GET", "/message?a=1?b=2"), [("a", "1?b=2")], id="second question mark"),
        pytest.param(request("HEAD", "/message?a=1", headers=JSON), [("a", "1")], id="HEAD"),
        pytest.param(
            request(target="/message?a=1&bodySHA256=0f", body=b"{}", headers=JSON),
            [("a", "1"), ("bodySHA256", "0f")],
            id="JSON signed with its hash",
        ),
        pytest.param(
            request(body=b"a=%31&b=23456", headers=FORM), [("a", "1"), ("b", "23456")], id="just small enough"
        ),
    ],
)
def test_parameters_are_read_from_the_body_of_a_post_and_the_query_of_a_get(
    asked: WebhookRequest, pairs: list[tuple[str, str]]
) -> None:
    """Twilio puts them there; the query of a POST belongs to the URL, and the body of a GET is ignored."""
    assert list(read_form(asked, max_bytes=13, max_fields=2).pairs) == pairs


@pytest.mark.parametrize(
    ("asked", "error", "line"),
    [
        pytest.param(
            request(body=b"a=%31&b=234567", headers=FORM),
            RequestTooLarge,
            "the body is larger than 13 bytes",
            id="one byte too many",
        ),
        pytest.param(
            request(body=b"a=&b=&c=", headers=FORM), RequestTooLarge, "more than 2 fields", id="one field too many"
        ),
        pytest.param(request("GET", "/?&&&"), RequestTooLarge, "more than 2 fields", id="a query of separators"),
        pytest.param(
            request("GET", body=b"x" * 14), RequestTooLarge, "the body is larger than 13 bytes", id="a body with a GET"
        ),
        pytest.param(
            request(body=b"hello", headers=FORM),
            MalformedRequest,
            "the body is not a form: every field must be name=value",
            id="not name=value",
        ),
        pytest.param(
            request(body=b"{}", headers=JSON),
            MalformedRequest,
            f"the content type is application/json: send {FORM_TYPE}",
            id="JSON",
        ),
        pytest.param(
            request(target="/message?bodySHA256=0f", body=b"a=1", headers={"content-type": "text/plain"}),
            MalformedRequest,
            f"the content type is text/plain: send {FORM_TYPE}",
            id="hash without JSON",
        ),
        pytest.param(
            request(headers={"content-type": "x" * 9999}),
            MalformedRequest,
            f"the content type is {'x' * 80}: send {FORM_TYPE}",
            id="very long type",
        ),
        pytest.param(
            request(headers={"content-type": "text\n\0plain"}),
            MalformedRequest,
            f"the content type is text??plain: send {FORM_TYPE}",
            id="type with control characters",
        ),
    ],
)
def test_request_without_a_form_is_refused_with_one_line(
    asked: WebhookRequest, error: type[Exception], line: str
) -> None:
    """A person who tries the URL reads what to do, and a flood of requests stays cheap."""
    with pytest.raises(error) as caught:
        read_form(asked, max_bytes=13, max_fields=2)

    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("public_url", "prefix", "target", "called", "base"),
    [
        pytest.param("", "", "/message?a=%2B", "http://h:5000/message?a=%2B", "http://h:5000", id="as received"),
        pytest.param("", "/sms", "/sms/message", "http://h:5000/sms/message", "http://h:5000/sms", id="mounted"),
        pytest.param("https://p.example", "", "/m", "https://p.example/m", "https://p.example", id="public URL"),
        pytest.param(
            "https://p.example", "/sms", "/sms/message", "https://p.example/sms/message", "https://p.example/sms",
            id="public host, mounted",
        ),
        pytest.param(
            "https://p.example/api/sms", "/sms", "/sms/message", "https://p.example/api/sms/message",
            "https://p.example/api/sms", id="public URL that ends with the mount",
        ),
        pytest.param(
            "https://p.example/api", "", "/message", "https://p.example/api/message", "https://p.example/api",
            id="prefix that a proxy removes",
        ),
        pytest.param(
            "https://sms", "/sms", "/sms/message", "https://sms/sms/message", "https://sms/sms",
            id="host of the same name as the mount",
        ),
    ],
)  # fmt: skip
def test_called_url_is_the_url_that_twilio_signed(
    public_url: str, prefix: str, target: str, called: str, base: str
) -> None:
    """A signature over another URL never matches, and the status URL of a reply must be reachable from outside."""
    asked = WebhookRequest(
        endpoint="message", method="POST", scheme="http", host="h:5000", target=target, prefix=prefix
    )

    assert asked.called_url(public_url) == called
    assert asked.base_url(public_url) == base


def test_target_is_split_at_the_first_question_mark() -> None:
    """It is not decoded, because it was signed."""
    asked = request(target="/a%2Fb?c=%3F?d")

    assert (asked.path, asked.query, asked.content_type) == ("/a%2Fb", "c=%3F?d", "")
    assert request(target="/a").query == ""


def test_plain_line_is_answered_as_text() -> None:
    """A refusal is read in a terminal: one line, never markup."""
    answer = WebhookResponse.line(401, "who is it?", ("WWW-Authenticate", "Basic"))

    assert (answer.status, answer.body, answer.content_type) == (401, b"who is it?\n", "text/plain; charset=utf-8")
    assert (answer.header("www-authenticate"), answer.header("Location")) == ("Basic", "")


@given(st.text(alphabet="%=0123456789abcdefABCDEFxX_\r\n ü&", max_size=40) | st.binary().map(quote))
def test_escapes_are_read_as_the_standard_library_reads_them(text: str) -> None:
    """Broken escapes stay as they are."""
    value = text.replace("&", "")
    expected = unquote_to_bytes(value.encode()).decode("utf-8", "surrogateescape")

    assert Form.read(f"Body={value}", max_fields=1).pairs == (("Body", expected),)
