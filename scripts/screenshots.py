"""``python -m scripts.screenshots``: renew the pictures of the phone page in ``docs/pictures``; needs Chromium.

The page shows a conversation with the example application, at a fixed time.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright

import handlers
from twiml_app import Router
from twiml_app.app import build_app, state_of
from twiml_app.caller import HttpTransport, OutgoingRequest, RoutedTransport, Transport
from twiml_app.emulator import Emulator, EmulatorOptions, ProgramStatus, ReplayedAnswer
from twiml_app.errors import ConfigurationError
from twiml_app.events import InboundMessage, parse_event
from twiml_app.routing import name_of
from twiml_app.served_app import in_process
from twiml_app.webhook import Form, WebhookResponse

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
NUMBER, CONTACT, OTHERS = "+15017122661", "+15558675310", ("+15558675342", "whatsapp:+15558675309")
#: 2026-11-23 09:41 UTC.
MORNING = 1_795_426_860.0
MAX_BYTES = 150_000


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: its file, its colors, and its size in pixels."""

    name: str
    scheme: str
    width: int
    height: int


ALL = (
    Picture("phone-light.png", "light", 1200, 700),
    Picture("phone-dark.png", "dark", 1200, 700),
    Picture("phone-narrow-light.png", "light", 390, 780),
    Picture("phone-narrow-dark.png", "dark", 390, 780),
)


class Running:
    """A program that runs; it is not run again here."""

    def status(self) -> ProgramStatus:
        """Return the status."""
        return ProgramStatus(state="running", generation=1)

    def watch(self, on_change: Callable[[ProgramStatus], None]) -> None:
        """Do nothing, because the status does not change."""

    def replay(self, recording: str) -> list[ReplayedAnswer]:  # noqa: ARG002 - a protocol
        """Replay nothing.

        Raises: ConfigurationError.
        """
        raise ConfigurationError("replay", "there is nothing to replay")

    def save_test(self, name: str, source: str, recording: str) -> Path:  # noqa: ARG002 - a protocol
        """Save nothing.

        Raises: ConfigurationError.
        """
        raise ConfigurationError("name", "there are no tests")


def main() -> None:
    """Make all pictures."""
    logging.disable(logging.WARNING)
    PICTURES.mkdir(exist_ok=True)
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        sys.exit("no Chromium: install it, for example with apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        with conversation() as twilio:
            for picture in ALL:
                take(browser, twilio.url, picture)
        browser.close()


@contextmanager
def conversation() -> Iterator[Emulator]:
    """Run an emulator in which people have texted the example application."""
    with tempfile.TemporaryDirectory() as folder:
        app = build_app({"TWIML_CREDENTIALS": "sms:only-for-pictures", "TWIML_DATABASE_URL": "off"}, ROOT)
        app.instance_path = folder
        with emulator(app) as twilio:
            for other, text in zip(OTHERS, ("hours", "menu"), strict=True):
                twilio.phone(other).text(text)
                twilio.advance(70)
            talk(twilio)
            yield twilio


def emulator(app: Flask) -> Emulator:
    """Return an emulator whose number the application answers."""
    target, transport = in_process(app)
    numbers = count(0x2F9A11C04E)
    options = EmulatorOptions(start=MORNING, program=Running())
    noted = RoutedTransport(target.base_url, Noting(transport, state_of(app).router), HttpTransport())
    twilio = Emulator(
        options, transport=noted, new_sid=lambda prefix: f"{prefix}{next(numbers) * 0x9E3779B97F4A7C15:032x}"[:34]
    )
    twilio.add_number(NUMBER, target.webhook("/message").url)
    return twilio


class Noting:
    """A transport that adds to each answer which handler ran and how long it took, as ``twiml-app dev`` does."""

    def __init__(self, transport: Transport, router: Router) -> None:
        self._transport = transport
        self._router = router

    def __call__(self, request: OutgoingRequest) -> WebhookResponse:
        """Send a request.

        Raises: OSError.
        """
        started = time.perf_counter()
        response = self._transport(request)
        event = parse_event(Form.read(request.body.decode(), max_fields=100))
        found = self._router.match(event) if isinstance(event, InboundMessage) else None
        if not found or response.status == 401:
            return response
        took = f"{(time.perf_counter() - started) * 1000:.1f}"
        added = (
            ("X-Twiml-Handler", name_of(found.route.handler).removeprefix(f"{handlers.__name__}.")),
            ("X-Twiml-Handler-Ms", took),
        )
        return replace(response, headers=(*response.headers, *added))


def talk(twilio: Emulator) -> None:
    """Have the conversation that the pictures show."""
    phone = twilio.phone(CONTACT)
    phone.text("menu")
    twilio.advance(15)
    phone.text("Order 2 coffee")
    twilio.advance(40)
    phone.will("undelivered", 30005)
    phone.text("hours")
    twilio.advance(5)
    phone.will("delivered")


def take(browser: Browser, url: str, picture: Picture) -> None:
    """Take a picture of the page; the answer to the order is selected where there is room for its story."""
    size = {"width": picture.width, "height": picture.height}
    context = browser.new_context(
        viewport=size,  # type: ignore[arg-type]
        color_scheme=picture.scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("[data-ready] .message")
    if picture.width > 1000:
        select_order(page)
    path = PICTURES / picture.name
    path.write_bytes(page.screenshot())
    context.close()
    if path.stat().st_size > MAX_BYTES:
        sys.exit(f"{path} has more than {MAX_BYTES} bytes: make it smaller")


def select_order(page: Page) -> None:
    """Show what happened to the order."""
    page.locator(".inbound .bubble", has_text="Order 2 coffee").click()
    page.wait_for_selector(".details .step")
    page.mouse.move(0, 0)


if __name__ == "__main__":
    main()
