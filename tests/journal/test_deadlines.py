"""The seconds that are left until a deadline."""

from __future__ import annotations

import math

import pytest

from twiml_app.journal.deadlines import LEAST_S, seconds_left


@pytest.mark.parametrize(
    ("now", "left"),
    [
        pytest.param(40.0, 60.0, id="before"),
        pytest.param(99.75, 0.5, id="almost"),
        pytest.param(100.0, 0.5, id="at"),
        pytest.param(130.0, 0.5, id="after"),
    ],
)
def test_wait_ends_at_its_deadline_and_gets_the_least_after_it(now: float, left: float) -> None:
    """A wait of 0 s or less could mean no limit, or no attempt at all."""
    assert seconds_left(100.0, least_s=0.5, clock=lambda: now) == left


def test_deadlines_are_of_the_monotonic_clock_by_default() -> None:
    """A clock that is set must not make a request wait longer."""
    assert (seconds_left(-math.inf), seconds_left(math.inf)) == (LEAST_S, math.inf)
