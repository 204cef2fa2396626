"""Which changes of a project make its program load again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dev.projects import save
from tests.servers import ROOT
from twiml_app.dev import keeper
from twiml_app.dev.watcher import Watcher, scan


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with files of all kinds."""
    for name in ("handlers/hello.py", "templates/sms/hello.txt", ".env", "notes.txt", "tests/test_hello.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    for name in ("venv/pyvenv.cfg", "venv/lib/a.py", ".venv/b.py", "instance/c.py", "handlers/__pycache__/d.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    (tmp_path / "gone.py").symlink_to("nowhere.py")
    return tmp_path


@pytest.mark.parametrize(
    "name", ["handlers/hello.py", "handlers/new.py", "wsgi.py", "templates/sms/hello.txt", "templates/new.j2", ".env"]
)
def test_change_of_the_program_is_noticed(root: Path, name: str) -> None:
    """Python files, templates and settings change what it answers; a save may leave the time and size as they are."""
    before = scan(root)
    save(root / name, "2")

    assert scan(root) != before


@pytest.mark.parametrize(
    "name",
    [
        *("notes.txt", "tests/test_hello.py", "tests/new.py", "venv/lib/a.py", ".venv/b.py", "instance/c.py"),
        *("handlers/__pycache__/d.py", "handlers/.env"),
    ],
)
def test_change_of_anything_else_is_not(root: Path, name: str) -> None:
    """A saved test, an installed package or the journal must not interrupt a conversation."""
    before = scan(root)
    save(root / name, "2")

    assert scan(root) == before


def test_files_of_the_program_are_watched_and_installed_ones_are_not(root: Path) -> None:
    """No process stands by that has loaded a package whose files are being changed."""
    watcher = Watcher(root, lambda: None)

    assert watcher.watches(root / "handlers" / "hello.py")
    assert not watcher.watches(root / "venv" / "lib" / "a.py")
    assert Watcher(ROOT, lambda: None).watches(Path(keeper.__file__))


def test_deleted_file_is_noticed_and_a_folder_that_is_gone_is_empty(root: Path) -> None:
    """An editor may replace whole folders while they are read."""
    before = scan(root)
    (root / "handlers" / "hello.py").unlink()

    assert before.keys() - scan(root).keys() == {str(root / "handlers" / "hello.py")}
    assert scan(root / "nowhere") == {}
