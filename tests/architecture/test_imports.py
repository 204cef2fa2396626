"""The import order: which modules import which, and what importing the package loads."""

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

WITH_FLASK = {
    *("active_app", "wsgi_response", "lazy_contexts", "media_view", "views", "direct_dispatch", "app"),
    *("handler_errors", "served_app", "testing", "chaos", "plugin", "dev", "cli"),
}


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in FILES])
def test_module_imports_only_from_above_itself(path: Path) -> None:
    """A module can be deleted or replaced without a change to the modules above it."""
    above = set(ORDER[: ORDER.index(part_of(path))])

    assert own_imports(path) - above == set()


def test_every_module_is_in_the_order() -> None:
    """The rules are checked only for listed modules."""
    assert {part_of(path) for path in FILES} == set(ORDER)
    assert len(ORDER) == len(set(ORDER))
    assert {path.name for path in (ROOT / PACKAGE).iterdir() if (path / "__init__.py").exists()} == set(INSIDE)


@pytest.mark.parametrize("package", INSIDE)
def test_modules_of_a_package_have_an_order_too(package: str) -> None:
    """A package can be read in the order of the list."""
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
    """Names that ``__init__`` does not export can change without checking other packages."""
    exported = {f"{PACKAGE}.{package}.{name}" for name in importlib.import_module(f"{PACKAGE}.{package}").__all__}
    used = {
        name
        for path in FILES
        if part_of(path) != package
        for name in imported(path)
        if name.startswith(f"{PACKAGE}.{package}.")
    }

    assert used - exported == set()


def test_flask_is_imported_only_where_it_is_served() -> None:
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
def test_importing_the_package_loads_neither_server_nor_database(statement: str) -> None:
    """Handlers and their tests start quickly, and run without Flask."""
    loaded = loaded_by(statement)

    assert PACKAGE in loaded
    assert loaded.isdisjoint({"flask", "werkzeug", "sqlite3", "psycopg", "regex", "lxml"})


def test_served_application_loads_only_what_it_uses(tmp_path: Path) -> None:
    """A worker starts quickly: what sends, parses XML, or runs async functions is loaded when it is first used."""
    settings = {"TWIML_CREDENTIALS": "tests:quite-long-enough", "TWIML_HANDLERS": "handlers"}
    (tmp_path / "handlers.py").write_text("from twiml_app import Router\nrouter = Router()\nrouters = [router]\n")
    loaded = loaded_by(
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        f"from twiml_app.app import create_app\ncreate_app({settings}, root={str(tmp_path)!r})"
    )

    assert {"flask", "sqlite3"} <= loaded
    assert loaded.isdisjoint({"asyncio", "twilio", "lxml", "psycopg", "prometheus_client", "huey"})


def test_emulator_does_not_import_the_receiver() -> None:
    """It plays only Twilio's side: shared code would make the same mistake on both sides."""
    receiving = {"routing", "receiver", "recordings", "journal", "app"}
    emulator = [path for path in FILES if part_of(path) == "emulator"]

    assert emulator
    assert {name for path in emulator for name in own_imports(path) & receiving} == set()


def test_package_exports_exactly_the_listed_names() -> None:
    """Only names in ``__all__`` are public."""
    exported = [
        name
        for name, value in vars(twiml_app).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    ]

    assert twiml_app.__all__ == sorted(exported)
