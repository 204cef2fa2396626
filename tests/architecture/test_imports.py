"""The order of the house: who imports whom, and what comes along with the package."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import twiml_app
from tests.architecture.rows import EMULATOR, ROWS
from tests.servers import ROOT, clean_environment

PACKAGE = "twiml_app"
ORDER = [name for _, name in ROWS]
FILES = sorted(
    path
    for path in (ROOT / PACKAGE).rglob("*.py")
    if "scaffold" not in path.parts
    and path.relative_to(ROOT / PACKAGE).as_posix() not in ("__init__.py", "__main__.py")
)
WITH_FLASK = {"app", "testing", "plugin", "cli"}


def module_of(path: Path) -> str:
    """Return the module of the table that a file belongs to; a subpackage is one."""
    return path.relative_to(ROOT / PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Yield the full name of everything that a file imports, wherever in the file: modules, and what is in them."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            outer = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join([*outer, *filter(None, [node.module])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> set[str]:
    """Return the modules of the table that a file imports; the package itself stands below them all."""
    inside = [name.split(".")[1:2] for name in imported(path) if name.split(".")[0] == PACKAGE]
    return {module if module in ORDER else PACKAGE for module in map("".join, inside)} - {module_of(path)}


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in FILES])
def test_module_imports_only_from_above_itself(path: Path) -> None:
    """What stands below may be deleted, or replaced, and what stands above never notices."""
    above = set(ORDER[: ORDER.index(module_of(path))])

    assert own_imports(path) - above == set()


def test_every_module_has_its_place_in_the_table() -> None:
    """A module without a place is under no rule."""
    assert {module_of(path) for path in FILES} == set(ORDER)
    assert len(ORDER) == len(set(ORDER))
    assert [row for row, _ in ROWS] == sorted(row for row, _ in ROWS)


def test_flask_is_imported_by_what_serves_it_alone() -> None:
    """The core runs under any server, and in any test."""
    importing = {module_of(path) for path in FILES if any(name.split(".")[0] == "flask" for name in imported(path))}

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


def test_emulator_knows_nothing_of_the_program_that_it_calls() -> None:
    """It plays Twilio's side alone: the two meet over HTTP, so that a mistake is not made on both sides."""
    receiving = set(ORDER[ORDER.index("patterns") : ORDER.index("calls")]) - {"logs"} | {"journal", "replay", "app"}
    emulator = [path for path in FILES if module_of(path) == "emulator"]

    assert emulator
    assert {name for path in emulator for name in own_imports(path) & receiving} == set()


def test_emulator_is_in_order_inside_too() -> None:
    """It is as big as the rest: who opens it reads it from the top of the list."""
    package = f"{PACKAGE}.emulator."
    paths = {
        ".".join(path.relative_to(ROOT / PACKAGE / "emulator").with_suffix("").parts): path
        for path in FILES
        if module_of(path) == "emulator" and path.name != "__init__.py"
    }

    assert set(paths) == set(EMULATOR)
    for name, path in paths.items():
        inside = {full.removeprefix(package) for full in imported(path) if full.startswith(package)}
        needed = {known for known in EMULATOR for each in inside if each == known or each.startswith(f"{known}.")}
        assert needed - set(EMULATOR[: EMULATOR.index(name)]) - {name} == set(), name


def test_what_is_exported_is_what_is_listed() -> None:
    """The list is the promise; nothing else may be relied upon."""
    exported = [
        name
        for name, value in vars(twiml_app).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    ]

    assert twiml_app.__all__ == sorted(exported)
