"""Fixtures for the tests of work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.memory_folder import tmp_path
from tests.postgres_server import new_schema
from tests.work import programs
from tests.work.programs import Program

__all__ = ["tmp_path"]


@pytest.fixture
def ran() -> Iterator[list[object]]:
    """What ran as work in this test."""
    programs.RAN.clear()
    yield programs.RAN
    programs.RAN.clear()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """A program on an empty journal in SQLite."""
    program = Program(f"sqlite:///{tmp_path}/twiml.db")
    yield program
    program.engine.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "postgres":
        return new_schema(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path}/twiml.db"
