"""Fixtures for the tests of sending."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres_server import new_schema
from tests.sending.bot import Bot, serving


@pytest.fixture(params=["sqlite", "postgres"])
def journal_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, of each kind that the journal supports."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/twiml.db"
    return new_schema(request.getfixturevalue("postgres_url"))


@pytest.fixture
def bot(journal_url: str) -> Iterator[Bot]:
    """Yield a bot on an empty journal of each kind."""
    with serving(journal_url) as bot:
        yield bot


@pytest.fixture
def local_bot(tmp_path: Path) -> Iterator[Bot]:
    """Yield a bot whose journal is in SQLite, where the store makes no difference."""
    with serving(f"sqlite:///{tmp_path}/twiml.db") as bot:
        yield bot


@pytest.fixture
def mute_bot(journal_url: str) -> Iterator[Bot]:
    """Yield a bot without a public URL, so that nobody reports how its messages fare."""
    with serving(journal_url, TWIML_PUBLIC_URL="") as bot:
        yield bot
