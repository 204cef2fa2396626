"""The store that a database URL names."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.webhook_requests import BASIC, read_settings
from twiml_app.errors import ConfigurationError
from twiml_app.journal import Engine, open_engine, sqlite_path


def open_url(url: str, root: Path) -> Engine | None:
    """Open the engine of a database URL."""
    return open_engine(read_settings(BASIC, TWIML_DATABASE_URL=url), root)


def test_off_means_no_journal(tmp_path: Path) -> None:
    """A project may run without one."""
    assert open_url("off", tmp_path) is None


@pytest.mark.parametrize(
    ("url", "path"),
    [
        pytest.param("sqlite:///twiml.db", "/project/twiml.db", id="in the project"),
        pytest.param("sqlite:///data/twiml.db", "/project/data/twiml.db", id="in a folder of the project"),
        pytest.param("sqlite:////var/lib/twiml.db", "/var/lib/twiml.db", id="absolute"),
    ],
)
def test_sqlite_file_is_relative_to_the_project(url: str, path: str) -> None:
    """The journal must be the same one, whatever folder the process was started in."""
    assert sqlite_path(url, "/project") == Path(path)


def test_sqlite_file_is_created_when_it_is_first_used(tmp_path: Path) -> None:
    """A command that only creates the application leaves no files behind."""
    engine = open_url("sqlite:///data/twiml.db", tmp_path)
    assert engine
    before = [*tmp_path.iterdir()]
    engine.check()
    engine.close()

    assert before == []
    assert (tmp_path / "data" / "twiml.db").is_file()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_postgres_is_connected_when_it_is_first_used(tmp_path: Path, scheme: str) -> None:
    """The application starts although its database is still down."""
    engine = open_url(f"{scheme}://127.0.0.1:1/nowhere", tmp_path)

    assert engine
    assert engine.store.owner == 0


def test_missing_driver_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver is optional, so its absence is a configuration mistake and not a crash."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "twiml_app.journal.postgres", raising=False)

    with pytest.raises(ConfigurationError, match=r"TWIML_DATABASE_URL: .* pip install 'twiml-app\[postgres\]'"):
        open_url("postgresql://127.0.0.1/twiml", tmp_path)
