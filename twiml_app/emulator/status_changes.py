"""Changes of a message's status, and the tasks that follow them: post a status callback, and mark a message as read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from .context import Context
from .delivery_steps import DeliverySteps
from .faults import Occasion
from .pending_tasks import PendingTasks
from .profiles import BRIEF
from .resources import MessageRecord
from .schedule import Schedule

#: Seconds until a message that was delivered is read.
READING_S = 1.0

#: How long the answer to a client waits for a status callback that should arrive before it, in real seconds.
EARLY_S = 5.0

_POST, _READ = "post", "read"
#: How long the callbacks of these statuses are held back to arrive after the later ones, as a multiple.
_REORDERED = {"queued": 2.0, "sent": 1.0}


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
        self._expected: dict[str, threading.Event] = {}

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

    @contextmanager
    def early(self, message: MessageRecord) -> Iterator[None]:
        """Begin the delivery of a message in this block; if the fault asks for it, wait for its first callback.

        The answer to the client is sent afterwards.
        """
        if not message.status_url or message.status == "scheduled" or not self._is_early(message):
            yield
            return
        posted = self._expected[message.sid] = threading.Event()
        try:
            yield
            self._schedule.run_until(posted.is_set, EARLY_S)
        finally:
            self._expected.pop(message.sid, None)

    def _is_early(self, message: MessageRecord) -> bool:
        return self._context.faults.take("status-before-answer", occasion=Occasion.of(message)) is not None

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
        return BRIEF if message.status_brief else self._context.profile.posted

    def _start(self, number: int, kind: str, message: MessageRecord) -> None:
        now = self._context.clock.now()
        if kind == _POST:
            self._schedule.at(now + self._held_back(message), partial(self._post_status, number, message))
            return
        delivered = now if message.date_delivered is None else message.date_delivered
        self._steps.at(max(now, delivered + READING_S), self._read, (number, message.sid))

    def _held_back(self, message: MessageRecord) -> float:
        """Return for how many seconds a callback is held back."""
        if message.status not in _REORDERED:
            return 0.0
        fault = self._context.faults.take("status-reorder", occasion=Occasion.of(message))
        return fault.seconds * _REORDERED[message.status] if fault else 0.0

    def _post_status(self, number: int, message: MessageRecord) -> None:
        try:
            self._post(message)
        finally:
            self._tasks.remove(number)
            if expected := self._expected.get(message.sid):
                expected.set()

    def _read(self, task: tuple[int, str], _moment: float) -> None:
        number, sid = task
        self.change(sid, frozenset({"delivered"}), status="read")
        self._tasks.remove(number)
