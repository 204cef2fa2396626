"""The log of a server's process, written a few times per second instead of line by line.

A write lets the other threads of the process run first, so that it takes longer than all else that is done for a line.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TextIO

from .logs import JsonFormatter, TextFormatter, logger

#: How long a line waits at most, in seconds. Whoever kills the process with SIGKILL loses the lines of this time.
PERIOD_S = 0.05
#: How many lines wait at most.
MAX_WAITING = 1000


class BatchHandler(logging.StreamHandler[TextIO]):
    """Writes records to a stream in batches: a warning or an error at once, with the lines that wait."""

    def __init__(self, stream: TextIO, *, period_s: float = PERIOD_S) -> None:
        super().__init__(stream)
        self._period_s = period_s
        self._waiting: list[logging.LogRecord] = []
        self._has_lines = threading.Event()
        self._writer: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Add a record; the handler's lock is held."""
        self._waiting.append(record)
        try:
            if record.levelno >= logging.WARNING or len(self._waiting) >= MAX_WAITING:
                self._write()
            elif len(self._waiting) == 1:
                self._ensure_writer()
                self._has_lines.set()
        except Exception:  # as other handlers do: a log that cannot be written must not change an answer
            self.handleError(record)

    def flush(self) -> None:
        """Write the lines that wait; ``logging`` does so when the process ends."""
        self.acquire()
        try:
            self._write()
        finally:
            self.release()

    def forget(self) -> None:
        """Forget the lines that wait in a forked child: its parent writes them."""
        self._waiting = []

    def _write(self) -> None:
        records, self._waiting = self._waiting, []
        if records:
            self.stream.write("".join(map(self._line, records)))
        super().flush()

    def _line(self, record: logging.LogRecord) -> str:
        try:
            return self.format(record) + self.terminator
        except Exception:
            self.handleError(record)
            return ""

    def _ensure_writer(self) -> None:
        """Start the thread that writes, in this process: a fork does not copy it."""
        if self._writer is None or not self._writer.is_alive():
            self._writer = threading.Thread(target=self._run, name="twiml-log", daemon=True)
            self._writer.start()

    def _run(self) -> None:
        while True:
            self._has_lines.wait()
            self._has_lines.clear()
            time.sleep(self._period_s)
            try:
                self.flush()
            except (OSError, ValueError):  # closed or full: the next warning reports it
                continue


def batch_log() -> None:
    """Write the log of this process in batches, if Twiml has set it up and the program has not."""
    for handler in [*logger.handlers]:
        if type(handler) is logging.StreamHandler and isinstance(handler.formatter, TextFormatter | JsonFormatter):
            logger.removeHandler(handler)
            batches = BatchHandler(handler.stream)
            batches.setFormatter(handler.formatter)
            logger.addHandler(batches)
            os.register_at_fork(after_in_child=batches.forget)
