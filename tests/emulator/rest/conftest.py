"""Fixtures for most tests of the REST API: an emulator, and a client with its credentials."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.rest.asking import START, Client
from tests.emulator.rest.counting import counted_sids
from twiml_app.emulator import Emulator, EmulatorOptions

pytest.register_assert_rewrite("tests.emulator.rest.message_forms")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator with the current profile and counted SIDs."""
    with Emulator(EmulatorOptions(start=START), new_sid=counted_sids()) as running:
        yield running


@pytest.fixture
def client(emulator: Emulator) -> Client:
    """A client with the credentials of the emulator's account."""
    return Client(emulator)
