"""The log of a server's process: nothing is lost but by SIGKILL, in order, and in few writes."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.test_logs import logging_to
from twiml_app.log_batches import MAX_WAITING, BatchHandler, batch_log
from twiml_app.logs import JsonFormatter, TextFormatter, log_event, logger

LONG_S = 3600.0


class Writes(io.StringIO):
    """A stream that keeps each write, and says when there was one."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.written = threading.Event()

    def write(self, text: str) -> int:
        """Keep a part."""
        self.parts.append(text)
        self.written.set()
        return len(text)


@contextmanager
def batching(stream: io.StringIO, *, period_s: float) -> Iterator[BatchHandler]:
    """Log to a stream in batches, as the messages alone."""
    handler = BatchHandler(stream, period_s=period_s)
    handler.setFormatter(logging.Formatter("%(message)s"))
    with logging_to(handler):
        logger.setLevel(logging.INFO)
        yield handler


def test_line_is_written_after_the_period() -> None:
    """Whoever watches the log sees it at once."""
    stream = Writes()
    with batching(stream, period_s=0.001):
        log_event(logging.INFO, "first", {})
        assert stream.written.wait(10)
        stream.written.clear()
        log_event(logging.INFO, "second", {})
        assert stream.written.wait(10)

    assert stream.parts == ["first\n", "second\n"]


def test_warning_is_written_at_once_with_the_lines_before_it() -> None:
    """Whatever ends the process next, its reason is in the log."""
    stream = Writes()
    with batching(stream, period_s=LONG_S):
        log_event(logging.INFO, "first", {})
        before = [*stream.parts]
        log_event(logging.WARNING, "second", {})

    assert (before, stream.parts) == ([], ["first\nsecond\n"])


def test_full_batch_is_written() -> None:
    """The lines that wait are bounded."""
    stream = Writes()
    with batching(stream, period_s=LONG_S):
        for number in range(MAX_WAITING + 1):
            log_event(logging.INFO, f"line {number}", {})

    assert stream.parts == ["".join(f"line {number}\n" for number in range(MAX_WAITING))]


def log_often(line: str) -> None:
    """Log a line many times."""
    for _ in range(300):
        log_event(logging.INFO, line, {})


def test_lines_of_threads_are_complete() -> None:
    """Each line is written once."""
    stream = Writes()
    with batching(stream, period_s=0.001) as handler:
        threads = [threading.Thread(target=log_often, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        handler.flush()

    assert sorted("".join(stream.parts).splitlines()) == sorted("abcd" * 300)


class Broken(io.StringIO):
    """A stream that cannot be written to until it is mended."""

    def __init__(self) -> None:
        super().__init__()
        self.is_broken = True
        self.tried = threading.Event()

    def write(self, text: str) -> int:
        """Fail, or write."""
        self.tried.set()
        if self.is_broken:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_log_that_cannot_be_written_does_not_end_the_writing(capsys: pytest.CaptureFixture[str]) -> None:
    """A full disk must neither change an answer nor silence the log forever."""
    stream = Broken()
    with batching(stream, period_s=0.001):
        log_event(logging.INFO, "lost", {})
        assert stream.tried.wait(10)
        log_event(logging.WARNING, "lost too", {})
        stream.is_broken = False
        log_event(logging.WARNING, "kept", {})

    assert stream.getvalue().endswith("kept\n")
    assert "No space left on device" in capsys.readouterr().err


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()], ids=["text", "json"])
def test_log_that_twiml_set_up_is_batched(formatter: logging.Formatter) -> None:
    """The format stays the same."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    with logging_to(handler):
        batch_log()
        (batches,) = logger.handlers

    assert (type(batches), batches.formatter) == (BatchHandler, formatter)


def test_log_of_the_program_is_left_alone() -> None:
    """A program that sets up its logging knows what it wants."""
    handler = logging.StreamHandler(io.StringIO())
    with logging_to(handler):
        batch_log()

        assert logger.handlers == [handler]


def test_waiting_lines_are_written_at_the_end_of_the_process() -> None:
    """A worker that stops in order loses nothing."""
    program = (
        "import logging; from twiml_app import logs; from twiml_app.log_batches import batch_log;"
        "logs.set_up('text'); batch_log(); logs.log_event(logging.INFO, 'the last line', {})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.endswith("info    the last line\n")


def test_forked_child_writes_its_own_lines_only() -> None:
    """A handler may fork; what its parent has logged must not be written twice, and nothing of the child is lost."""
    program = (
        "import logging, os; from twiml_app import logs; from twiml_app.log_batches import batch_log;"
        "logs.set_up('text'); batch_log(); log = lambda name: logs.log_event(logging.INFO, name, {});"
        "log('before'); child = os.fork(); log('in the parent' if child else 'in the child');"
        "child and os.waitpid(child, 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert sorted(line.split(" info    ")[1] for line in done.stdout.splitlines()) == [
        *("before", "in the child", "in the parent"),
    ]


class Unprintable:
    """A value that cannot be shown."""

    def __str__(self) -> str:
        raise ValueError("a bug")


def test_line_that_cannot_be_formatted_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """One broken value must not cost the lines of others."""
    stream = Writes()
    with batching(stream, period_s=LONG_S):
        log_event(logging.INFO, "first", {})
        log_event(logging.INFO, "broken", {"value": Unprintable()})
        log_event(logging.WARNING, "last", {})

    assert "".join(stream.parts) == "first\nlast\n"
    assert "ValueError: a bug" in capsys.readouterr().err
