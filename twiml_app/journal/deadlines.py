"""How many seconds are left until a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

#: What each step still gets after the deadline: enough for one that does not have to wait.
LEAST_S = 0.01


def seconds_left(deadline: float, *, least_s: float = LEAST_S, clock: Callable[[], float] = time.monotonic) -> float:
    """Return the seconds until a deadline of ``clock``, and ``least_s`` once fewer are left."""
    return max(deadline - clock(), least_s)
