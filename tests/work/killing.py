"""Processes that run work and are killed at random: what they do, and the process that starts and kills them."""

from __future__ import annotations

import logging
import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from flask import Flask

from tests.webhook_requests import BASIC
from twiml_app import Router, enqueue
from twiml_app.app import Twiml, state_of
from twiml_app.work import Background, Surroundings, Work
from twiml_app.work.runner import Retries

PROCESSES, THREADS = 3, 4
#: Short enough for a test, and long enough for a busy machine.
LEASE_S = 3.0


def make_app(url: str) -> Flask:
    """Return an application with a journal."""
    app = Flask("killed")
    app.config.update(BASIC, TWIML_DATABASE_URL=url)
    Twiml(app, router=Router())
    return app


def mark(number: int, file: str, *, attempt: int) -> None:
    """Write a line that survives a kill, wait a little, and ask for one more piece the first time."""
    line = f"{number} {attempt}\n".encode()
    with Path(file).open("ab", buffering=0) as marks:
        marks.write(line)
    time.sleep(0.05)
    if number < 1000:
        enqueue(mark, number + 1000, file)


def work_until_killed(url: str) -> None:
    """Run work in threads."""
    logging.disable()  # the output is for the test
    app = make_app(url)
    engine = state_of(app).engine
    assert engine is not None
    retries = Retries(attempts=50, first_s=0.1, factor=1.0)
    surroundings = Surroundings(
        context=app.app_context, on_exception=print, deliver=lambda *_: None, keep_s=86400.0, retries=retries
    )
    background = Background()
    Work(engine, (), surroundings, background, lease_s=LEASE_S)
    background.arm(THREADS)
    background.start()
    signal.pause()


def start(url: str) -> int:
    """Fork a process that works, which is faster than a new one."""
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            work_until_killed(url)
        os._exit(1)
    return child


def wait_for_more(marks: Path, size: int) -> int:
    """Wait, but not for ever, until something has begun, and return the size of the file then."""
    for _ in range(300):
        if marks.exists() and marks.stat().st_size > size:
            break
        time.sleep(0.01)
    return marks.stat().st_size if marks.exists() else 0


def kill_at_random(url: str, marks: Path, kills: int, seed: int) -> None:
    """Keep some processes working, kill one after the other, and then let the last ones work until the end."""
    dice = random.Random(seed)
    children = [start(url) for _ in range(PROCESSES)]
    size = 0
    for _ in range(kills):
        time.sleep(dice.uniform(0.0, 0.1))
        size = wait_for_more(marks, size)
        child = children.pop(dice.randrange(len(children)))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        children.append(start(url))
    print("killed", flush=True)
    sys.stdin.read()
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
