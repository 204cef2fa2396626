"""``replay`` and ``simulate`` run real handlers: they say so first, and ask on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command_line import SETTINGS
from tests.cli.projects import Project, served
from tests.recordings.exchanges import exchange
from tests.servers import clean_environment
from twiml_app.recordings.format import write_file

QUESTION = "Run the handlers? [y/N]: "
EFFECTS = """
import os
from flask import Flask
from twiml_app import InboundMessage, Router
from twiml_app.app import Twiml

router = Router()

@router.default
def answer(message: InboundMessage) -> str:
    with open("ran", "a") as file:
        file.write(f"{message.replayed} ")
    return "Hello!"

routers = [router]

def app():
    made = Flask("shop")
    made.config["SQLALCHEMY_DATABASE_URI"] = "postgresql://shop:secret@db.example/shop"
    Twiml(made, router=Router(router))
    return made
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return the folder of a project whose handler has an effect that a test can see."""
    (tmp_path / "shop.py").write_text(EFFECTS)
    write_file(tmp_path / "a.jsonl", [exchange()])
    return tmp_path


def run_on_terminal(folder: Path, *arguments: str, typed: str = "") -> tuple[int, str]:
    """Run a command with a terminal for standard input and errors; return its exit status and what it showed there."""
    terminal, other_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", "from twiml_app.cli import main; main()", *arguments],
        cwd=folder,
        env=clean_environment(**SETTINGS, TWIML_HANDLERS="shop", TWIML_DATABASE_URL="off"),
        stdin=other_end,
        stdout=subprocess.DEVNULL,
        stderr=other_end,
    )
    os.close(other_end)
    os.write(terminal, typed.encode())
    shown = b""
    try:
        while data := os.read(terminal, 1024):
            shown += data
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    return process.wait(60), shown.decode()


def has_run(folder: Path) -> bool:
    """Return whether the handler ran."""
    return (folder / "ran").exists()


@pytest.mark.parametrize("command", [["simulate", "hi"], ["replay", "a.jsonl"]], ids=["simulate", "replay"])
@pytest.mark.parametrize(
    ("typed", "options", "is_asked", "runs"),
    [
        pytest.param("n\n", [], True, False, id="no"),
        pytest.param("\n", [], True, False, id="nothing typed"),
        pytest.param("y\n", [], True, True, id="yes"),
        pytest.param("", ["--yes"], False, True, id="option"),
    ],
)
def test_terminal_is_asked_before_handlers_run(
    shop: Path, command: list[str], typed: str, options: list[str], is_asked: bool, runs: bool
) -> None:
    """A developer who tries a command on a real database must be able to stop it."""
    status, shown = run_on_terminal(shop, *command, *options, "--app", "shop:app", typed=typed)

    assert "this runs the handlers for real: database postgresql://shop:***@db.example/shop" in shown
    assert (QUESTION in shown, has_run(shop)) == (is_asked, runs)
    assert runs or (status, "Aborted!" in shown) == (1, True)


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        pytest.param({}, "this runs the handlers for real", id="nothing known"),
        pytest.param(
            {"DATABASE_URL": "mysql://app:secret@db/shop"},
            "this runs the handlers for real: database mysql://app:***@db/shop",
            id="database",
        ),
        pytest.param(
            {"DATABASE_URL": "other", "SQLALCHEMY_DATABASE_URI": "sqlite:///shop.db"},
            "this runs the handlers for real: database sqlite:///shop.db",
            id="database of the extension",
        ),
        pytest.param(
            {"TWIML_API_URL": "http://127.0.0.1:8008", "TWILIO_ACCOUNT_SID": "AC1"},
            "this runs the handlers for real: API http://127.0.0.1:8008, Twilio account AC1",
            id="API",
        ),
    ],
)
@pytest.mark.parametrize("command", [["simulate", "menu"], ["replay", "a.jsonl"]], ids=["simulate", "replay"])
def test_script_sees_the_line_and_is_not_asked(
    project: Project, command: list[str], environment: dict[str, str], line: str
) -> None:
    """A script or a CI job cannot answer, so the line goes to standard error and the handlers run."""
    write_file(project.folder / "a.jsonl", [exchange()])

    result = project.type(*command, **environment)

    assert result.stderr.splitlines()[-1] == line
    assert result.stdout


@pytest.mark.parametrize("command", [["simulate", "menu", "--url"], ["replay", "a.jsonl", "--to"]])
def test_other_process_is_not_announced(project: Project, command: list[str]) -> None:
    """The handlers of a server run with its own configuration, which this process does not know."""
    write_file(project.folder / "a.jsonl", [exchange()])

    with served(project.app()) as url:
        result = project.type(*command, f"{url}/message")

    assert "handlers for real" not in result.stderr


@pytest.mark.parametrize(
    ("command", "replayed"),
    [(["replay", "a.jsonl"], "True "), (["simulate", "hi"], "False ")],
    ids=["replay", "simulate"],
)
def test_only_a_replay_is_marked(shop: Path, command: list[str], replayed: str) -> None:
    """A handler may skip a charge during a replay; simulate must run it as a message would."""
    run_on_terminal(shop, *command, "--yes")

    assert (shop / "ran").read_text() == replayed
