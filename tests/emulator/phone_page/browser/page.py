"""What tests do with the phone page."""

from __future__ import annotations

from base64 import b64decode

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

#: A picture of one pixel.
PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mP4DwABAQEAHLCMmQAAAABJRU5ErkJggg==")


def write(page: Page, text: str) -> None:
    """Write a text in the composer and send it by the Enter key."""
    page.get_by_label("Text from this phone").fill(text)
    page.keyboard.press("Enter")


def violations(page: Page) -> list[str]:
    """Return what axe finds, with the elements."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]
