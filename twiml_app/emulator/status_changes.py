"""Changes of a message's status, and the tasks that follow them: post a status callback, and mark a message as read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from .context import Context
from .delivery_steps import DeliverySteps
from .pending_tasks import PendingTasks
from .resources import MessageRecord
from .schedule import Schedule

#: Seconds until a message that was delivered is read.
READING_S = 1.0

_POST, _READ = "post", "read"


class StatusChanges:
    """Changes messages; ``post`` is called for each status that has a status callback."""

    def __init__(
        self, context: Context, schedule: Schedule, steps: DeliverySteps, post: Callable[[MessageRecord], None]
    ) -> None:
        self._context = context
        self._schedule = schedule
        self._steps = steps
        self._post = post
        self._tasks = PendingTasks(context.store.database)

    def change(self, sid: str, expected: frozenset[str], **changes: Any) -> MessageRecord | None:
        """Change a message and start the tasks that follow; both are stored in one transaction.

        Returns None, if the message has none of the expected statuses, or was deleted.
        """
        with self._context.lock:
            with self._context.store.exclusively():
                message = self._context.change_message(sid, expected, **changes)
                if message is None:
                    return None
                tasks = [(self._tasks.add(kind, message), kind) for kind in self._kinds_after(message)]
            for number, kind in tasks:
                self._start(number, kind, message)
        return message

    def resume(self) -> None:
        """Start the tasks that were pending when the emulator stopped."""
        for number, kind, message in self._tasks.all(MessageRecord):
            self._start(number, kind, message)

    def _kinds_after(self, message: MessageRecord) -> Iterator[str]:
        if message.status_url and message.status in self._posted(message):
            yield _POST
        if message.status == "delivered" and self._context.delivery_outcome(message.to)[0] == "read":
            yield _READ

    def _posted(self, message: MessageRecord) -> frozenset[str]:
        return frozenset({"sent", "failed"}) if message.status_brief else self._context.profile.posted

    def _start(self, number: int, kind: str, message: MessageRecord) -> None:
        now = self._context.clock.now()
        if kind == _POST:
            self._schedule.at(now, partial(self._post_status, number, message))
            return
        delivered = now if message.date_delivered is None else message.date_delivered
        self._steps.at(max(now, delivered + READING_S), self._read, (number, message.sid))

    def _post_status(self, number: int, message: MessageRecord) -> None:
        try:
            self._post(message)
        finally:
            self._tasks.remove(number)

    def _read(self, task: tuple[int, str], _moment: float) -> None:
        number, sid = task
        self.change(sid, frozenset({"delivered"}), status="read")
        self._tasks.remove(number)
