"""Steps of a delivery: they run when they are due, and again after an error."""

from __future__ import annotations

from itertools import pairwise

import pytest

from twiml_app.emulator.clocks import SteppedClock
from twiml_app.emulator.delivery_steps import DeliverySteps
from twiml_app.emulator.schedule import Schedule

START = 1000.0


class Recorder:
    """Steps with a stepped clock, and a step that fails a number of times."""

    def __init__(self, failures: int = 0) -> None:
        self.clock = SteppedClock(START)
        self.schedule = Schedule(self.clock)
        self.steps = DeliverySteps(self.schedule, self.clock)
        self.failures = failures
        #: When the step was called, with which subject, and when it was due; times are seconds after the start.
        self.calls: list[tuple[float, str, float]] = []

    def step(self, subject: str, moment: float) -> None:
        """Record the call, or fail."""
        self.calls.append((self.clock.now() - START, subject, moment - START))
        if len(self.calls) <= self.failures:
            raise OSError("no space left on device")


def test_step_gets_its_subject_and_the_time_at_which_it_was_due() -> None:
    """A late step must not delay the steps that follow it."""
    recorder = Recorder()
    recorder.steps.at(START - 5, recorder.step, "SM1")
    recorder.steps.at(START + 5, recorder.step, "SM2")
    recorder.schedule.advance(10)

    assert recorder.calls == [(0, "SM1", -5), (5, "SM2", 5)]


def test_patient_step_is_not_settled() -> None:
    """A scheduled message is not in transit yet."""
    recorder = Recorder()
    recorder.steps.at(START + 5, recorder.step, "SM1", patient=True)
    assert recorder.schedule.settle()
    assert recorder.calls == []
    recorder.schedule.advance(5)

    assert recorder.calls == [(5, "SM1", 5)]


def test_step_that_raises_is_retried_with_growing_delays() -> None:
    """A full disk may take a while to get room again; the step keeps the time at which it was due."""
    recorder = Recorder(failures=13)
    recorder.steps.at(START + 5, recorder.step, "SM1")
    for _ in range(13):
        with pytest.raises(OSError, match="no space left on device"):
            recorder.schedule.settle()
    assert recorder.schedule.settle()
    times = [time for time, _, _ in recorder.calls]

    assert [later - earlier for earlier, later in pairwise(times)] == [
        *(2**n for n in range(10)),
        *[1024] * 3,
    ]
    assert {call[1:] for call in recorder.calls} == {("SM1", 5)}
