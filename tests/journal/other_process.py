"""Scripts in their own process, for tests of locks and of killed processes."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tests.servers import LIMIT_S, ROOT, clean_environment

_PRELUDE = f"""
import json, os, signal, sys, threading
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
"""
_KILLED = """
from tests.journal.program import Program, claim_message
program = Program(sys.argv[1])
for sid in sys.argv[2:]:
    claim_message(program, sid)
os.kill(os.getpid(), signal.SIGKILL)
"""


class Script:
    """A running script; a line on its input lets it continue."""

    def __init__(self, *command: object) -> None:
        python = [sys.executable, *map(str, command)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(python, cwd=ROOT, env=clean_environment(), stdin=pipe, stdout=pipe, text=True)
        self.pid = self.process.pid

    def read(self) -> str:
        """Return the next line that the script prints."""
        assert self.process.stdout
        return self.process.stdout.readline().rstrip("\n")

    def send(self, line: str) -> None:
        """Give the script one line of input."""
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def proceed(self) -> None:
        """Let the script continue."""
        self.send("")

    def kill(self) -> None:
        """Kill the process, and wait until it is gone."""
        self.process.kill()
        self.process.wait(LIMIT_S)

    def finish(self) -> str:
        """Wait for the end of the script, and return what else it printed."""
        output = self.process.communicate(timeout=LIMIT_S)[0]
        assert self.process.returncode == 0
        return output


def script(source: str, *arguments: object) -> AbstractContextManager[Script]:
    """Run a script, with its arguments in ``sys.argv[1:]``; it is killed at the end."""
    return _run("-c", _PRELUDE + textwrap.dedent(source), *arguments)


def module(name: str, *arguments: object) -> AbstractContextManager[Script]:
    """Run a module as a script; it is killed at the end."""
    return _run("-m", name, *arguments)


@contextmanager
def _run(*command: object) -> Iterator[Script]:
    running = Script(*command)
    try:
        yield running
    finally:
        with running.process:
            running.process.kill()


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    ends_at = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.001)


def kill_while_handling(database_url: str, *sids: str) -> None:
    """Let a process die that handles messages."""
    with script(_KILLED, database_url, *sids) as killed:
        assert killed.process.wait(LIMIT_S) == -9
