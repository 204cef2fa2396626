"""A browser, and an application whose phones it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser

from tests.browser import Window, chromium
from tests.emulator.phone_page.browser.page import PNG
from tests.emulator.program import NUMBER
from twiml_app import InboundMessage, Message, Router
from twiml_app.app import build_app
from twiml_app.caller import HttpTransport, RoutedTransport
from twiml_app.emulator import Emulator, EmulatorOptions, Program
from twiml_app.served_app import in_process


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as browser:
        yield browser


def answering(picture: Path) -> Router:
    """Return the handlers of the application; it sends this picture."""
    router = Router()

    @router.message("order <int:count> <item>")
    def order(message: InboundMessage, count: int, item: str) -> str:
        return f"Thanks! {count} {item} will be ready in ten minutes."

    @router.message("crash")
    def crash(message: InboundMessage) -> str:
        raise ValueError("the coffee is out")

    @router.message(media="image/*")
    def receive(message: InboundMessage) -> Message:
        return Message("Here is ours:", media=picture)

    @router.default
    def echo(message: InboundMessage) -> str:
        return message.body

    return router


@pytest.fixture
def application(tmp_path: Path) -> Flask:
    """The application, with real authentication and a journal."""
    picture = tmp_path / "owl.png"
    picture.write_bytes(PNG)
    settings = {"TWIML_CREDENTIALS": "sms:quite-long-enough"}
    return build_app(settings, tmp_path, router=answering(picture))


@pytest.fixture
def start(application: Flask) -> Iterator[Callable[..., Emulator]]:
    """Start an emulator whose number the application answers; its clock is fast."""
    started: list[Emulator] = []

    def start(program: Program | None = None, clock: str = "fast") -> Emulator:
        target, transport = in_process(application)
        routed = RoutedTransport(target.base_url, transport, HttpTransport())
        emulator = Emulator(EmulatorOptions(clock=clock, program=program), transport=routed)
        emulator.add_number(NUMBER, target.webhook("/message").url)
        started.append(emulator.start())
        return emulator

    yield start
    for emulator in started:
        emulator.stop()


@pytest.fixture
def twilio(start: Callable[..., Emulator]) -> Emulator:
    """An emulator without a program that it knows."""
    return start()


@pytest.fixture
def window(browser: Browser, twilio: Emulator) -> Callable[..., Window]:
    """Open a window with the phone page."""
    return lambda **options: Window(browser, f"{twilio.url}/", **options)
