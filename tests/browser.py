"""A real browser for tests: an installed Chromium, driven by Playwright, and a record of what a page does wrong."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Route, expect, sync_playwright

#: How long a page may take for anything, in milliseconds.
PATIENCE_MS = 30_000
WIDE = (1280, 800)
#: The screen of a phone.
NARROW = (390, 844)
#: The names that an installed Chromium has.
_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def find_chromium() -> str:
    """Return the path of Chromium.

    Without one, the test is skipped; in CI it fails.
    """
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if not found:
        problem = "no Chromium: install it, for example with apt-get install chromium"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(problem)
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser.

    Close it before tests of another module run: while it is open, its thread counts as one with a running event loop.
    """
    path = find_chromium()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


class Window:
    """A window of a browser that reaches only one site; a context manager, which fails if the page did anything wrong.

    Wrong are errors in the console, exceptions, and requests to another site.
    """

    def __init__(self, browser: Browser, url: str, *, size: tuple[int, int] = WIDE, scheme: str = "light") -> None:
        self.url = url
        self.problems: list[str] = []
        self.context: BrowserContext = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="UTC",
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.route(re.compile(rf"^(?!{re.escape(url)}|data:|blob:)"), self._refuse)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def __enter__(self) -> Page:
        self.page.goto(self.url)
        self.page.wait_for_selector("[data-ready]")
        return self.page

    def __exit__(self, *failure: object) -> None:
        self.context.close()
        if failure[0] is None:
            assert self.problems == []

    def _refuse(self, route: Route, request: Request) -> None:
        self.problems.append(f"the page asked for {request.url}")
        route.abort()

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)


def is_inside(page: Page) -> Any:
    """Return whether the page fits into its window, so that nobody has to scroll sideways."""
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")
