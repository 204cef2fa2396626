"""A project whose handlers ask for work."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.cli.projects import CREDENTIALS
from twiml_app.app import create_app
from twiml_app.testing import Phone

HANDLERS = """
from pathlib import Path

from twiml_app import InboundMessage, Router, enqueue, enqueue_in

router = Router()


def note(text: str, *, attempt: int) -> None:
    with Path("noted").open("a") as file:
        file.write(f"{text} ")


def fail(message: InboundMessage) -> None:
    raise ValueError(f"no route to {message.contact}")


def report(message: InboundMessage) -> None:
    note(message.body, attempt=0)


@router.message("note")
def ask(message: InboundMessage) -> str:
    enqueue(note, "now")
    return "ok"


@router.message("later")
def ask_later(message: InboundMessage) -> str:
    enqueue_in(3600, note, "later")
    return "ok"


@router.message("fail")
def ask_to_fail(message: InboundMessage) -> str:
    enqueue(fail, message)
    return "ok"


@router.message("report", then=report)
def ask_for_report(message: InboundMessage) -> str:
    return "ok"


@router.daily("03:00", tz="Europe/Berlin")
def clean() -> None:
    pass


routers = [router]
"""


def working_phone(folder: Path, environment: pytest.MonkeyPatch) -> Phone:
    """Return a phone that texts such a project in a folder, in which the commands run."""
    module = f"working_{folder.name.replace('-', '_')}"
    (folder / f"{module}.py").write_text(HANDLERS)
    os.chdir(folder)
    environment.setenv("TWIML_CREDENTIALS", CREDENTIALS)
    environment.setenv("TWIML_HANDLERS", module)
    return Phone(create_app())


def wait_until(file: Path, text: str, limit_s: float) -> None:
    """Wait until a file contains a text."""
    deadline = time.monotonic() + limit_s
    while not (file.exists() and text in file.read_text()):
        assert time.monotonic() < deadline, f"{file.name} has no {text!r}"
        time.sleep(0.02)
