"""What tests do with the phone page."""

from __future__ import annotations

import struct
import zlib
from base64 import b64decode

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

#: A picture of one pixel.
PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mP4DwABAQEAHLCMmQAAAABJRU5ErkJggg==")


def png(width: int, height: int) -> bytes:
    """Return a black picture of this size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 1) * height))
    parts = [(b"IHDR", head), (b"IDAT", rows), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(data)) + kind + data + _checksum(kind + data) for kind, data in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _checksum(data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data))


def write(page: Page, text: str) -> None:
    """Write a text in the composer and send it by the Enter key."""
    page.get_by_label("Text from this phone").fill(text)
    page.keyboard.press("Enter")


def violations(page: Page) -> list[str]:
    """Return what axe finds, with the elements."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]
