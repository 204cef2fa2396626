"""Processes that are killed before the n-th step of a request: each call of the system or the database is a step."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from tests.journal import program as programs
from tests.journal.program import Program, start_script
from tests.postgres_server import new_schema
from tests.servers import LIMIT_S
from tests.webhook_requests import SID
from twiml_app import journal
from twiml_app.caller.forms import inbound_form, status_form
from twiml_app.webhook import WebhookResponse

Sent = Literal["message", "status", "fallback"]
#: What a request is the first of; the first of a journal creates it, which does not depend on the request.
First = Literal["", "process", "journal"]
JOURNAL = str(Path(journal.__file__).parent)
HANDLERS = ("_answer", "_record_status")
#: The transactions that matter for what a retry finds.
TRANSACTIONS = ("claim", "end")
APOLOGY = "Sorry!"
EARLIER = "SM" + "0" * 32
ERROR = {"ErrorCode": "11200", "ErrorUrl": "https://sms.example.com/message"}
FORMS = {
    "message": inbound_form("hello", message_sid=SID),
    "status": status_form(SID, "delivered"),
    "fallback": inbound_form("hello", message_sid=SID, fields=ERROR),
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request whose process was killed, or was not because the request has no more steps."""

    url: str
    was_killed: bool
    #: The step before which the process was killed.
    killed_before: str
    #: What the process did, in order.
    done: tuple[str, ...]

    @property
    def backends(self) -> list[int]:
        """The PostgreSQL processes that served it."""
        return [int(line.removeprefix("backend ")) for line in self.done if line.startswith("backend")]


class Killer:
    """A profile function that kills its process before a step, and writes to a file what was done until then."""

    def __init__(self, kill_at: int, log: int) -> None:
        self._steps_left = kill_at
        self._log = log

    def __call__(self, frame: FrameType, event: str, arg: Any) -> None:
        name, file = frame.f_code.co_name, frame.f_code.co_filename
        if event in ("call", "return") and name in HANDLERS and file == programs.__file__:
            self._step("handler began" if event == "call" else "handler ended")
        elif event == "call" and name == "wait" and file.startswith(JOURNAL):
            self._write(f"backend {frame.f_locals['self'].pgconn.backend_pid}")
            self._step("server")
        elif event == "c_call" and file.startswith(JOURNAL) and _is_outside(arg):
            self._step(f"{name}: {arg.__name__}")
        elif _has_committed(frame, event, arg):
            self._write(f"committed {_transaction_of(frame)}")

    def _step(self, name: str) -> None:
        self._write(name)
        if self._steps_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._steps_left -= 1

    def _write(self, line: str) -> None:
        os.write(self._log, f"{line}\n".encode())


def _is_outside(function: Any) -> bool:
    """Return whether a function of C talks to the system or to SQLite."""
    owner = getattr(function, "__self__", None)
    return function.__module__ in ("posix", "fcntl") or isinstance(owner, sqlite3.Connection | sqlite3.Cursor)


def _has_committed(frame: FrameType, event: str, arg: Any) -> bool:
    if event == "c_return":
        return frame.f_code.co_name == "commit" and arg.__name__ == "execute"
    if event != "return" or frame.f_code.co_name != "wait":
        return False
    return frame.f_back is not None and frame.f_back.f_code.co_name == "commit"


def _transaction_of(frame: FrameType | None) -> str:
    """Return what a transaction was for: the function of the claims that runs it."""
    while frame is not None:
        if frame.f_code.co_filename.endswith("_claims.py") and frame.f_code.co_name in TRANSACTIONS:
            return frame.f_code.co_name
        frame = frame.f_back
    return ""


def send(program: Program, sent: Sent) -> WebhookResponse:
    """Send the request that is killed, or its retry."""
    return program.send(FORMS[sent], endpoint=sent)


def kill_at_every_step(url: str, sent: Sent, first_of: First) -> None:
    """Send a request in one process after another, each killed one step later, and print a line for each.

    The first request of a process opens the journal, which is killed too.
    """
    for number in count():
        attempt_url = new_schema(url) if url.startswith("postgres") else url.replace("twiml.db", f"{number}/twiml.db")
        if first_of == "process":
            _create_journal(attempt_url)
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            _send_until_killed(attempt_url, sent, number, write_end, first_of)
        os.close(write_end)
        with os.fdopen(read_end) as log:
            lines = log.read().splitlines()
        status = os.waitpid(child, 0)[1]
        print(json.dumps([attempt_url, os.waitstatus_to_exitcode(status), lines]), flush=True)
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            return


def _create_journal(url: str) -> None:
    program = Program(url)
    program.text(sid=EARLIER)
    program.engine.close()


def _send_until_killed(url: str, sent: Sent, kill_at: int, log: int, first_of: First) -> None:
    program = Program(url, TWIML_APOLOGY=APOLOGY)
    if first_of:
        program.ran.append("an earlier message")  # the next answer differs from that of a process that runs it again
    else:
        program.text(sid=EARLIER)
    sys.setprofile(Killer(kill_at, log))
    answer = send(program, sent)
    sys.setprofile(None)
    os._exit(0 if answer.status < 300 else 1)


def attempts(url: str, sent: Sent, first_of: First) -> Iterator[Attempt]:
    """Yield a request after each kill; the last one was not killed."""
    process = start_script(
        f"""
        from tests.journal.kills import kill_at_every_step
        kill_at_every_step({url!r}, {sent!r}, {first_of!r})
        """
    )
    output = process.communicate(timeout=LIMIT_S)[0]
    assert process.returncode == 0
    for line in output.splitlines():
        attempt_url, status, log = json.loads(line)
        assert status in (0, -signal.SIGKILL)
        was_killed = status != 0
        yield Attempt(attempt_url, was_killed, log[-1], tuple(log[:-1] if was_killed else log))
