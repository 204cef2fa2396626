"""What the program prints does not disturb the results of the commands that run it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.chaos.recordings import record
from tests.cli.command_line import SETTINGS, run

PROGRAM = """
from twiml_app import Router

print("loaded")
router = Router()


def wanted(message):
    print("asked")
    return True


@router.message(when=wanted)
def answer(message):
    print("handled")
    return "Hello!"


routers = [router]
"""


@pytest.fixture
def talkative(tmp_path: Path) -> dict[str, str | None]:
    """The settings of a program that prints, in the working directory, with a recording."""
    module = f"talkative_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(PROGRAM)
    record(tmp_path / "tests/recordings/hello.jsonl", "hi")
    os.chdir(tmp_path)
    return {**SETTINGS, "TWIML_HANDLERS": module, "TWIML_DATABASE_URL": f"sqlite:///{tmp_path}/twiml.db"}


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        pytest.param(["routes"], {"loaded"}, id="routes"),
        pytest.param(["check"], {"loaded"}, id="check"),
        pytest.param(["match", "hi"], {"loaded", "asked"}, id="match"),
        pytest.param(["simulate", "hi"], {"loaded", "asked", "handled"}, id="simulate"),
        pytest.param(["replay", "tests/recordings/hello.jsonl"], {"loaded", "asked", "handled"}, id="replay"),
        pytest.param(["check", "--chaos", "--yes"], {"loaded"}, id="chaos"),
    ],
)
def test_what_the_program_prints_is_not_in_the_result(
    talkative: dict[str, str | None], arguments: list[str], printed: set[str]
) -> None:
    """Handlers are tried with prints in them; chaos would show each print a hundred times."""
    plain, as_json = (run(*arguments, *more, environment=talkative) for more in ([], ["--json"]))

    assert json.loads(as_json.stdout)
    assert printed <= set(as_json.stderr.split()) | set(plain.stderr.split())
    assert not {"loaded", "asked", "handled"} & set(plain.stdout.splitlines())
    assert as_json.stderr.splitlines().count("handled") == ("handled" in printed)
