"""What the program prints while a command runs it: standard output is for the command's results."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path


@contextmanager
def printed_aside() -> Iterator[None]:
    """Let what the program prints go to the standard error, unless it is dropped."""
    if getattr(sys.stdout, "name", "") == os.devnull:
        yield
        return
    with redirect_stdout(sys.stderr):
        yield


@contextmanager
def printed_dropped() -> Iterator[None]:
    """Drop what the program prints, where it would be printed many times."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        yield
