"""Fixtures for the tests of the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.emulators import NUMBER, PASSWORD, started
from tests.cli.projects import CREDENTIALS, HANDLERS, Project
from tests.servers import ROOT, gunicorn
from twiml_app.app import create_app
from twiml_app.testing import Phone


@pytest.fixture(scope="session")
def example_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example application, without the developer's .env file and journal."""
    folder = tmp_path_factory.mktemp("example")
    for name in ("handlers", "templates"):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture(autouse=True)
def project_folder(example_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run the commands in the folder of a project, with a journal that is not in it."""
    monkeypatch.setenv("TWIML_DATABASE_URL", f"sqlite:///{tmp_path}/journal/twiml.db")
    before = Path.cwd()
    os.chdir(example_folder)
    yield
    os.chdir(before)


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Phone:
    """Return a phone that texts a project in a temporary folder, in which the commands run."""
    module = f"handlers_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(HANDLERS)
    os.chdir(tmp_path)
    monkeypatch.setenv("TWIML_CREDENTIALS", CREDENTIALS)
    monkeypatch.setenv("TWIML_HANDLERS", module)
    return Phone(create_app())


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Yield a project with recorded exchanges in its journal."""
    made = Project(tmp_path)
    sys.path.insert(0, str(tmp_path))
    made.record()
    yield made
    sys.path[:] = [folder for folder in sys.path if folder != str(tmp_path)]
    del sys.modules[made.module]


@pytest.fixture
def emulator() -> Iterator[str]:
    """Yield the URL of an emulator with a stepped clock and without any number."""
    with started("--clock", "step") as process:
        yield process.url


@pytest.fixture(scope="module")
def program() -> Iterator[str]:
    """Serve the example application with gunicorn, and yield its Message URL with credentials."""
    settings = {"TWIML_CREDENTIALS": f"sms:{PASSWORD}", "TWIML_DATABASE_URL": "off"}
    with gunicorn(settings) as url:
        yield url.replace("://", f"://sms:{PASSWORD}@") + "/message"


@pytest.fixture
def texted(program: str) -> Iterator[str]:
    """Yield the URL of an emulator with one number, which the example application answers."""
    with started("--clock", "step", "--number", f"{NUMBER}={program}") as process:
        yield process.url
