"""Fixtures for the tests of messages that the program sends first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journal.conftest import connections, program
from tests.memory_folder import tmp_path
from tests.postgres_server import new_schema
from tests.sending.bot import Bot, serving

__all__ = ["connections", "database_url", "program", "tmp_path"]


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, of each kind; how events are claimed makes no difference here."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/twiml.db"
    return new_schema(request.getfixturevalue("postgres_url"))


@pytest.fixture
def bot(database_url: str) -> Iterator[Bot]:
    """Yield a bot on an empty journal of each kind."""
    with serving(database_url) as bot:
        yield bot


@pytest.fixture
def local_bot(tmp_path: Path) -> Iterator[Bot]:
    """Yield a bot whose journal is in SQLite, where the store makes no difference."""
    with serving(f"sqlite:///{tmp_path}/twiml.db") as bot:
        yield bot


@pytest.fixture
def mute_bot(database_url: str) -> Iterator[Bot]:
    """Yield a bot without a public URL, so that nobody reports how its messages fare."""
    with serving(database_url, TWIML_PUBLIC_URL="") as bot:
        yield bot
