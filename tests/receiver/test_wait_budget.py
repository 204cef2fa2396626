"""How long a request may wait for the journal, before and after its handler together."""

from __future__ import annotations

import pytest

from twiml_app.receiver.wait_budget import TWILIO_WAIT_S, WaitBudget


class Clock:
    """A clock that moves only when a test moves it."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Request:
    """A request that has just arrived, and calls that take their time."""

    def __init__(self, limit_s: float) -> None:
        self.clock = Clock()
        self.budget = WaitBudget(limit_s, self.clock.now, self.clock)
        self.limits: list[float] = []

    def handle(self, seconds: float) -> None:
        """Let time pass that is not spent on the journal."""
        self.clock.now += seconds

    def spend(self, seconds: float) -> None:
        """Make a call to the journal."""

        def call(wait_s: float) -> float:
            self.limits.append(wait_s)
            self.clock.now += seconds
            return seconds

        assert self.budget.spend(call) == seconds


@pytest.mark.parametrize(
    ("limit_s", "steps", "left_s"),
    [
        pytest.param(10, [], 10, id="nothing has happened"),
        pytest.param(10, [("spend", 3)], 7, id="a call took some of it"),
        pytest.param(10, [("spend", 3), ("spend", 4)], 3, id="two calls took some of it"),
        pytest.param(10, [("handle", 4)], 10, id="a handler takes nothing of it"),
        pytest.param(10, [("handle", 8)], 7, id="Twilio waits less than that"),
        pytest.param(10, [("spend", 3), ("handle", 2)], 7, id="Twilio waits longer"),
        pytest.param(10, [("spend", 3), ("handle", 8)], 4, id="Twilio waits less, and a call took some"),
        pytest.param(10, [("spend", 10)], 0.1, id="all of it is spent"),
        pytest.param(10, [("spend", 12)], 0.1, id="more than all is spent"),
        pytest.param(10, [("handle", 14.95)], 0.1, id="Twilio waits hardly any longer"),
        pytest.param(10, [("handle", 15)], 10, id="Twilio waits no longer"),
        pytest.param(10, [("spend", 3), ("handle", 100)], 7, id="Twilio gave up long ago"),
        pytest.param(10, [("spend", 10), ("handle", 100)], 0.1, id="Twilio gave up, and all is spent"),
        pytest.param(1, [("handle", 13)], 1, id="least limit"),
        pytest.param(14, [("handle", 0.5)], 14, id="greatest limit"),
        pytest.param(14, [("handle", 3)], 12, id="greatest limit, with a handler"),
        pytest.param(10, [("handle", -5)], 10, id="the clock was set back"),
    ],
)
def test_time_that_is_left(limit_s: float, steps: list[tuple[str, float]], left_s: float) -> None:
    """Twilio takes no answer after 15 seconds; once it has given up, the answer is still worth storing."""
    request = Request(limit_s)
    for name, seconds in steps:
        getattr(request, name)(seconds)

    assert request.budget.left_s(request.clock()) == pytest.approx(left_s, abs=1e-5)


def test_call_gets_what_is_left() -> None:
    """The second call must not wait for as long as the first one did."""
    request = Request(10)
    for seconds in (4, 5, 3, 1):
        request.spend(seconds)

    assert request.limits == pytest.approx([10, 6, 1, 0.1], abs=1e-5)


def test_call_that_fails_has_spent_its_time() -> None:
    """A journal that is down takes all of the time, and the next call must not take it again."""
    request = Request(10)

    def fail(wait_s: float) -> None:
        request.clock.now += wait_s
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        request.budget.spend(fail)

    assert request.budget.left_s(request.clock()) == 0.1


def test_request_may_wait_as_long_as_twilio_does() -> None:
    """Twilio documents 15 seconds."""
    assert TWILIO_WAIT_S == 15
