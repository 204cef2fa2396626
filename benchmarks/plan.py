"""How much is measured, and where: what every group of measurements is handed."""

from __future__ import annotations

import importlib.util
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import Cores

_FEWEST = 3


class NotMeasured(Exception):
    """Something is missing or failed; the report says what, and the other rows are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The size of a run."""

    #: For databases, logs and request files; deleted at the end.
    folder: Path
    cores: Cores
    #: Rounds over all contestants, and the seconds of load per contestant in each.
    rounds: int
    seconds: int
    #: Rounds of load before the first that counts.
    warm_up: int
    #: Exchanges in the large journal.
    exchanges: int
    #: Repetitions of what is measured in a process of its own.
    repeats: int
    #: By the monotonic clock: when it is time to hurry.
    ends_at: float

    def is_late(self, rounds: int) -> bool:
        """Return whether the rounds so far have to do, because the time is over."""
        return rounds >= _FEWEST and time.monotonic() > self.ends_at


def parser() -> str:
    """Return the HTTP parser of all gunicorn contestants: the one that the project's dependencies install."""
    return "fast" if importlib.util.find_spec("gunicorn_h1c") else "python"


def progress(line: str) -> None:
    """Print a line about what is going on."""
    print(line, file=sys.stderr, flush=True)
