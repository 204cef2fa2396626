"""``new``: create a project in a folder."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from tests.cli.command_line import run
from tests.file_modes import mode_of, run_with_umask


def test_new_makes_a_project_with_credentials_of_its_own(tmp_path: Path) -> None:
    """Only their owner may read the credentials, and a folder that is in use must not be changed."""
    folder = tmp_path / "my-number"

    first, second = run("new", str(folder)), run("new", str(folder))

    assert (first.exit_code, "twiml-app dev --open" in first.output) == (0, True)
    assert (second.exit_code, "is not empty" in second.stderr) == (1, True)
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in folder.iterdir()) == [
        ".env",
        ".gitignore",
        "Makefile",
        "README.md",
        "gunicorn.conf.py",
        "handlers",
        "requirements-dev.txt",
        "requirements.txt",
        "templates",
        "tests",
        "wsgi.py",
    ]


def test_credentials_are_private_whatever_the_umask_is(tmp_path: Path) -> None:
    """Some images and shells run with a umask of 0."""
    code = "from twiml_app.cli import main\nmain(['new', *sys.argv[1:]])"
    run_with_umask(0, code, str(tmp_path / "my-number"))

    assert mode_of(tmp_path / "my-number" / ".env") == 0o600


def test_each_project_has_its_own_credentials(tmp_path: Path) -> None:
    """A password that every project shared would protect none of them."""
    for name in ("one", "two"):
        run("new", str(tmp_path / name))

    passwords = [(tmp_path / name / ".env").read_text() for name in ("one", "two")]

    assert all(re.fullmatch(r"TWIML_CREDENTIALS=twilio:[\w-]{32}\n", line) for line in passwords)
    assert passwords[0] != passwords[1]


def test_folder_that_cannot_be_created_is_one_line(tmp_path: Path) -> None:
    """The most likely cause is a file with the name of a parent folder."""
    (tmp_path / "file").touch()

    result = run("new", str(tmp_path / "file" / "project"))

    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert "Error: " in result.stderr
    assert "file/project" in result.stderr


def test_file_in_place_of_the_folder_is_one_line(tmp_path: Path) -> None:
    """A typo must not end in a traceback."""
    (tmp_path / "file").touch()
    result = run("new", str(tmp_path / "file"))

    assert (result.exit_code, result.stderr.startswith("Error: cannot create ")) == (1, True)


def test_empty_folder_is_filled(tmp_path: Path) -> None:
    """The folder may have been created first."""
    result = run("new", str(tmp_path))

    assert result.exit_code == 0
    assert (tmp_path / "tests" / "test_hello.py").is_file()


def test_compiled_files_of_the_package_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installer compiles the files of the scaffold, and compiled files do not belong in a project."""
    scaffold = tmp_path / "scaffold"
    (scaffold / "handlers" / "__pycache__").mkdir(parents=True)
    (scaffold / "handlers" / "__pycache__" / "hello.cpython-311.pyc").touch()
    (scaffold / "handlers" / "hello.py").touch()
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)

    run("new", str(tmp_path / "project"))

    assert [path.name for path in (tmp_path / "project" / "handlers").iterdir()] == ["hello.py"]
