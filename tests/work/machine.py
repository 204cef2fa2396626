"""One of several machines that share a journal: it answers texts, runs work and schedules, and sends.

It stops when its input is closed. The lines of its input are texts, or ``go`` to start what runs in the background.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.sending.bot import CONTACT, SHORT_CODE
from twiml_app import InboundMessage, Router, enqueue, send
from twiml_app.app import build_app, run_background, stop_background
from twiml_app.testing import Phone

#: So many schedules have an occurrence that is due at the start, on every machine at once.
SCHEDULES = 20

router = Router()


def note(line: str) -> None:
    """Record that something ran on this machine."""
    with Path("ran").open("a") as file:
        file.write(f"{line}\n")


def work(number: str) -> None:
    """Take a moment, so that one machine cannot do everything."""
    note(f"work {number}")
    time.sleep(0.03)


def tick(*, idempotency_key: str) -> None:
    """Record an occurrence of a schedule."""
    note(idempotency_key)


for extra in range(SCHEDULES):
    router.every(seconds=3000 + extra)(tick)


@router.default
def answer(message: InboundMessage) -> str:
    """Ask for work, and for a message that everybody asks for."""
    enqueue(work, message.body)
    send(CONTACT, f"text {message.body}", key=f"key:{message.body}", from_=SHORT_CODE)
    return f"ok {message.body}"


def main(settings: Mapping[str, str]) -> None:
    """Be a machine in the working directory until the input is closed."""
    app = build_app(settings, Path.cwd(), router=router)
    phone = Phone(app)
    print("ready", flush=True)
    for line in sys.stdin:
        if line == "go\n":
            run_background(app)
        else:
            phone.text(line.strip())
    stop_background(app)
