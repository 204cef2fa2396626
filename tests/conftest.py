"""What all tests share: an environment without the developer's settings, and real databases."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from flask import request_started
from hypothesis import HealthCheck, settings

from tests.journal.program import ROWS
from tests.memory_folder import folder_in_memory
from tests.postgres_server import new_schema, postgres_server
from tests.servers import refusing_port

pytest_plugins = ["pytester", "tests.slowest_files"]

# No limits of time: on a busy machine a duration says nothing.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

for name in [name for name in os.environ if name.startswith(("TWIML_", "TWILIO_")) or name == "SECRET_KEY"]:
    del os.environ[name]

# Where it is set, every Python that a test starts compiles the whole program again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A program that nohup or a script's & has started ignores these, and so would all that a test starts and then stops.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Runs of pytest without two plugins that no project needs, and that take longer than most runs to import."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:pytest_cov")
    return pytester


@pytest.fixture(scope="session")
def dead_url() -> Iterator[str]:
    """The base URL of a port that refuses connections."""
    with refusing_port() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL server for this run."""
    with folder_in_memory() as folder, postgres_server(folder) as url:
        yield url


@pytest.fixture(params=["directly", "by Flask's dispatch"], scope="module")
def dispatch(request: pytest.FixtureRequest) -> Iterator[str]:
    """Both ways to the views: somebody who listens to Flask's signals makes every request take the longer one."""
    with nullcontext() if request.param == "directly" else request_started.connected_to(lambda *_args, **_kwargs: None):
        yield request.param


@pytest.fixture(params=["sqlite", "sqlite with claims as rows", "postgres"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database, of each kind that the journal supports."""
    if request.param == "postgres":
        yield new_schema(request.getfixturevalue("postgres_url"))
        return
    rows = "" if request.param == "sqlite" else ROWS
    with folder_in_memory() as folder:
        yield f"{rows}sqlite:///{folder}/twiml.db"
