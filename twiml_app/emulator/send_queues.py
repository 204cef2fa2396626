"""The lines of messages that wait to leave: one a long number, which sends one a second.

https://www.twilio.com/docs/api/errors/21611; short codes, names and channels are not limited.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

LONG_NUMBER_INTERVAL_S = 1.0


@dataclass(slots=True)
class _SendQueue:
    """The waiting messages of a sender, and when the next of them may leave."""

    free: float = 0.0
    #: Sids; a dict keeps their order, and gives up the one that is canceled.
    waiting: dict[str, None] = field(default_factory=dict)
    #: It is certain that the next one will be called.
    is_moving: bool = False


class SendQueues:
    """One line of waiting messages per sender; whoever changes one holds the lock of the context."""

    def __init__(self) -> None:
        self._queues: defaultdict[str, _SendQueue] = defaultdict(_SendQueue)

    def wait(self, sender: str, now: float) -> float:
        """Return how long one message more would wait, in seconds."""
        line = self._queues[sender]
        return max(0.0, line.free - now) + len(line.waiting) * LONG_NUMBER_INTERVAL_S

    def join(self, sender: str, sid: str) -> float | None:
        """Put a message at the end; if the line stood still, it moves now: returns when to call the next one."""
        line = self._queues[sender]
        line.waiting[sid] = None
        if line.is_moving:
            return None
        line.is_moving = True
        return line.free

    def first(self, sender: str) -> str:
        """Return the first message, which stays until it is given up; an empty sid if there is none."""
        return next(iter(self._queues[sender].waiting), "")

    def stand(self, sender: str) -> None:
        """Note that nobody will call the next one."""
        self._queues[sender].is_moving = False

    def leave(self, sender: str, moment: float) -> float | None:
        """Note that a message has left; returns when to call the next one, None if the line stands still now."""
        line = self._queues[sender]
        line.free = max(line.free, moment + LONG_NUMBER_INTERVAL_S)
        line.is_moving = bool(line.waiting)
        return line.free if line.is_moving else None

    def give_up(self, sender: str, sid: str) -> None:
        """Take a message out of its line."""
        self._queues[sender].waiting.pop(sid, None)

    def clear(self) -> None:
        """Forget every line."""
        self._queues.clear()


def is_limited(sender: str) -> bool:
    """Tell a long number from short codes, names and channels."""
    return sender.startswith("+")
