"""Work after the answer: functions that run outside of requests, at least once, with retries, and on schedules."""

from .background import Background, Step
from .delivering import deliver_to
from .opening import open_work
from .queue import Listener, WorkQueue, open_queue
from .runner import Surroundings
from .work import Work

__all__ = [
    "Background",
    "Listener",
    "Step",
    "Surroundings",
    "Work",
    "WorkQueue",
    "deliver_to",
    "open_queue",
    "open_work",
]
