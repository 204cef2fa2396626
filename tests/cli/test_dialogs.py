"""Dialogs on the command line: ``routes``, ``match`` and ``check --conversations``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.command_line import SETTINGS, run
from twiml_app import Dialog, InboundMessage, Router
from twiml_app.app import build_app
from twiml_app.testing import Phone

PROGRAM = """
from twiml_app import Router

router = Router()


@router.message("agent", interrupts=True)
def agent(message):
    return "An agent will call."


@router.dialog("sign up", name="signup", version=1)
def signup(message):
    name = yield "{question}"
    return name


routers = [router]
"""


def place(folder: Path, question: str) -> dict[str, str | None]:
    """Write a program with a dialog, and return its settings; each question is in a module of its own."""
    name = f"asking_{question.strip('?').lower()}_{folder.name}"
    (folder / f"{name}.py").write_text(PROGRAM.format(question=question))
    os.chdir(folder)
    return {**SETTINGS, "TWIML_HANDLERS": name, "TWIML_DATABASE_URL": f"sqlite:///{folder}/twiml.db"}


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose journal has two open dialogs."""
    monkeypatch.chdir(tmp_path)
    router = Router()

    @router.dialog("sign up", name="signup", version=1)
    def signup(message: InboundMessage) -> Dialog:
        yield "Name?"
        return None

    url = f"sqlite:///{tmp_path}/twiml.db"
    app = build_app({**SETTINGS, "TWIML_DATABASE_URL": url}, tmp_path, router=router)
    for contact in ("+15005550001", "+15005550002"):
        Phone(app, contact=contact).text("sign up")
    app.extensions["twiml"].engine.close()
    return tmp_path


def test_check_finds_that_open_dialogs_go_on(asked: Path) -> None:
    """Nothing was changed."""
    result = run("check", "--conversations", environment=place(asked, "Name?"))

    assert "2 open dialogs go on with this program" in result.output


def test_check_names_the_question_that_is_gone_and_how_many_people_are_at_it(asked: Path) -> None:
    """It is run before a deployment."""
    result = run("check", "--conversations", environment=place(asked, "Surname?"))

    assert result.exit_code == 1
    assert (
        "2 people are in signup version 1, at the question 'text: Name?': stored is 'text: Name?', but the program now"
        " has 'text: Surname?'" in result.output
    )


def test_check_reports_a_journal_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows then whether a dialog is open."""
    monkeypatch.chdir(tmp_path)
    settings = place(tmp_path, "Name?") | {"TWIML_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    result = run("check", "--conversations", "--json", environment=settings)

    levels = {finding["subject"]: finding["level"] for finding in json.loads(result.output)["findings"]}
    assert levels["conversations"] == "error"


def test_check_without_a_journal_warns_about_dialogs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They fail at their first message."""
    monkeypatch.chdir(tmp_path)
    result = run("check", "--conversations", environment=place(tmp_path, "Name?") | {"TWIML_DATABASE_URL": "off"})

    assert "this dialog cannot keep its answers" in result.output


def test_routes_and_match_show_dialogs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dialog has a route like any handler, and a name and a version."""
    monkeypatch.chdir(tmp_path)
    settings = place(tmp_path, "Name?")
    rows = json.loads(run("routes", "--json", environment=settings).output)

    assert [(row["event"], row["for"]) for row in rows] == [
        ("message", '"agent", interrupts=True'),
        ("message", '"sign up"'),
        ("dialog", "signup 1"),
    ]
    assert "starts the dialog signup, version 1" in run("match", "sign up", environment=settings).output


def test_conversation_shows_the_open_question_without_the_number(asked: Path) -> None:
    """The stored message of the dialog has the number in it."""
    result = run("conversation", "+15005550001", environment=place(asked, "Name?"))

    assert "dialog: signup version 1, at the question 'text: Name?'" in result.output
    assert "+15005550001" not in result.output
