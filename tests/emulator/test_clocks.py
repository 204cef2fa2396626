"""Clocks: real time, faster time, and time that is stepped."""

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
    """A stopwatch that returns the value it is set to."""

    shows: float = 17.0

    def __call__(self) -> float:
        return self.shows


@pytest.mark.parametrize(("speed", "later"), [(1.0, START + 2.5), (100.0, START + 250)], ids=["real", "fast"])
def test_running_clock_runs_from_its_start_at_its_speed(speed: float, later: float) -> None:
    """Hours of delay must be able to pass in minutes, and the start date is configurable."""
    seconds = Seconds()
    clock = RunningClock(START, speed=speed, seconds=seconds)
    first = clock.now()
    seconds.shows += 2.5

    assert (first, clock.now(), clock.speed) == (START, later, speed)


def test_running_clock_cannot_be_moved() -> None:
    """The schedule relies on a running clock being left alone."""
    clock = RunningClock(START, seconds=Seconds())
    clock.move_to(START + 1000)

    assert clock.now() == START


@given(st.lists(st.floats(-1e6, 1e6)))
def test_stepped_clock_moves_only_forward_and_when_stepped(steps: list[float]) -> None:
    """If time went backwards, a message could be delivered before it was sent."""
    clock = SteppedClock(START)
    seen = [clock.now()]
    for step in steps:
        clock.move_to(START + step)
        seen.append(clock.now())

    assert seen == sorted(seen)
    assert clock.now() == clock.now() == START + max(0.0, *steps, 0.0)


@pytest.mark.parametrize(("name", "speed"), [("real", 1.0), ("fast", 100.0), ("step", 0.0)])
def test_clock_is_made_by_name(name: str, speed: float) -> None:
    """The command line uses the same names."""
    clock = make_clock(name, START)

    assert clock.speed == speed
    assert clock.now() >= START


def test_clock_named_step_is_moved_by_hand() -> None:
    """Tests step this clock."""
    clock = make_clock("step", START)
    clock.move_to(START + 60)

    assert clock.now() == START + 60


@pytest.mark.parametrize("name", ["", "Real", "slow"])
def test_unknown_clock_is_refused_with_the_known_names(name: str) -> None:
    """A misspelled name must not silently give real time."""
    with pytest.raises(ConfigurationError, match=f"^clock: '{name}' is not one of: real, fast, step$"):
        make_clock(name, START)


BEYOND = [
    pytest.param(float("nan"), id="not a number"),
    pytest.param(float("inf"), id="infinite"),
    pytest.param(-1.0, id="backwards"),
    pytest.param(LATEST + 1, id="year 10000"),
]


@pytest.mark.parametrize("seconds", BEYOND)
def test_time_without_a_valid_date_is_refused(seconds: float) -> None:
    """From then on, every answer with a date in it would be an internal error."""
    with pytest.raises(ConfigurationError, match=f"^clock: cannot advance by {seconds} seconds: time cannot go"):
        moment_after(0.0, seconds)
    with pytest.raises(ConfigurationError, match=r"^clock: "):
        make_clock("step", seconds)


def test_latest_time_leaves_room_for_messages_in_transit() -> None:
    """A message sent at the latest time is still delivered in a year that can be formatted."""
    assert moment_after(START, LATEST - START) == LATEST
    assert datetime.fromtimestamp(LATEST, UTC) == datetime(9999, 1, 1, tzinfo=UTC)
