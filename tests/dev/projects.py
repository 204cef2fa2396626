"""Projects under development: their files, and sessions of ``twiml-app dev`` that run them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.servers import LIMIT_S, clean_environment
from twiml_app.dev import Dev, DevOptions

PHONE = "+15558675310"
ANSWERING = """
import os
from twiml_app import InboundMessage, Router

router = Router()
routers = [router]


@router.message("fail")
def fail(message: InboundMessage) -> str:
    return str(1 / 0)


@router.message("crash")
def crash(message: InboundMessage) -> None:
    os.kill(os.getpid(), 11)


@router.message("terminate")
def terminate(message: InboundMessage) -> None:
    os.kill(os.getpid(), 15)


@router.default
def answer(message: InboundMessage) -> str:
    return {returned}
"""

FoundT = TypeVar("FoundT")


def write_handlers(root: Path, returned: str) -> None:
    """Write handlers: one raises an exception, two end their process, one answers other texts with an expression."""
    save(root / "handlers.py", ANSWERING.format(returned=returned))


def save(path: Path, text: str) -> None:
    """Write a file as editors do: another file takes its place."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


@contextmanager
def developed(
    root: Path, outer: Mapping[str, str] | None = None, *, waits: bool = True, loading_s: float = LIMIT_S
) -> Iterator[Dev]:
    """Run a session on free ports; its program runs, unless it is not waited for."""
    options = DevOptions(root=root, port=0, emulator_port=0, loading_s=loading_s)
    with Dev(options, clean_environment(**outer or {})) as running:
        if waits:
            assert wait_for(lambda: settled_state(running)) == "running", running.program.status().detail
        yield running


def settled_state(running: Dev) -> str:
    """Return the state of a program; empty while it starts."""
    state = running.program.status().state
    return "" if state == "starting" else state


def reloaded(running: Dev, change: Callable[[], object], *, state: str = "running") -> None:
    """Make a change, and wait until the program has this state because of it."""
    seen: list[str] = []
    running.program.watch(lambda status: seen.append(status.state))
    change()
    wait_for(lambda: "starting" in seen and seen[-1] == state)


def wait_for(find: Callable[[], FoundT]) -> FoundT:
    """Return what a function returns as soon as it is true.

    Raises: AssertionError.
    """
    deadline = time.monotonic() + LIMIT_S
    while not (found := find()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
    return found
