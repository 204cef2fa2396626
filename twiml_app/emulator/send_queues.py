"""Send queues: one per long number, limited to one message per second.

Short codes, names and channels are not limited. See https://www.twilio.com/docs/api/errors/21611.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

LONG_NUMBER_INTERVAL_S = 1.0


@dataclass(slots=True)
class _SendQueue:
    """The waiting messages of a sender, and when the next one may be sent."""

    free: float = 0.0
    #: The sids in order; a dict, so that a canceled one is removed quickly.
    waiting: dict[str, None] = field(default_factory=dict)
    #: Whether the next message is already scheduled.
    is_moving: bool = False


class SendQueues:
    """One queue of waiting messages per sender; hold the lock of the context while changing one."""

    def __init__(self) -> None:
        self._queues: defaultdict[str, _SendQueue] = defaultdict(_SendQueue)

    def wait(self, sender: str, now: float) -> float:
        """Return how long another message would wait, in seconds."""
        line = self._queues[sender]
        return max(0.0, line.free - now) + len(line.waiting) * LONG_NUMBER_INTERVAL_S

    def join(self, sender: str, sid: str) -> float | None:
        """Add a message to the end; if the queue was idle, it is active now: returns when to send the next message."""
        line = self._queues[sender]
        line.waiting[sid] = None
        if line.is_moving:
            return None
        line.is_moving = True
        return line.free

    def first(self, sender: str) -> str:
        """Return the sid of the first message, which stays in the queue; empty if there is none."""
        return next(iter(self._queues[sender].waiting), "")

    def stand(self, sender: str) -> None:
        """Mark the queue as idle: no message is scheduled."""
        self._queues[sender].is_moving = False

    def leave(self, sender: str, moment: float) -> float | None:
        """Record that a message was sent; returns when to send the next one, None if the queue is now idle."""
        line = self._queues[sender]
        line.free = max(line.free, moment + LONG_NUMBER_INTERVAL_S)
        line.is_moving = bool(line.waiting)
        return line.free if line.is_moving else None

    def give_up(self, sender: str, sid: str) -> None:
        """Remove a message from its queue."""
        self._queues[sender].waiting.pop(sid, None)

    def clear(self) -> None:
        """Delete every queue."""
        self._queues.clear()


def is_limited(sender: str) -> bool:
    """Return whether a sender is a long number, not a short code, name or channel."""
    return sender.startswith("+")
