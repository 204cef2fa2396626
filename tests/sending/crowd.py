"""Processes that ask for the same messages and send them, and are killed at random; run as a script.

It imports everything once and forks, so that a killed process is replaced at once. It ends when its input is closed.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
from contextlib import suppress

import twilio.rest  # noqa: F401 - loaded once, before the forks
from flask import Flask

import twiml_app.journal.postgres
import twiml_app.sending.http_client  # noqa: F401
from tests.sending.bot import CONTACT, SHORT_CODE
from twiml_app import Router, cancel, send
from twiml_app.app import Twiml, state_of

#: How many messages each process asks for; the last ones are cancelled again.
KEYS, CANCELLED_FROM = 60, 45
PROCESSES = 8


def work(settings: dict[str, str]) -> None:
    """Ask for every message, withdraw some, and send what is due, for as long as the process lives."""
    app = Flask("crowd")
    app.config.update(settings)
    Twiml(app, router=Router())
    sending = state_of(app).sending
    assert sending
    numbers = list(range(KEYS))
    random.shuffle(numbers)
    with app.app_context():
        for number in numbers:
            send(CONTACT, f"text {number}", key=f"key:{number}", from_=SHORT_CODE)
            if number >= CANCELLED_FROM and cancel(f"key:{number}"):
                os.write(1, f"{number}\n".encode())
            sending.run_due()
        while True:
            time.sleep(min(sending.run_due(), 0.05))


def fork(settings: dict[str, str]) -> int:
    """Return the id of a new process."""
    pid = os.fork()
    if not pid:
        random.seed()
        with suppress(BaseException):
            work(settings)
        os._exit(1)
    return pid


def kill(pid: int) -> None:
    """Kill a process."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def main(settings: dict[str, str]) -> None:
    """Kill and replace processes until the input is closed."""
    processes = [fork(settings) for _ in range(PROCESSES)]
    while not select.select([sys.stdin], [], [], random.uniform(0.05, 0.4))[0]:
        place = random.randrange(PROCESSES)
        kill(processes[place])
        processes[place] = fork(settings)
    for pid in processes:
        kill(pid)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
