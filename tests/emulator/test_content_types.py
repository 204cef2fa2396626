"""Content types: their syntax, and which of them match the bytes of a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.emulator.content_types import PAGES, PROGRAMS, is_content_type, plain, sniff


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("image/png", id="usual"),
        pytest.param("Image/PNG", id="upper case"),
        pytest.param("image/svg+xml", id="suffix"),
        pytest.param("application/vnd.openxmlformats-officedocument.presentationml.presentation", id="dots"),
        pytest.param("x/" + "y" * 98, id="100 characters"),
    ],
)
def test_type_and_subtype_are_a_content_type(text: str) -> None:
    """Twilio accepts many types, and a phone may send any of them."""
    assert is_content_type(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("image", id="type only"),
        pytest.param("image/", id="no subtype"),
        pytest.param("/png", id="no type"),
        pytest.param("image/png/x", id="three parts"),
        pytest.param("image/png; q=1", id="parameters"),
        pytest.param("image / png", id="spaces"),
        pytest.param("image/png\n", id="line break at the end"),
        pytest.param("image/png\r\nX-Evil: 1", id="another header"),
        pytest.param("image/é", id="not ASCII"),
        pytest.param("x/" + "y" * 99, id="101 characters"),
    ],
)
def test_anything_else_is_not_a_content_type(text: str) -> None:
    """The type is sent as a header when the file is fetched from the emulator."""
    assert not is_content_type(text)


@pytest.mark.parametrize(
    ("header", "content_type"),
    [
        pytest.param("image/png", "image/png", id="as it is"),
        pytest.param("Text/HTML; charset=UTF-8", "text/html", id="parameters and upper case"),
        pytest.param(" image/gif ;a", "image/gif", id="spaces"),
        pytest.param("IMAGE/JPG", "image/jpeg", id="jpg is jpeg"),
        pytest.param("", "", id="missing"),
        pytest.param("; charset=utf-8", "", id="only parameters"),
    ],
)
def test_header_is_reduced_to_the_type(header: str, content_type: str) -> None:
    """Types are compared, and servers write them in different ways."""
    assert plain(header) == content_type


@given(st.text())
def test_plain_type_stays_the_same(header: str) -> None:
    """The function may be applied to its own result."""
    assert plain(plain(header)) == plain(header)


@pytest.mark.parametrize("content_type", sorted(PAGES | PROGRAMS))
def test_types_in_the_tables_are_plain(content_type: str) -> None:
    """Plain types are looked up in the tables, so any other spelling there would never be found."""
    assert is_content_type(content_type)
    assert plain(content_type) == content_type


@pytest.mark.parametrize(
    ("content", "usual"),
    [
        pytest.param(b"GIF87a", "image/gif", id="GIF 1987"),
        pytest.param(b"GIF89a\x01", "image/gif", id="GIF 1989"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00", "image/png", id="PNG"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg", id="JPEG"),
        pytest.param(b"RIFF\n\x00\x00\x00WEBPVP8L", "image/webp", id="WebP with a line break in its length"),
        pytest.param(b"%PDF-1.7\n", "application/pdf", id="PDF"),
        pytest.param(b"\x00\x00\x00\nftypmp42", "video/mp4", id="MP4 with a line break in its length"),
        pytest.param(b"<!DOCTYPE html>", "text/html", id="HTML page"),
        pytest.param(b"\xef\xbb\xbf\r\n <HTML lang=en>", "text/html", id="HTML page with a byte order mark"),
    ],
)
def test_type_is_detected_from_the_first_bytes(content: bytes, usual: str) -> None:
    """Twilio refuses a file whose bytes contradict its content type."""
    types = sniff(content)

    assert types[0] == usual
    assert [plain(each) for each in types] == list(types)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"GIF88a", id="unknown GIF version"),
        pytest.param(b" \x89PNG\r\n\x1a\n", id="not at the start"),
        pytest.param(b"\x89PNG\n\x1a\n", id="PNG with converted line breaks"),
        pytest.param(b"RIFF\x00\x00\x00\x00WAVE", id="audio in the container of WebP"),
        pytest.param(b"<htmlx>", id="another HTML element"),
        pytest.param(b"BEGIN:VCARD", id="text"),
    ],
)
def test_unknown_bytes_have_no_detected_type(content: bytes) -> None:
    """The declared content type of such a file is trusted."""
    assert sniff(content) == ()


@pytest.mark.parametrize(
    "content_type", ["video/mp4", "video/quicktime", "video/3gpp", "audio/mp4", "audio/3gpp", "image/heic"]
)
def test_mpeg_4_container_may_be_video_audio_or_image(content_type: str) -> None:
    """Phones send all of these, and their first bytes are the same."""
    assert content_type in sniff(b"\x00\x00\x00\x18ftypmp42")
