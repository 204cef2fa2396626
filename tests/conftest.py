"""What every test stands on: an environment without the developer's settings, and samples of real traffic."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.postgres_server import new_schema, postgres_server

pytest_plugins = ["pytester", "tests.slowest_files"]

# How long an example takes says nothing on a machine that others use as well.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

for name in [name for name in os.environ if name.startswith(("TWIML_", "TWILIO_")) or name == "SECRET_KEY"]:
    del os.environ[name]


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL for this run."""
    with tempfile.TemporaryDirectory(prefix="twiml-pg-") as folder, postgres_server(Path(folder)) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind that there is a store for."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/twiml.db"
    return new_schema(request.getfixturevalue("postgres_url"))
