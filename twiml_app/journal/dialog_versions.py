"""Which versions of dialogs the running workers have, so that one that lacks a version leaves its messages to them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from .engine import Engine
from .stores import Execute

#: How long a version counts as there after a worker reported it, and how often one does, in seconds.
LIVE_S, REPORT_S = 60.0, 20.0
_REPORT: Final = (
    "INSERT INTO dialog_versions (name, version, keep_until) VALUES (?, ?, ?)"
    " ON CONFLICT (name, version) DO UPDATE SET keep_until = excluded.keep_until"
)
_IS_LIVE: Final = "SELECT 1 FROM dialog_versions WHERE name = ? AND version = ? AND keep_until > ?"


class DialogVersions:
    """Reports the versions of this program while it runs work; ``clock`` returns seconds since 1970."""

    def __init__(
        self, engine: Engine, dialogs: Iterable[tuple[str, int]], clock: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._dialogs = sorted(dialogs)
        self._clock = clock
        self._next_at = 0.0

    def run_due(self) -> float:
        """Report if it is time, and return the seconds until the next time.

        Raises: JournalUnavailable.
        """
        now = self._clock()
        if now >= self._next_at or self._next_at > now + REPORT_S:
            self._engine.run(lambda execute: self._report(execute, now + LIVE_S), durable=False)
            self._next_at = now + REPORT_S
        return self._next_at - now

    def is_live(self, name: str, version: int) -> bool:
        """Return whether a running worker has a version of a dialog.

        Raises: JournalUnavailable.
        """
        return bool(self._engine.read(lambda execute: execute(_IS_LIVE, (name, version, self._clock()))))

    def _report(self, execute: Execute, until: float) -> None:
        for name, version in self._dialogs:
            execute(_REPORT, (name, version, until))
