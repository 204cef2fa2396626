"""The modules of ``twiml_app`` as the architecture tests read them: their files and their imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.architecture.order import ORDER
from tests.servers import ROOT

PACKAGE = "twiml_app"
FILES = sorted(
    path
    for path in (ROOT / PACKAGE).rglob("*.py")
    if "scaffold" not in path.parts
    and path.relative_to(ROOT / PACKAGE).as_posix() not in ("__init__.py", "__main__.py")
)


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_bytes())


def part_of(path: Path) -> str:
    """Return the package or top-level module that a file belongs to."""
    return path.relative_to(ROOT / PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Yield the full names of all modules and objects that a file imports, anywhere in the file."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            outer = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join([*outer, *filter(None, [node.module])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> set[str]:
    """Return the packages and modules that a file imports, except its own.

    Names imported from ``twiml_app`` itself count as ``twiml_app``, which is below all of them.
    """
    inside = [name.split(".")[1:2] for name in imported(path) if name.split(".")[0] == PACKAGE]
    return {part if part in ORDER else PACKAGE for part in map("".join, inside)} - {part_of(path)}
