"""Fixtures for the tests of conversations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conversations.program import Counting
from tests.memory_folder import tmp_path

__all__ = ["tmp_path"]


@pytest.fixture(autouse=True)
def connections() -> Iterator[None]:
    """Close every connection when the test is done."""
    yield
    while Counting.made:
        Counting.made.pop().engine.close()


@pytest.fixture
def program(database_url: str) -> Counting:
    """Return a program on an empty journal."""
    return Counting(database_url)
