"""How long the journal may make a request wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: How long Twilio waits for an answer. A number's URL may set another limit in its fragment (#rt=), which Twilio never
#: sends, https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides.
TWILIO_WAIT_S = 15.0
#: A healthy journal needs far less; with nothing left, it still gets so much.
_LEAST_S = 0.1


class WaitBudget:
    """What one request may spend on waiting for the journal, before and after its handler together, in seconds.

    ``started`` is when the request arrived, by ``clock``.
    """

    def __init__(self, limit_s: float, started: float, clock: Callable[[], float]) -> None:
        self._limit_s = limit_s
        self._started = started
        self._clock = clock
        self._spent_s = 0.0

    def spend(self, wait: Callable[[float], T]) -> T:
        """Call a function with the seconds that it may wait, and count how long it took."""
        before = self._clock()
        try:
            return wait(self.left_s(before))
        finally:
            self._spent_s += self._clock() - before

    def left_s(self, now: float) -> float:
        """Return what is left of the limit, and of the time that Twilio waits; once that has passed, nobody waits."""
        left_s = self._limit_s - self._spent_s
        twilio_s = TWILIO_WAIT_S - (now - self._started)
        return max(min(left_s, twilio_s) if twilio_s > 0 else left_s, _LEAST_S)
