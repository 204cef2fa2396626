"""Fixtures that several tests of the emulator share."""

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
    """The parts around a delivery, with today's rules."""
    network = Network()
    with closing(network.store):
        yield network


@pytest.fixture
def program() -> Iterator[Program]:
    """A program that nobody has to log in to, and that says hello."""
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
    """A server of media that answers what it is told to."""
    with serving_media() as site:
        yield site
