"""Counted SIDs, so that a test can assert a whole document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable


def counted_sids() -> Callable[[str], str]:
    """Return a function that makes SIDs: the first of each kind ends with 1."""
    made: Counter[str] = Counter()

    def new_sid(prefix: str) -> str:
        made[prefix] += 1
        return f"{prefix}{made[prefix]:032}"

    return new_sid
