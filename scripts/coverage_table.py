"""``python -m scripts.coverage_table > docs/coverage.md``: the page of supported features, made from its data.

The data is ``docs/coverage.toml``. It names tests by their function; where each one is, is looked up here.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
DATA = ROOT / "docs" / "coverage.toml"
PAGE = ROOT / "docs" / "coverage.md"
SIDES = ("receiver", "emulator")
ANSWERS = ("yes", "partly", "no")
_INTRODUCTION = """# Coverage

Which of Twilio's messaging features are supported: by the receiver, which answers webhooks, and by the emulator, which
plays Twilio. A dash means that a feature does not concern that side. The last column names the tests that prove each
"yes" and each "partly".

This page is generated from [coverage.toml](coverage.toml) by `python -m scripts.coverage_table > docs/coverage.md`.
"""

Feature = Mapping[str, str]
Tests = Mapping[str, Sequence[str]]


class CoverageError(Exception):
    """The data cannot be made into a page."""


def find_tests(root: Path) -> Tests:
    """Return the files that define each test function, relative to the project."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted((root / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found[node.name].append(path.relative_to(root).as_posix())
    return found


def page(data: Mapping[str, Any], tests: Tests) -> str:
    """Return the page.

    Raises: CoverageError, with every problem: a claim without a test, a test that is not there, or two of one name.
    """
    features = [feature for section in data["section"] for feature in section["feature"]]
    problems = [f"{feature['name']}: {problem}" for feature in features for problem in _problems(feature, tests)]
    if problems:
        raise CoverageError("\n".join(problems))
    lines = [_INTRODUCTION]
    for section in data["section"]:
        lines += [f"## {section['title']}\n", "| feature | receiver | emulator | proved by |", "|---|---|---|---|"]
        lines += [_row(feature, tests) for feature in section["feature"]]
        lines.append("")
    return "\n".join(lines)


def _problems(feature: Feature, tests: Tests) -> Iterator[str]:
    for key in sorted(feature.keys() - {"name", "note", *SIDES}):
        yield f"{key} is not a key: use name, note, {', '.join(SIDES)}"
    for side in feature.keys() & set(SIDES):
        answer, *named = feature[side].split()
        if answer not in ANSWERS:
            yield f"{side} is {answer!r}: give one of {', '.join(ANSWERS)}"
        if (answer == "no") == bool(named):
            yield f"{side} names {len(named)} tests: 'no' has none, the others have at least one"
        for test in named:
            if len(tests.get(test, ())) != 1:
                yield f"{test} is defined {len(tests.get(test, ()))} times: name a test that there is once"


def _row(feature: Feature, tests: Tests) -> str:
    sides = [feature.get(side, "–").split() for side in SIDES]
    answers = " | ".join(answer for answer, *_ in sides)
    proofs = [f"[`{test}`](../{tests[test][0]})" for _, *named in sides for test in named]
    note = f" ({feature['note']})" if "note" in feature else ""
    return f"| {feature['name']}{note} | {answers} | {'<br>'.join(dict.fromkeys(proofs))} |"


if __name__ == "__main__":
    try:
        sys.stdout.write(page(tomllib.loads(DATA.read_text(encoding="utf-8")), find_tests(ROOT)))
    except CoverageError as error:
        sys.exit(str(error))
