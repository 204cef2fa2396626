"""What the program prints while a command runs it: standard output is for the command's results."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


class _Nowhere(io.TextIOBase):
    """Drops what is written; it stays open, as a logging handler of the program may keep it."""

    def write(self, text: str) -> int:
        """Drop a text."""
        return len(text)


@contextmanager
def printed_aside() -> Iterator[None]:
    """Let what the program prints go to the standard error, unless it is dropped."""
    if isinstance(sys.stdout, _Nowhere):
        yield
        return
    with redirect_stdout(sys.stderr):
        yield


@contextmanager
def printed_dropped() -> Iterator[None]:
    """Drop what the program prints, where it would be printed many times."""
    with redirect_stdout(_Nowhere()):
        yield
