"""What most tests of the REST API ask with."""

from __future__ import annotations

import pytest

from tests.emulator.rest.asking import Client
from twiml_app.emulator import Emulator


@pytest.fixture
def client(emulator: Emulator) -> Client:
    """The account of the emulator."""
    return Client(emulator)
