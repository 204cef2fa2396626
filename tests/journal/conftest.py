"""Fixtures for the tests of the journal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journal.program import Program
from tests.memory_folder import tmp_path

__all__ = ["tmp_path"]


@pytest.fixture(autouse=True)
def connections() -> Iterator[None]:
    """Close every connection when the test is done."""
    yield
    while Program.made:
        Program.made.pop().engine.close()


@pytest.fixture
def program(database_url: str) -> Program:
    """Return a program on an empty journal."""
    return Program(database_url)
