"""Work after the answer: functions that run outside of requests, at least once, with retries, and on schedules."""

from .background import Background, Step
from .runner import Surroundings, no_sending
from .work import Work

__all__ = ["Background", "Step", "Surroundings", "Work", "no_sending"]
