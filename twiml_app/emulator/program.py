"""The program under development, as the phone page knows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramStatus:
    """Whether the program runs, and why not."""

    #: ``starting``, ``running`` or ``failed``.
    state: str
    #: The traceback of a program that failed to start; empty otherwise.
    detail: str = ""
    #: How often it was loaded: a higher number means that new code runs.
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedAnswer:
    """What the program answers now to an exchange of a recording."""

    sid: str
    #: The lines of a diff from the recorded answer; none if it agrees.
    differences: tuple[str, ...]


class Program(Protocol):
    """The program under development: its status, and what the page can do with its project."""

    def status(self) -> ProgramStatus:
        """Return the current status."""
        ...

    def watch(self, on_change: Callable[[ProgramStatus], None]) -> None:
        """Call this function with every new status."""
        ...

    def replay(self, recording: str) -> list[ReplayedAnswer]:
        """Replay a recording (JSON lines) against the code as it is now, in a process of its own with a deadline.

        Raises: ConfigurationError, if the program does not load or takes too long.
        """
        ...

    def save_test(self, name: str, source: str, recording: str) -> Path:
        """Write a test and its recording into the project's tests; return the test's path, relative to the project.

        Raises: ConfigurationError, if it cannot be written.
        """
        ...
