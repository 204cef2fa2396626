"""The threads that do what is due: when they start, that they go on, and how they stop."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.servers import LIMIT_S
from tests.webhook_requests import BASIC
from tests.work.programs import Program, note
from twiml_app import Router, enqueue
from twiml_app.app import Twiml, run_background, state_of, stop_background
from twiml_app.errors import JournalUnavailable
from twiml_app.work import Background


class Counting:
    """A step that counts how often it is called."""

    def __init__(self, wait_s: float = 1.0, error: Exception | None = None) -> None:
        self.calls = threading.Semaphore(0)
        self.threads: set[str] = set()
        self._wait_s = wait_s
        self._error = error

    def run_due(self) -> float:
        """Count."""
        self.threads.add(threading.current_thread().name)
        self.calls.release()
        if self._error:
            raise self._error
        return self._wait_s

    def expect(self, calls: int) -> None:
        """Wait for calls."""
        for _ in range(calls):
            assert self.calls.acquire(timeout=LIMIT_S)


def test_nothing_runs_until_there_is_something_to_do() -> None:
    """An application that uses none of this pays for none of it."""
    step, needed = Counting(), [False]
    background = Background()
    background.add(step, is_needed=lambda: needed[0])
    background.wake()
    background.look()
    assert not background.is_running
    background.arm(2)
    assert not background.is_running

    needed[0] = True
    background.look()
    step.expect(1)
    assert background.stop(LIMIT_S)


def test_pooled_step_runs_in_several_threads_and_others_in_one() -> None:
    """Leases are renewed while every function is busy."""
    pooled, single = Counting(0.01), Counting(0.01)
    background = Background()
    background.add(pooled, pooled=True)
    background.add(single)
    background.arm(3)
    background.wake()
    pooled.expect(9)
    single.expect(3)
    names = [thread.name for thread in background._threads]
    assert background.stop(LIMIT_S)

    assert names == ["twiml Counting"] * 4


def test_threads_look_at_once_when_they_are_woken() -> None:
    """A reply that is asked for now is not sent a second later."""
    step = Counting(1000.0)
    background = Background()
    background.add(step)
    background.arm(1)
    background.wake()
    step.expect(1)
    started = time.monotonic()
    background.wake()
    step.expect(1)

    assert background.stop(LIMIT_S)
    assert time.monotonic() - started < LIMIT_S


@pytest.mark.parametrize(
    ("error", "shows_trace"),
    [
        pytest.param(JournalUnavailable("the server is away"), False, id="journal"),
        pytest.param(ValueError("a bug"), True, id="bug"),
    ],
)
def test_error_of_a_step_does_not_end_its_thread(
    error: Exception, shows_trace: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The journal comes back, and work goes on."""
    step = Counting(error=error)
    background = Background(error_s=0.01)
    background.add(step)
    background.arm(1)
    background.wake()
    step.expect(3)

    assert background.stop(LIMIT_S)
    assert f"Counting failed: {error}" in caplog.text
    assert bool(caplog.records[0].exc_info) is shows_trace


def test_journal_that_is_away_at_the_start_is_looked_at_again() -> None:
    """A web server starts before its database."""
    step = Counting()

    def look() -> bool:
        raise JournalUnavailable("away")

    background = Background()
    background.add(step, is_needed=look)
    background.arm(1)

    assert not background.is_running


def hold(started: threading.Event, ending: threading.Event) -> None:
    """Stand for a function that takes long."""
    started.set()
    ending.wait(LIMIT_S)


def test_stop_waits_for_what_runs_but_not_for_ever() -> None:
    """A deployment goes on, and what was cut off is run again."""
    started, ending = threading.Event(), threading.Event()

    class Slow:
        def run_due(self) -> float:
            hold(started, ending)
            return 0.0

    background = Background()
    background.add(Slow())
    background.arm(1)
    background.wake()
    assert started.wait(LIMIT_S)
    assert not background.stop(0.01)
    ending.set()
    assert background.stop(LIMIT_S)
    background.wake()


def test_web_process_runs_what_its_handlers_ask_for(tmp_path: Path, ran: list[Any]) -> None:
    """A small deployment is one command."""
    program = Program(f"sqlite:///{tmp_path}/twiml.db")
    run_background(program.app)
    assert not program.background.is_running
    program.handle = lambda message: enqueue(note, message.body)
    program.phone.text("report")
    deadline = time.monotonic() + LIMIT_S
    while program.states() != [("note", "done", 1)] and time.monotonic() < deadline:
        time.sleep(0.01)
    stop_background(program.app)

    assert ran == [("report",)]
    program.engine.close()


def test_work_that_another_process_left_is_found_at_the_start(tmp_path: Path, ran: list[Any]) -> None:
    """The process that accepted it may have been killed."""
    program = Program(f"sqlite:///{tmp_path}/twiml.db")
    with program.app.app_context():
        enqueue(note, 1)
    assert not program.background.is_running
    run_background(program.app)

    assert program.background.is_running
    stop_background(program.app)
    program.engine.close()


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"TWIML_WORK_THREADS": "0"}, id="switched off"),
        pytest.param({"TWIML_DATABASE_URL": "off"}, id="without a journal"),
    ],
)
def test_web_process_without_threads_runs_nothing(tmp_path: Path, settings: dict[str, str]) -> None:
    """Work is left to ``twiml-app worker``."""
    app = Flask("test")
    app.config.update(BASIC | {"TWIML_DATABASE_URL": f"sqlite:///{tmp_path}/twiml.db"} | settings)
    Twiml(app, router=Router())
    run_background(app)
    background = state_of(app).background
    if background:
        background.wake()

    assert not (background and background.is_running)
    stop_background(app)


def test_web_server_of_another_application_is_left_alone() -> None:
    """gunicorn's settings are used with any application."""
    other, before = Flask("other"), set(threading.enumerate())
    for app in (other, object(), None):
        run_background(app)
        stop_background(app)

    assert other.extensions == {}
    assert set(threading.enumerate()) <= before


def test_work_that_does_not_end_in_time_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Somebody will ask why it ran twice."""
    started, ending = threading.Event(), threading.Event()
    app = Flask("test")
    app.config.update(BASIC | {"TWIML_DATABASE_URL": f"sqlite:///{tmp_path}/twiml.db"})
    Twiml(app, router=Router())

    class Slow:
        def run_due(self) -> float:
            hold(started, ending)
            return 1.0

    background = state_of(app).background
    assert background
    background.add(Slow())
    background.arm(1)
    background.wake()
    assert started.wait(LIMIT_S)
    with caplog.at_level(logging.WARNING):
        stop_background(app, wait_s=0.01)
    ending.set()

    assert "work was still running after 0.01 s; it will be run again" in caplog.text
