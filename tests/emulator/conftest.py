"""Fixtures that several tests of the emulator share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.emulator.network import Network


@pytest.fixture
def network() -> Iterator[Network]:
    """The parts around a delivery, with today's rules."""
    network = Network()
    with closing(network.store):
        yield network
