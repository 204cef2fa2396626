"""Automatic replies: texts that a phone sends by itself when a message arrives."""

from __future__ import annotations

from functools import partial

from .context import Context
from .faults import Occasion
from .inbound import Inbound
from .resources import MessageRecord
from .schedule import Schedule

#: Seconds until a phone replies.
REPLYING_S = 1.0


class AutoReplies:
    """Sends the automatic replies that were asked for."""

    def __init__(self, context: Context, schedule: Schedule, inbound: Inbound) -> None:
        self._context = context
        self._schedule = schedule
        self._inbound = inbound

    def note(self, message: MessageRecord) -> None:
        """Reply to a message that has arrived, if that was asked for, and it is from a number of ours."""
        if not self._context.faults or self._context.find_number(message.from_) is None:
            return
        fault = self._context.faults.take("message-auto-reply", occasion=Occasion.of(message))
        if fault:
            reply = partial(self._reply, message, fault.text)
            self._schedule.at(self._context.clock.now() + REPLYING_S, reply)

    def _reply(self, message: MessageRecord, text: str) -> None:
        if self._context.find_number(message.from_):  # it may have been deleted meanwhile
            self._inbound.receive(contact=message.to, number=message.from_, body=text)
