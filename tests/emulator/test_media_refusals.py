"""Media that Twilio would refuse: each error names the URL, the reason and the remedy."""

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

#: Content types, and the first bytes of such files.
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
        pytest.param("", "", id="empty"),
        pytest.param("/cat.png", "/cat.png", id="relative"),
        pytest.param("cat.png", "cat.png", id="file name"),
        pytest.param("ftp://me:secret@example.com/cat.png", "example.com/cat.png", id="another scheme"),
        pytest.param("file:///etc/passwd", "file:///etc/passwd", id="file URL"),
        pytest.param("http:///cat.png", "http:///cat.png", id="no host"),
        pytest.param("http:/me:secret@localhost/cat.png", "localhost/cat.png", id="missing slash"),
        pytest.param("http://me:secret@[::1/cat.png", "[::1/cat.png", id="unclosed bracket"),
        pytest.param("http://localhost:0/cat.png", "http://localhost:0/cat.png", id="port 0"),
        pytest.param("http://localhost:99999/cat.png", "http://localhost:99999/cat.png", id="invalid port"),
        pytest.param("http://localhost/\ud800", "http://localhost/?", id="lone surrogate"),
    ],
)
def test_invalid_url_is_refused_without_showing_its_password(url: str, shown: str) -> None:
    """The message may be logged."""
    assert refused(lambda: OFFLINE.fetch(url)) == (
        f"Invalid media URL: {shown}: it is not an http or https URL. Use the full URL, including the host."
    )


@pytest.mark.parametrize(
    ("header", "body", "reason"),
    [
        pytest.param(
            None,
            PNG,
            "its content type is missing, so the kind of file is unknown."
            " Send the content type of the file, such as image/jpeg.",
            id="no content type",
        ),
        pytest.param(
            "png",
            PNG,
            "its content type is png, so the kind of file is unknown."
            " Send the content type of the file, such as image/jpeg.",
            id="incomplete content type",
        ),
        pytest.param(
            "image/\r\n x",
            PNG,
            "its content type is image/ x, so the kind of file is unknown."
            " Send the content type of the file, such as image/jpeg.",
            id="folded content type",
        ),
        pytest.param(
            "image/" + "x" * 95,
            PNG,
            f"its content type is image/{'x' * 51}..., so the kind of file is unknown."
            " Send the content type of the file, such as image/jpeg.",
            id="long content type",
        ),
        pytest.param(
            "binary/octet-stream",
            PNG,
            "its content type is binary/octet-stream, but its bytes are those of image/png."
            " Send the right content type, or the right file.",
            id="default type of a storage bucket",
        ),
        pytest.param(
            "text/html; charset=utf-8",
            HTML,
            "it is an HTML page (text/html), not a media file."
            " Use the URL of the file itself, not of a page that shows it or asks for a login.",
            id="HTML page",
        ),
        pytest.param(
            "application/x-msdownload",
            b"MZ",
            "it is a program (application/x-msdownload), not a media file. Send a link to it in the text.",
            id="program",
        ),
        pytest.param("image/png", b"", "it is empty. Does the server send the file?", id="empty"),
        pytest.param(
            "image/png",
            JPEG,
            "its content type is image/png, but its bytes are those of image/jpeg."
            " Send the right content type, or the right file.",
            id="another picture",
        ),
        pytest.param(
            "image/jpeg",
            b"\n " + HTML,
            "its content type is image/jpeg, but its bytes are those of text/html."
            " Send the right content type, or the right file.",
            id="HTML page as a picture",
        ),
        pytest.param(
            "image/gif",
            b"picture",
            "its content type is image/gif, but its bytes do not match it."
            " Send the right content type, or the right file.",
            id="not a picture",
        ),
        pytest.param(
            "application/pdf",
            MP4,
            "its content type is application/pdf, but its bytes are those of video/mp4."
            " Send the right content type, or the right file.",
            id="video as a PDF",
        ),
    ],
)
def test_content_type_that_does_not_match_is_refused(site: Site, header: str | None, body: bytes, reason: str) -> None:
    """Twilio refuses it too; the message names the URL, the reason and the remedy."""
    site.publish("/media?a=b", header, body)
    url = site.url("/media?a=b", userinfo="me:secret@")

    assert refused(lambda: FETCHER.fetch(url)) == f"Invalid media URL: {site.url('/media?a=b')}: {reason}"


@pytest.mark.parametrize("status", [304, 400, 401, 403, 404, 500])
def test_response_without_success_is_refused(site: Site, status: int) -> None:
    """A body that comes with an error is not the file."""
    url = site.publish("/media", "image/png", PNG if status != 304 else b"", status=status)

    assert refused(lambda: FETCHER.fetch(url)) == (
        f"Invalid media URL: {url}: it answers {status}. Open it yourself: it must answer 200."
    )


def test_server_that_is_not_running_is_named(site: Site) -> None:
    """This is the most common mistake on a developer's machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as gone:
        port = gone.server_address[1]

    assert refused(lambda: FETCHER.fetch(f"http://127.0.0.1:{port}/cat.png")) == (
        f"Invalid media URL: http://127.0.0.1:{port}/cat.png: there is no response: no connection to 127.0.0.1:"
        " Connection refused. Is the file server running at this address?"
    )


def test_connection_error_without_a_message_is_named_by_its_class() -> None:
    """Some exceptions have no message."""

    def broken(request: OutgoingRequest) -> WebhookResponse:
        raise ConnectionResetError

    message = refused(lambda: MediaFetcher(broken).fetch("http://localhost/cat.png"))

    assert "there is no response: ConnectionResetError." in message


def in_process(content_type: str, body: bytes) -> MediaFetcher:
    """Make a fetcher for a site in this process with one file."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", content_type)])
        return [body]

    return MediaFetcher(WsgiTransport(application))


def accepted(content_type: str, body: bytes) -> bool:
    """Return whether bytes are accepted with a content type."""
    try:
        media = in_process(content_type, body).fetch("http://localhost/media")
    except ApiError:
        return False
    return media.content == body


FILES = st.sampled_from([(kind, start) for kind, starts in BEGINNINGS.items() for start in starts])


@given(FILES, st.binary(max_size=50), st.sampled_from(sorted(BEGINNINGS)), st.sampled_from(["", "; q=1", " ;a"]))
def test_header_and_bytes_must_match(file: tuple[str, bytes], rest: bytes, header: str, parameters: str) -> None:
    """A file is accepted with its own content type, and refused with any other."""
    kind, start = file

    assert sniff(start + rest)[0] == kind
    assert accepted(header.upper() + parameters, start + rest) is (header == kind)


@given(st.binary(min_size=1) | st.tuples(FILES, st.binary()).map(lambda made: made[0][1] + made[1]))
def test_picture_must_begin_like_its_type(body: bytes) -> None:
    """For the three types that Twilio converts, unknown bytes are refused like those of another type."""
    for kind in ("image/gif", "image/png", "image/jpeg"):
        assert accepted(kind, body) is body.startswith(BEGINNINGS[kind])


@given(st.binary(max_size=100))
def test_unknown_bytes_are_accepted_with_other_types(body: bytes) -> None:
    """Twilio accepts many types without checking the bytes."""
    assert accepted("text/csv", b"name," + body)


@given(st.text(max_size=40) | st.text(max_size=40).map("http://localhost/{}".format))
def test_any_string_is_fetched_or_refused(url: str) -> None:
    """A MediaUrl comes from a program, and must never cause an internal error."""
    try:
        result = in_process("image/png", PNG).fetch(url).content_type
    except ApiError as error:
        result = f"{error.code} {error.message}"

    assert result.startswith("image/") or re.match("21620 Invalid media URL: .*: .*", result, re.DOTALL)
