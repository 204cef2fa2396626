"""Fixtures shared by the tests of the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.emulator.media_site import Site, serving_media
from tests.emulator.network import Network
from tests.emulator.program import NUMBER, Program, emulator, say
from twiml_app.emulator import Emulator


@pytest.fixture
def network() -> Iterator[Network]:
    """A delivery and the parts that it needs, with the current profile."""
    network = Network()
    with closing(network.store):
        yield network


@pytest.fixture
def program() -> Iterator[Program]:
    """A program without authentication that answers hello."""
    with Program() as program:
        program.answers("/message", say("hello"))
        yield program


@pytest.fixture
def twilio(program: Program) -> Iterator[Emulator]:
    """An emulator with one number, whose messages are posted to the program."""
    with emulator() as twilio:
        twilio.add_number(NUMBER, program.url("/message"))
        yield twilio


@pytest.fixture
def site() -> Iterator[Site]:
    """A media server whose answers the test sets."""
    with serving_media() as site:
        yield site
