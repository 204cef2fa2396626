"""The architecture page is compared with the code: its table, the edges of its drawings, and where it says to look."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import pytest

from tests.architecture.flow import MODULES, definitions, handed, used
from tests.architecture.order import ORDER
from tests.architecture.sources import FILES, PACKAGE, own_imports, part_of
from tests.servers import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text()
#: The text under each heading.
SECTIONS = dict(section.split("\n", 1) for section in PAGE.split("\n## ")[1:])
DRAWINGS = [
    "A webhook through the receiver",
    "A REST call through the emulator",
    "An inbound text through the emulator",
]
#: The modules that make the parts of the others and hand them to each other.
ASSEMBLERS = ("assembly", "app", "emulator.parts", "emulator.phone_page.assembly", "emulator.emulator")
_BRANCH = re.compile(r"((?:│   |    )*)[├└]([─~])> ([\w.]+)(?: {2,}\S.*)?")
_ROOT = re.compile(r"([\w.]+) {2,}\S.*")


class Edge(NamedTuple):
    """One arrow of a drawing."""

    source: str
    #: ``─`` for a use, ``~`` for a call through what was handed over.
    kind: str
    target: str


def block_of(heading: str) -> list[str]:
    """Return the lines of the drawing under a heading."""
    before, _, rest = SECTIONS[heading].partition("```text\n")
    assert rest, before
    return rest.partition("```")[0].splitlines()


def edges_of(heading: str) -> Iterator[Edge]:
    """Yield the arrows of a drawing: a branch comes from the last line that is one step further left."""
    first, *branches = block_of(heading)
    root = _ROOT.fullmatch(first)
    assert root, first
    path = [root[1]]
    for line in branches:
        branch = _BRANCH.fullmatch(line)
        assert branch, line
        depth = len(branch[1]) // 4 + 1
        assert depth <= len(path), line
        path[depth:] = [branch[3]]
        yield Edge(path[depth - 1], branch[2], branch[3])


def drawn_modules(heading: str) -> set[str]:
    """Return the modules of a drawing."""
    return {module for edge in edges_of(heading) for module in (edge.source, edge.target)}


def test_table_lists_the_packages_in_their_order() -> None:
    """A map that lacks a package is worse than none."""
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", SECTIONS["Packages and their order"], re.MULTILINE)

    assert [name for name, _ in rows] == list(ORDER)


def reachable(imported: dict[str, set[str]], part: str) -> set[str]:
    """Return what a part imports, directly or through others."""
    direct = imported[part]
    return direct.union(*(reachable(imported, each) for each in direct))


def test_drawing_of_the_packages_has_every_import_that_follows_from_no_other() -> None:
    """Each drawn import exists, and each import is drawn or follows from a chain of drawn ones."""
    drawn = {
        source: set(targets.split(", "))
        for source, targets in (re.split(" +-> ", line) for line in block_of("Packages and their order"))
    }
    imported: dict[str, set[str]] = {part: set() for part in ORDER}
    for path in FILES:
        imported[part_of(path)] |= own_imports(path) - {PACKAGE}
    needed = {
        part: {each for each in direct if not any(each in reachable(imported, other) for other in direct)}
        for part, direct in imported.items()
        if direct
    }

    assert drawn == needed


@pytest.mark.parametrize("heading", DRAWINGS)
def test_drawing_names_modules_that_exist(heading: str) -> None:
    """A name that is gone sends the reader looking for it."""
    assert drawn_modules(heading) - set(MODULES) == set()


@pytest.mark.parametrize("heading", DRAWINGS)
def test_drawing_has_exactly_the_uses_between_its_modules(heading: str) -> None:
    """An arrow that the code does not have misleads, and so does one that is missing."""
    modules = drawn_modules(heading)
    drawn = {(edge.source, edge.target) for edge in edges_of(heading) if edge.kind == "─"}

    assert drawn == {(module, other) for module in modules for other in used(module) & modules}


@pytest.mark.parametrize("heading", DRAWINGS)
def test_drawing_has_exactly_what_is_handed_over_between_its_modules(heading: str) -> None:
    """A module that calls another without importing it cannot be followed by reading its imports."""
    modules = drawn_modules(heading)
    drawn = {(edge.source, edge.target) for edge in edges_of(heading) if edge.kind == "~"}

    assert drawn == {
        (module, other)
        for assembler in ASSEMBLERS
        for module, other in handed(assembler)
        if {module, other} <= modules and other not in used(module)
    }


@pytest.mark.parametrize("heading", DRAWINGS)
def test_drawing_shows_no_arrow_twice(heading: str) -> None:
    """The edges of a module are drawn in one place, so that a change has one place too."""
    edges = sorted(edges_of(heading))

    assert [one for one, other in pairwise(edges) if one == other] == []


def names_in(module: str) -> set[str]:
    """Return what a module defines, and the methods of its classes."""
    found = definitions(module)
    methods = {
        f"{name}.{each.name}"
        for name, node in found.items()
        if isinstance(node, ast.ClassDef)
        for each in node.body
        if isinstance(each, ast.FunctionDef)
    }
    return {*found, *methods}


PLACES = re.findall(r"^\| (.+\?) \| `([\w.]+)` \| `([\w.]+)` \|$", SECTIONS["Where to find it"], re.MULTILINE)


def test_every_row_of_where_to_find_it_is_read() -> None:
    """A row that is written in another way would not be checked."""
    rows = [line for line in SECTIONS["Where to find it"].splitlines() if line.startswith("| ")]

    assert len(PLACES) == len(rows) - 1 == 14


@pytest.mark.parametrize(("module", "name"), [pytest.param(module, name, id=text) for text, module, name in PLACES])
def test_module_has_what_is_to_be_found_there(module: str, name: str) -> None:
    """A question is answered by a place that exists."""
    assert name in names_in(module)
