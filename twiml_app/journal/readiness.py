"""Whether the journal can be written to: found out at most once a second, for all who ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..errors import JournalUnavailable
from .engine import Engine

#: How long a result is valid, in seconds.
VALID_S = 1.0
#: How long the check may take, in seconds: those who ask want an answer within two.
LIMIT_S = 1.8


class Readiness:
    """Commits a row and deletes it; whoever asks meanwhile, or just afterwards, gets the same result."""

    def __init__(self, engine: Engine, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._checked_at = -VALID_S
        self._error: JournalUnavailable | None = None

    def check(self) -> None:
        """Check that the journal can be reached and written to.

        Raises: JournalUnavailable.
        """
        if not self._lock.acquire(timeout=LIMIT_S):
            raise JournalUnavailable(f"the journal did not answer within {LIMIT_S} s")
        try:
            if self._monotonic() - self._checked_at >= VALID_S:
                self._error = self._find_out()
                self._checked_at = self._monotonic()
            error = self._error
        finally:
            self._lock.release()
        if error:
            raise error.with_traceback(None)

    def _find_out(self) -> JournalUnavailable | None:
        try:
            self._engine.check(wait_s=LIMIT_S)
        except JournalUnavailable as error:
            return error
        return None
