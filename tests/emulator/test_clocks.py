"""Clocks: real time, time in a hurry, and time that waits for its owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.emulator.clocks import LATEST, RunningClock, SteppedClock, make_clock, moment_after
from twiml_app.errors import ConfigurationError

START = 1_600_000_000.0


@dataclass
class Seconds:
    """A stopwatch that shows what it is set to."""

    shows: float = 17.0

    def __call__(self) -> float:
        return self.shows


@pytest.mark.parametrize(("speed", "later"), [(1.0, START + 2.5), (100.0, START + 250)], ids=["real", "fast"])
def test_running_clock_goes_from_its_start_at_its_speed(speed: float, later: float) -> None:
    """Delays of hours have to pass in minutes, and dates have to begin where the emulator is told."""
    seconds = Seconds()
    clock = RunningClock(START, speed=speed, seconds=seconds)
    first = clock.now()
    seconds.shows += 2.5

    assert (first, clock.now(), clock.speed) == (START, later, speed)


def test_running_clock_cannot_be_moved() -> None:
    """Time that runs by itself would be out of step with the schedule."""
    clock = RunningClock(START, seconds=Seconds())
    clock.move_to(START + 1000)

    assert clock.now() == START


@given(st.lists(st.floats(-1e6, 1e6)))
def test_stepped_clock_stands_still_and_never_goes_back(steps: list[float]) -> None:
    """A moment that has passed stays past: a message cannot be delivered before it was sent."""
    clock = SteppedClock(START)
    seen = [clock.now()]
    for step in steps:
        clock.move_to(START + step)
        seen.append(clock.now())

    assert seen == sorted(seen)
    assert clock.now() == clock.now() == START + max(0.0, *steps, 0.0)


@pytest.mark.parametrize(("name", "speed"), [("real", 1.0), ("fast", 100.0), ("step", 0.0)])
def test_clock_is_made_by_name(name: str, speed: float) -> None:
    """The names are those of the command line."""
    clock = make_clock(name, START)

    assert clock.speed == speed
    assert clock.now() >= START


def test_step_stands_still_until_it_is_moved() -> None:
    """The clock of that name is the one that tests step by hand."""
    clock = make_clock("step", START)
    clock.move_to(START + 60)

    assert clock.now() == START + 60


@pytest.mark.parametrize("name", ["", "Real", "slow"])
def test_unknown_clock_is_refused_with_the_names_there_are(name: str) -> None:
    """A misspelt name must not quietly give real time."""
    with pytest.raises(ConfigurationError, match=f"^clock: '{name}' is none of real, fast, step$"):
        make_clock(name, START)


BEYOND = [
    pytest.param(float("nan"), id="no number"),
    pytest.param(float("inf"), id="endless"),
    pytest.param(-1.0, id="back"),
    pytest.param(LATEST + 1, id="the year 10000"),
]


@pytest.mark.parametrize("seconds", BEYOND)
def test_moment_that_no_date_can_show_is_refused(seconds: float) -> None:
    """Every answer with a date in it would be an internal error from then on."""
    with pytest.raises(ConfigurationError, match=f"^clock: it cannot go on by {seconds} seconds: never back, nor"):
        moment_after(0.0, seconds)
    with pytest.raises(ConfigurationError, match=r"^clock: "):
        make_clock("step", seconds)


def test_last_moment_leaves_room_for_what_is_on_its_way() -> None:
    """A message that is sent then is delivered within the last year that can be written."""
    assert moment_after(START, LATEST - START) == LATEST
    assert datetime.fromtimestamp(LATEST, UTC) == datetime(9999, 1, 1, tzinfo=UTC)
