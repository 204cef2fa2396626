"""``twiml-app check --chaos``: what it prints of right and wrong programs, and what it needs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.chaos.recordings import record
from tests.cli.command_line import SETTINGS, run

PROGRAM = """
from twiml_app import InboundMessage, Router

router = Router()
names = {}


@router.message("my name is <name>")
def keep(message: InboundMessage, name: str) -> str:
    names[message.contact] = name
    return "Hello!"


@router.default
def greet(message: InboundMessage) -> str:
    return f"Hi {names.get(message.contact, 'stranger')}"


routers = [router]
"""
CONFIGURED = """
from flask import Flask

from twiml_app import Router
from twiml_app.app import Twiml

router = Router()
router.default(lambda message: "hello")
app = Flask(__name__)
app.config.update(TWIML_CREDENTIALS="sms:quite-long-enough", TWIML_DATABASE_URL="sqlite:///its-own.db")
Twiml(app, router=router)
"""


@pytest.fixture
def project(tmp_path: Path) -> dict[str, str | None]:
    """A project in the working directory, and its settings."""
    module = f"chaotic_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(PROGRAM)
    os.chdir(tmp_path)
    return {**SETTINGS, "TWIML_HANDLERS": module, "TWIML_DATABASE_URL": f"sqlite:///{tmp_path}/real.db"}


def test_program_that_forgets_is_found_with_what_to_do(project: dict[str, str | None], tmp_path: Path) -> None:
    """Two processes serve it, and only one of them knows the name; the journal of the project stays as it is."""
    record(tmp_path / "tests/recordings/names.jsonl", "my name is Ann", "hi")

    result = run("check", "--chaos", "--yes", environment=project)

    assert result.exit_code == 1
    assert result.stdout.startswith(
        "conversation  fault    seen\n"
        'names         restart  text 2 "hi" got "Hi stranger" instead of "Hi Ann"\n'
        "\n"
        "What to do:\n"
        "  restart:\n"
        "    keep state in `conversation` or a dialog, which are stored with the answer\n"
        "\n"
        "Not applicable:\n"
    )
    assert "  text-parts: no text has several segments\n" in result.stdout
    assert result.stdout.endswith("\n1 conversation, 15 runs, 1 went wrong\n")
    assert "this runs the handlers for real: API http://127.0.0.1:" in result.stderr
    assert not (tmp_path / "real.db").exists()


def test_program_that_survives_passes(project: dict[str, str | None], tmp_path: Path) -> None:
    """In JSON too, with what was not tried."""
    file = record(tmp_path / "hello.jsonl", "hi")

    result = run("check", "--chaos", "--recording", str(file), "--yes", "--json", environment=project)

    printed = json.loads(result.stdout)
    assert (result.exit_code, printed["conversations"], printed["wrong"]) == (0, 1, [])
    assert printed["tried"] + len(printed["not_tried"]) == 32
    assert {"conversation": "hello", "fault": "text-parts", "reason": "no text has several segments"} in printed[
        "not_tried"
    ]


def test_without_recordings_it_says_how_to_make_one(project: dict[str, str | None]) -> None:
    """A new project has none, and a check that tries nothing must not pass."""
    result = run("check", "--chaos", environment=project)

    assert (result.exit_code, result.stdout) == (2, "")
    recipe = "TWIML_DATABASE_URL=sqlite:///instance/dev.db twiml-app journal export tests/recordings/orders.jsonl"
    assert f"{recipe} --since 1d\n" in result.stderr


def test_application_with_a_journal_of_its_own_is_refused(project: dict[str, str | None], tmp_path: Path) -> None:
    """The trials would fill it with made-up conversations."""
    (tmp_path / "with_a_journal.py").write_text(CONFIGURED)
    file = record(tmp_path / "hello.jsonl", "hi")

    result = run("check", "--chaos", "--recording", str(file), "--app", "with_a_journal", environment=project)

    assert result.exit_code == 1
    assert "with_a_journal: its configuration names a journal, which --chaos would fill" in result.stderr


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        pytest.param(("--recording", "a.jsonl"), "--recording needs --chaos", id="a recording for nothing"),
        pytest.param(("--chaos", "--conversations"), "--chaos is a check of its own", id="two checks"),
    ],
)
def test_option_without_effect_is_refused(
    project: dict[str, str | None], tmp_path: Path, options: tuple[str, ...], complaint: str
) -> None:
    """It hides a mistake."""
    record(tmp_path / "a.jsonl", "hi")

    result = run("check", *options, environment=project)

    assert (result.exit_code, complaint in result.stderr) == (2, True)
