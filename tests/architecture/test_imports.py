"""The import order: who imports whom, and what comes along with the package."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import twiml_app
from tests.architecture.order import INSIDE, ORDER
from tests.architecture.sources import FILES, PACKAGE, imported, own_imports, part_of
from tests.servers import ROOT, clean_environment

WITH_FLASK = {"app", "testing", "plugin", "cli"}


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in FILES])
def test_module_imports_only_from_above_itself(path: Path) -> None:
    """A part may be deleted or replaced, and the parts above it do not notice."""
    above = set(ORDER[: ORDER.index(part_of(path))])

    assert own_imports(path) - above == set()


def test_every_module_is_in_the_order() -> None:
    """A module that is not listed follows no rule."""
    assert {part_of(path) for path in FILES} == set(ORDER)
    assert len(ORDER) == len(set(ORDER))
    assert {path.name for path in (ROOT / PACKAGE).iterdir() if (path / "__init__.py").exists()} == set(INSIDE)


@pytest.mark.parametrize("package", INSIDE)
def test_packages_have_an_order_inside_too(package: str) -> None:
    """Whoever opens a package can read it from the top of the list."""
    names = INSIDE[package]
    prefix = f"{PACKAGE}.{package}."
    paths = {
        ".".join(path.relative_to(ROOT / PACKAGE / package).with_suffix("").parts): path
        for path in FILES
        if part_of(path) == package and path.name != "__init__.py"
    }

    assert set(paths) == set(names)
    for name, path in paths.items():
        inside = {full.removeprefix(prefix) for full in imported(path) if full.startswith(prefix)}
        needed = {known for known in names for each in inside if each == known or each.startswith(f"{known}.")}
        assert needed - set(names[: names.index(name)]) - {name} == set(), name


@pytest.mark.parametrize("package", INSIDE)
def test_other_packages_use_only_the_public_names(package: str) -> None:
    """What ``__init__`` does not export can change without a look at the rest."""
    exported = {f"{PACKAGE}.{package}.{name}" for name in importlib.import_module(f"{PACKAGE}.{package}").__all__}
    used = {
        name
        for path in FILES
        if part_of(path) != package
        for name in imported(path)
        if name.startswith(f"{PACKAGE}.{package}.")
    }

    assert used - exported == set()


def test_flask_is_imported_only_by_what_serves_it() -> None:
    """The core runs under any server, and in any test."""
    importing = {part_of(path) for path in FILES if any(name.split(".")[0] == "flask" for name in imported(path))}

    assert importing <= WITH_FLASK


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a statement loads in a fresh interpreter."""
    source = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, env=clean_environment(), capture_output=True, check=True
    )
    return set(done.stdout.decode().split())


@pytest.mark.parametrize(
    "statement",
    [pytest.param("import twiml_app", id="package"), pytest.param("import twiml_app.receiver", id="receiver")],
)
def test_handlers_load_neither_server_nor_database(statement: str) -> None:
    """Handlers and their tests start in no time, and run where Flask is not."""
    loaded = loaded_by(statement)

    assert PACKAGE in loaded
    assert loaded.isdisjoint({"flask", "werkzeug", "sqlite3", "psycopg", "regex"})


def test_emulator_does_not_import_the_program_that_it_calls() -> None:
    """It plays only Twilio's side: the two meet over HTTP, so that a mistake is not made on both sides."""
    receiving = {"routing", "receiver", "recordings", "journal", "app"}
    emulator = [path for path in FILES if part_of(path) == "emulator"]

    assert emulator
    assert {name for path in emulator for name in own_imports(path) & receiving} == set()


def test_what_is_exported_is_what_is_listed() -> None:
    """The list is the promise; nothing else may be relied upon."""
    exported = [
        name
        for name, value in vars(twiml_app).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    ]

    assert twiml_app.__all__ == sorted(exported)
