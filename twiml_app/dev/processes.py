"""The process of the program, as the process that starts it sees it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

#: How long a program that is replaced may answer what it has begun, in seconds; Twilio waits 15.
GRACE_S = 15.0
#: How long it may take until it no longer accepts requests, in seconds.
_CLOSING_S = 2.0
#: How long it may take to end with ``dev``, in seconds.
_END_S = 0.5
#: How long ``dev`` may take to get a signal that is sent to it and to the program, in seconds.
_SIGNAL_S = 0.1


class ProgramProcess:
    """A process that stands by to serve the program.

    ``on_message`` is called with what it tells, from a thread of its own; with None when it has ended.
    """

    def __init__(
        self,
        root: Path,
        environment: Mapping[str, str],
        listener: socket.socket,
        app_name: str,
        on_message: Callable[[ProgramProcess, dict[str, Any] | None], object],
    ) -> None:
        self._connection, theirs = socket.socketpair()
        self._on_message = on_message
        self._closed = threading.Event()
        numbers = [theirs.fileno(), listener.fileno()]
        command = [sys.executable, "-u", "-m", "twiml_app.dev.child", *map(str, numbers), app_name]
        with theirs:
            self._process = subprocess.Popen(command, cwd=root, env=environment, pass_fds=numbers)
        self._reader = threading.Thread(target=self._read, name="twiml dev messages", daemon=True)
        self._reader.start()
        threading.Thread(target=self._await_end, name="twiml dev program", daemon=True).start()

    def begin(self) -> None:
        """Let it load the program, and serve it."""
        self._tell(b"begin\n")

    def retire(self) -> None:
        """Let it answer what it has begun, and nothing more; return when it no longer accepts requests."""
        self._tell(b"stop\n")
        if not self._closed.wait(_CLOSING_S):
            self._process.kill()
        threading.Thread(target=self.end, args=(GRACE_S,), name="twiml dev reaper", daemon=True).start()

    def end(self, grace_s: float = _END_S) -> None:
        """Let it end, and kill it after a time."""
        self._tell(b"stop\n")
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def ending(self) -> str:
        """How the process has ended."""
        status = self._process.wait()
        return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"

    def _tell(self, line: bytes) -> None:
        with suppress(OSError):  # it has ended
            self._connection.sendall(line)

    def _read(self) -> None:
        with suppress(OSError), self._connection, self._connection.makefile("r") as lines:
            for line in lines:
                message = json.loads(line)
                if message["state"] == "closed":
                    self._closed.set()
                self._on_message(self, message)

    def _await_end(self) -> None:
        self._process.wait()
        self._reader.join(_END_S)  # what it said last comes first; its own children may keep the connection open
        self._closed.set()
        if self._process.returncode in (-signal.SIGTERM, -signal.SIGINT):
            time.sleep(_SIGNAL_S)  # sent to the whole process group, it ends dev too
        self._on_message(self, None)
