"""Senders of messaging services: which number of a service sends a message.

https://www.twilio.com/docs/messaging/services#sticky-sender
"""

from __future__ import annotations

from collections import OrderedDict

from .context import Context
from .faults import Occasion
from .numbers import takes_names
from .resources import MessageRecord, MessagingService
from .send_queues import SendQueues
from .store import Condition

#: For how many pairs of a service and a contact the last sender is remembered; the oldest are forgotten first.
MAX_PAIRS = 100_000


class ServiceSenders:
    """Picks a sender, and remembers which number last wrote to a contact."""

    def __init__(self, context: Context, queues: SendQueues) -> None:
        self._context = context
        self._queues = queues
        #: The number that last wrote to a contact, by service and contact.
        self._last: OrderedDict[tuple[str, str], str] = OrderedDict()

    def pick(self, message: MessageRecord) -> str:
        """Return the number that wrote to this contact before, otherwise the one with the shortest queue."""
        service = self._context.store.get(MessagingService, message.messaging_service_sid)
        if service is None:
            return ""
        if service.alpha_sender and takes_names(message.to) and not message.num_media:
            return service.alpha_sender
        numbers = [number.phone_number for number in self._context.numbers_of(service)]
        last = self._last.get((service.sid, message.to), "")
        if last in numbers and len(numbers) > 1 and self._is_changed(message):
            numbers.remove(last)
        if service.sticky_sender and last in numbers:
            return last
        now = self._context.clock.now()
        return min(numbers, key=lambda number: self._queues.wait(number, now), default="")

    def _is_changed(self, message: MessageRecord) -> bool:
        return self._context.faults.take("message-other-number", occasion=Occasion.of(message)) is not None

    def record(self, message: MessageRecord, sender: str) -> None:
        """Record that a number writes to the contact of a message."""
        if message.messaging_service_sid and sender:
            self._remember(message.messaging_service_sid, message.to, sender)

    def resume(self) -> None:
        """Read the last senders from the stored messages."""
        sent = (
            Condition("direction", "like", "outbound%"),
            Condition("messaging_service_sid", ">", ""),
            Condition("from_", ">", ""),
        )
        by = ("messaging_service_sid", "to")
        for service_sid, contact, sender in self._context.store.newest_of_each(MessageRecord, by, "from_", *sent):
            self._remember(service_sid, contact, sender)

    def clear(self) -> None:
        """Forget all senders."""
        self._last.clear()

    def _remember(self, service_sid: str, contact: str, sender: str) -> None:
        with self._context.lock:
            self._last[service_sid, contact] = sender
            self._last.move_to_end((service_sid, contact))
            if len(self._last) > MAX_PAIRS:
                self._last.popitem(last=False)
