"""Fixtures for the tests of messages that the program sends first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journal.conftest import connections, program
from tests.memory_folder import tmp_path
from tests.postgres_server import new_schema

__all__ = ["connections", "database_url", "program", "tmp_path"]


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, of each kind; how events are claimed makes no difference here."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/twiml.db"
    return new_schema(request.getfixturevalue("postgres_url"))
