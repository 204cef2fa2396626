"""Send queues: one per long number, limited to one message per second.

Short codes, names and channels are not limited. See https://www.twilio.com/docs/api/errors/21611.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LONG_NUMBER_INTERVAL_S = 1.0

#: With more queues than this, those that have been idle for a minute are deleted.
MAX_QUEUES = 10_000
_IDLE_S = 60.0


@dataclass(slots=True)
class _SendQueue:
    """The waiting messages of a sender, and when the next one may be sent."""

    next_send: float = 0.0
    #: The sids in order; a dict, so that a canceled one is removed quickly.
    waiting: dict[str, None] = field(default_factory=dict)
    #: Whether the next message is already scheduled.
    is_scheduled: bool = False


class SendQueues:
    """One queue of waiting messages per sender; hold the lock of the context while changing one."""

    def __init__(self) -> None:
        self._queues: dict[str, _SendQueue] = {}

    def __len__(self) -> int:
        return len(self._queues)

    def wait(self, sender: str, now: float) -> float:
        """Return how long another message would wait, in seconds."""
        queue = self._queues.get(sender)
        if queue is None:
            return 0.0
        return max(0.0, queue.next_send - now) + len(queue.waiting) * LONG_NUMBER_INTERVAL_S

    def enqueue(self, sender: str, sid: str) -> float | None:
        """Add a message to the end; if none was scheduled, return when to send the first one."""
        queue = self._queues.setdefault(sender, _SendQueue())
        queue.waiting[sid] = None
        if queue.is_scheduled:
            return None
        queue.is_scheduled = True
        return queue.next_send

    def first(self, sender: str) -> str:
        """Return the sid of the first message, which stays in the queue; empty if there is none."""
        queue = self._queues.get(sender)
        return next(iter(queue.waiting), "") if queue else ""

    def mark_idle(self, sender: str) -> None:
        """Record that no message is scheduled."""
        if queue := self._queues.get(sender):
            queue.is_scheduled = False

    def record_send(self, sender: str, moment: float) -> float | None:
        """Record that a message was sent; return when to send the next one, or None if no message waits."""
        if len(self._queues) > MAX_QUEUES:
            self._delete_idle(moment)
        queue = self._queues.setdefault(sender, _SendQueue())
        queue.next_send = max(queue.next_send, moment + LONG_NUMBER_INTERVAL_S)
        queue.is_scheduled = bool(queue.waiting)
        return queue.next_send if queue.is_scheduled else None

    def remove(self, sender: str, sid: str) -> None:
        """Remove a message from its queue."""
        if queue := self._queues.get(sender):
            queue.waiting.pop(sid, None)

    def clear(self) -> None:
        """Delete every queue."""
        self._queues.clear()

    def _delete_idle(self, now: float) -> None:
        idle = [
            sender
            for sender, queue in self._queues.items()
            if not queue.is_scheduled and not queue.waiting and queue.next_send < now - _IDLE_S
        ]
        for sender in idle:
            del self._queues[sender]


def is_limited(sender: str) -> bool:
    """Return whether a sender is a long number, not a short code, name or channel."""
    return sender.startswith("+")
