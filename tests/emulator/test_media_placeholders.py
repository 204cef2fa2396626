"""Media on other hosts: not fetched by default, but replaced by a placeholder of the type in the file name."""

from __future__ import annotations

import struct
import zlib

import pytest

from tests.emulator.media_site import OFFLINE, refused
from twiml_app.emulator.content_types import sniff


@pytest.mark.parametrize(
    ("url", "content_type"),
    [
        pytest.param("https://example.com/cat.png", "image/png", id="png"),
        pytest.param("https://example.com/cat.GIF?size=1", "image/gif", id="upper case and query"),
        pytest.param("https://example.com/a/cat%2Ejpeg", "image/jpeg", id="encoded"),
        pytest.param("https://example.com/cat.jpg", "image/jpeg", id="jpg"),
        pytest.param("https://example.com/cat", "image/jpeg", id="no extension"),
        pytest.param("https://example.com", "image/jpeg", id="no path"),
        pytest.param("https://example.com/show.php?id=7", "image/jpeg", id="extension of no media type"),
        pytest.param("https://u:p@example.com:8443/film.mp4", "video/mp4", id="mp4"),
        pytest.param("https://example.com/card.vcf", "text/vcard", id="vcard"),
        pytest.param("https://example.com/bill.pdf", "application/pdf", id="pdf"),
        pytest.param("https://example.com/sticker.webp", "image/webp", id="webp"),
        pytest.param("http://notlocalhost/cat.png", "image/png", id="host that ends like localhost"),
        pytest.param("http://localhost.example.com/cat.png", "image/png", id="host that begins like localhost"),
        pytest.param("http://10.0.0.1/cat.png", "image/png", id="private address"),
    ],
)
def test_type_of_media_on_other_hosts_is_guessed_from_the_name(url: str, content_type: str) -> None:
    """Without a network, a message still gets its media."""
    media = OFFLINE.fetch(url)

    assert media.content_type == content_type
    assert sniff(media.content)[:1] == (
        (content_type,) if content_type in ("image/gif", "image/png", "image/jpeg") else ()
    )
    assert bool(media.content) == (content_type in ("image/gif", "image/png", "image/jpeg"))


def test_placeholders_are_valid_pictures() -> None:
    """A browser would show a broken picture, which would look like a bug in the application."""
    gif, png, jpeg = (OFFLINE.fetch(f"https://example.com/a.{name}").content for name in ("gif", "png", "jpg"))

    assert struct.unpack("<HH", gif[6:10]) == (1, 1)
    assert gif[-1:] == b";"
    assert [name for name, _ in png_chunks(png)] == [b"IHDR", b"IDAT", b"IEND"]
    assert struct.unpack(">II", dict(png_chunks(png))[b"IHDR"][:8]) == (1, 1)
    assert zlib.decompress(dict(png_chunks(png))[b"IDAT"])[1:] == b"\xff"
    assert jpeg_size(jpeg) == (1, 1)
    assert jpeg[-2:] == b"\xff\xd9"


def png_chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Return the chunks of a PNG, after checking their checksums."""
    rest, chunks = png[8:], []
    while rest:
        (length,) = struct.unpack(">I", rest[:4])
        name, data = rest[4:8], rest[8 : 8 + length]
        assert struct.unpack(">I", rest[8 + length : 12 + length]) == (zlib.crc32(name + data),)
        chunks.append((name, data))
        rest = rest[12 + length :]
    return chunks


def jpeg_size(jpeg: bytes) -> tuple[int, int]:
    """Return the height and width of a JPEG, from its frame segment."""
    at = 2
    while jpeg[at : at + 2] != b"\xff\xc0":
        assert jpeg[at] == 0xFF
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    return int.from_bytes(jpeg[at + 5 : at + 7]), int.from_bytes(jpeg[at + 7 : at + 9])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param(
            "https://u:p@example.com/index.html", "it is an HTML page (text/html), not a media file", id="HTML page"
        ),
        pytest.param(
            "https://example.com/run.sh", "it is a program (application/x-sh), not a media file", id="program"
        ),
    ],
)
def test_name_of_another_kind_of_file_is_refused(url: str, reason: str) -> None:
    """Twilio would refuse these files after fetching them."""
    assert refused(lambda: OFFLINE.fetch(url)).startswith(f"Invalid media URL: {url.replace('u:p@', '')}: {reason}. ")
