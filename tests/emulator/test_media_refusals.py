"""Media that Twilio would refuse: each refusal names the URL, the reason and the remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.media_site import FETCHER, HTML, JPEG, MP4, OFFLINE, PNG, WEBP, Site, refused
from twiml_app.caller.transports import WsgiTransport
from twiml_app.caller.types import OutgoingRequest
from twiml_app.emulator.content_types import sniff
from twiml_app.emulator.media import MediaFetcher
from twiml_app.errors import ApiError
from twiml_app.webhook import WebhookResponse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: How files begin, and the content type of each.
BEGINNINGS = {
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/webp": (WEBP[:12],),
    "application/pdf": (b"%PDF-",),
    "video/mp4": (MP4[:8], b"\x00\x00\x00\x20ftypisom"),
}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("/cat.png", "/cat.png", id="relative"),
        pytest.param("cat.png", "cat.png", id="a name"),
        pytest.param("ftp://me:secret@example.com/cat.png", "example.com/cat.png", id="another scheme"),
        pytest.param("file:///etc/passwd", "file:///etc/passwd", id="a file"),
        pytest.param("http:///cat.png", "http:///cat.png", id="no host"),
        pytest.param("http:/me:secret@localhost/cat.png", "localhost/cat.png", id="a slash too few"),
        pytest.param("http://me:secret@[::1/cat.png", "[::1/cat.png", id="half a bracket"),
        pytest.param("http://localhost:0/cat.png", "http://localhost:0/cat.png", id="port 0"),
        pytest.param("http://localhost:99999/cat.png", "http://localhost:99999/cat.png", id="no port"),
        pytest.param("http://localhost/\ud800", "http://localhost/?", id="half a character"),
    ],
)
def test_what_is_no_web_address_is_refused_without_its_password(url: str, shown: str) -> None:
    """The message goes into logs."""
    assert refused(lambda: OFFLINE.fetch(url)) == (
        f"Invalid media URL: {shown}: it is no http or https URL. Give the whole URL, with its host."
    )


@pytest.mark.parametrize(
    ("header", "body", "reason"),
    [
        pytest.param(
            None,
            PNG,
            "its content type, missing, does not tell what it is. Answer with that of the file, such as image/jpeg.",
            id="no content type",
        ),
        pytest.param(
            "png",
            PNG,
            "its content type, png, does not tell what it is. Answer with that of the file, such as image/jpeg.",
            id="half a content type",
        ),
        pytest.param(
            "image/\r\n x",
            PNG,
            "its content type, image/ x, does not tell what it is. Answer with that of the file, such as image/jpeg.",
            id="a folded content type",
        ),
        pytest.param(
            "image/" + "x" * 95,
            PNG,
            f"its content type, image/{'x' * 51}..., does not tell what it is."
            " Answer with that of the file, such as image/jpeg.",
            id="a long content type",
        ),
        pytest.param(
            "binary/octet-stream",
            PNG,
            "its content type, binary/octet-stream, does not tell what it is."
            " Answer with that of the file, such as image/jpeg.",
            id="the type of a bucket",
        ),
        pytest.param(
            "text/html; charset=utf-8",
            HTML,
            "it is an HTML page (text/html), and no media."
            " Give the URL of the file itself, not of a page that shows it or asks to log in.",
            id="a page",
        ),
        pytest.param(
            "application/x-msdownload",
            b"MZ",
            "it is a program (application/x-msdownload), and no media. Send a link to it in the text.",
            id="a program",
        ),
        pytest.param("image/png", b"", "it is empty. Does what serves it write the file?", id="nothing"),
        pytest.param(
            "image/png",
            JPEG,
            "its content type is image/png, and its bytes are those of image/jpeg."
            " Answer with the content type that fits the file, and with the file itself.",
            id="another picture",
        ),
        pytest.param(
            "image/jpeg",
            b"\n " + HTML,
            "its content type is image/jpeg, and its bytes are those of text/html."
            " Answer with the content type that fits the file, and with the file itself.",
            id="a page in disguise",
        ),
        pytest.param(
            "image/gif",
            b"picture",
            "its content type is image/gif, and its bytes are not."
            " Answer with the content type that fits the file, and with the file itself.",
            id="no picture",
        ),
        pytest.param(
            "application/pdf",
            MP4,
            "its content type is application/pdf, and its bytes are those of video/mp4."
            " Answer with the content type that fits the file, and with the file itself.",
            id="a film",
        ),
    ],
)
def test_what_is_not_as_it_says_is_refused(site: Site, header: str | None, body: bytes, reason: str) -> None:
    """Twilio rejects a content type that does not match the media; the message names the URL, why, and what to do."""
    site.publish("/media?a=b", header, body)
    url = site.url("/media?a=b", userinfo="me:secret@")

    assert refused(lambda: FETCHER.fetch(url)) == f"Invalid media URL: {site.url('/media?a=b')}: {reason}"


@pytest.mark.parametrize("status", [304, 400, 401, 403, 404, 500])
def test_answer_that_is_no_success_is_refused(site: Site, status: int) -> None:
    """Whatever comes with it."""
    url = site.publish("/media", "image/png", PNG if status != 304 else b"", status=status)

    assert refused(lambda: FETCHER.fetch(url)) == (
        f"Invalid media URL: {url}: it answers {status}. Open it yourself: it has to answer 200."
    )


def test_server_that_does_not_run_is_named(site: Site) -> None:
    """The commonest reason on a developer's machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as gone:
        port = gone.server_address[1]

    assert refused(lambda: FETCHER.fetch(f"http://127.0.0.1:{port}/cat.png")) == (
        f"Invalid media URL: http://127.0.0.1:{port}/cat.png: there is no answer: no connection to 127.0.0.1:"
        " Connection refused. Does what serves it run, and at this address?"
    )


def test_connection_that_breaks_without_a_word_is_no_answer() -> None:
    """An error without a text is named by its kind."""

    def broken(request: OutgoingRequest) -> WebhookResponse:
        raise ConnectionResetError

    message = refused(lambda: MediaFetcher(broken).fetch("http://localhost/cat.png"))

    assert "there is no answer: ConnectionResetError." in message


def in_process(content_type: str, body: bytes) -> MediaFetcher:
    """Make a fetcher of a site in this process that has one file."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", content_type)])
        return [body]

    return MediaFetcher(WsgiTransport(application))


def accepted(content_type: str, body: bytes) -> bool:
    """Tell whether bytes may be sent under a content type."""
    try:
        media = in_process(content_type, body).fetch("http://localhost/media")
    except ApiError:
        return False
    return media.content == body


FILES = st.sampled_from([(kind, start) for kind, starts in BEGINNINGS.items() for start in starts])


@given(FILES, st.binary(max_size=50), st.sampled_from(sorted(BEGINNINGS)), st.sampled_from(["", "; q=1", " ;a"]))
def test_header_and_bytes_have_to_agree(file: tuple[str, bytes], rest: bytes, header: str, parameters: str) -> None:
    """Under its own content type a file is sent, under that of any other it is refused, whatever follows."""
    kind, start = file

    assert sniff(start + rest)[0] == kind
    assert accepted(header.upper() + parameters, start + rest) is (header == kind)


@given(st.binary(min_size=1) | st.tuples(FILES, st.binary()).map(lambda made: made[0][1] + made[1]))
def test_a_picture_is_what_begins_like_one(body: bytes) -> None:
    """For the three types that Twilio converts, bytes that are unknown are as wrong as those of another type."""
    for kind in ("image/gif", "image/png", "image/jpeg"):
        assert accepted(kind, body) is body.startswith(BEGINNINGS[kind])


@given(st.binary(max_size=100))
def test_unknown_bytes_are_sent_under_other_types(body: bytes) -> None:
    """Twilio accepts many types without looking into them."""
    assert accepted("text/csv", b"name," + body)


@given(st.text(max_size=40) | st.text(max_size=40).map("http://localhost/{}".format))
def test_any_text_is_media_or_refused(url: str) -> None:
    """A MediaUrl comes from a program: nothing in it may break the emulator."""
    try:
        told = in_process("image/png", PNG).fetch(url).content_type
    except ApiError as error:
        told = f"{error.code} {error.message}"

    assert told == "image/png" or re.match("21620 Invalid media URL: .*: .*", told, re.DOTALL)
