"""Delivery of messages to phones: queued, sending, sent, then delivered or the failure chosen for the phone.

https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import ApiError
from .context import Context
from .delivery_steps import DeliverySteps
from .message_faults import failure_code, loss_code, queue_code
from .pricing import price_of
from .resources import Account, MessageRecord
from .send_queues import SendQueues, is_limited
from .service_senders import ServiceSenders
from .status_changes import StatusChanges
from .store import Condition
from .whatsapp import refusal_code

#: Seconds until the carrier accepts a message, then until the phone receives it.
SENDING_S = 0.2
DELIVERING_S = 1.0

_UNFINISHED = ("accepted", "scheduled", "queued", "sending", "sent")
#: The statuses from which a message can be forced to its final one.
_FORCED = ("queued", "sending", "sent")
_IS_OURS = Condition("direction", "like", "outbound%")

_SUSPENDED, _QUEUE_OVERFLOW, _TOO_EXPENSIVE, _NO_MMS = 30002, 30001, 30010, 30011


class Delivery:
    """Moves messages from status to status.

    Every step uses the time at which it was due, so on a busy machine no message is sent late, nor two at once.
    """

    def __init__(self, context: Context, steps: DeliverySteps, statuses: StatusChanges) -> None:
        #: Called with every message that has arrived at a phone.
        self.on_delivered: Callable[[MessageRecord], None] | None = None
        self._context = context
        self._steps = steps
        self._statuses = statuses
        self._queues = SendQueues()
        self._senders = ServiceSenders(context, self._queues)

    def refuse_overflow(self, sender: str) -> None:
        """Refuse a sender whose queue is full.

        Raises: ApiError.
        """
        if self._is_full(sender):
            raise ApiError(21611, f"This 'From' number {sender} has exceeded the maximum number of queued messages.")

    def begin_for_client(self, message: MessageRecord) -> None:
        """Start the delivery of a new message that a client has sent and is not answered about yet."""
        with self._statuses.early(message):
            self.begin(message)

    def begin(self, message: MessageRecord) -> None:
        """Start the delivery of a new message, or continue that of one in transit when the emulator stopped."""
        self._senders.record(message, message.from_)
        now = self._context.clock.now()
        if message.status == "scheduled":
            self._steps.at(max(now, message.send_at or now), self._queue, message.sid, patient=True)
        elif message.status == "accepted":
            self._steps.at(now, self._queue, message.sid)
        elif message.status == "sent":
            self._steps.at(now + DELIVERING_S, self._deliver, message.sid)
        else:
            self._enqueue(message.from_, message.sid, now)

    def resume(self) -> None:
        """Continue the deliveries that were in progress when the emulator stopped."""
        store = self._context.store
        self._statuses.resume()
        self._senders.resume()
        is_sent = (_IS_OURS, Condition("date_sent", ">", 0))
        for sender, moment in store.newest_of_each(MessageRecord, ("from_",), "date_sent", *is_sent, most="date_sent"):
            if is_limited(sender):
                self._queues.record_send(sender, moment)
        for message in store.find(MessageRecord, _IS_OURS, Condition("status", "in", _UNFINISHED), oldest_first=True):
            self.begin(message)

    def clear(self) -> None:
        """Empty the queues, and forget which number wrote to which contact."""
        with self._context.lock:
            self._queues.clear()
            self._senders.clear()

    def cancel(self, message: MessageRecord) -> MessageRecord | None:
        """Cancel a message; return None if it has been sent already."""
        waiting = frozenset({"accepted", "scheduled", "queued"})
        canceled = self._statuses.change(message.sid, waiting, status="canceled")
        if canceled:
            with self._context.lock:
                self._queues.remove(canceled.from_, canceled.sid)
        return canceled

    def force(self, sid: str, status: str, code: int) -> MessageRecord | None:
        """Let a message in transit be ``delivered`` or ``failed`` now, or one that was delivered be ``read``.

        A failure after the message was sent is ``undelivered``. Returns None if the message is in none of these states.
        """
        with self._context.lock:
            message = self._context.store.get(MessageRecord, sid)
            if message is None or message.status not in (_FORCED if status != "read" else ("delivered",)):
                return None
            self._queues.remove(message.from_, sid)
            now = self._context.clock.now()
            if status == "read":
                return self._statuses.change(sid, frozenset({"delivered"}), status="read")
            if status == "delivered":
                self._mark_sent(message, now)
                self._arrive(sid, now)
            else:
                final = "undelivered" if message.status == "sent" else "failed"
                self._statuses.change(sid, frozenset({message.status}), status=final, error_code=code)
            return self._context.store.get(MessageRecord, sid)

    def fail(self, message: MessageRecord, code: int) -> MessageRecord:
        """Fail a message that cannot be sent at all, with an error code."""
        expected = frozenset({message.status})
        return self._statuses.change(message.sid, expected, status="failed", error_code=code) or message

    def _queue(self, sid: str, moment: float) -> None:
        waiting = frozenset({"accepted", "scheduled"})
        with self._context.lock:
            message = self._context.store.get(MessageRecord, sid)
            if message is None or message.status not in waiting:
                return
            sender = message.from_ or self._senders.pick(message)
            self._senders.record(message, sender)
            if self._is_full(sender):
                self._statuses.change(sid, waiting, status="failed", error_code=_QUEUE_OVERFLOW, from_=sender)
            else:
                self._statuses.change(sid, waiting, status="queued", from_=sender, date_queued=moment)
                self._enqueue(sender, sid, moment)

    def _is_full(self, sender: str) -> bool:
        with self._context.lock:
            return self._queues.wait(sender, self._context.clock.now()) >= self._context.profile.queue_s

    def _enqueue(self, sender: str, sid: str, moment: float) -> None:
        """Schedule the sending of a message: in its turn from a long number, immediately from any other sender."""
        if not is_limited(sender):
            self._steps.at(moment, self._send, sid)
            return
        with self._context.lock:
            next_send = self._queues.enqueue(sender, sid)
        if next_send is not None:
            self._steps.at(max(moment, next_send), self._send_next, sender)

    def _send_next(self, sender: str, moment: float) -> None:
        """Send the first message of a queue; messages that cannot be sent take no time."""
        with self._context.lock:
            while sid := self._queues.first(sender):
                is_sent = self._send(sid, moment)
                self._queues.remove(sender, sid)
                if is_sent:
                    self._schedule_next(sender, moment)
                    return
            self._queues.mark_idle(sender)

    def _schedule_next(self, sender: str, moment: float) -> None:
        next_send = self._queues.record_send(sender, moment)
        if next_send is not None:
            self._steps.at(next_send, self._send_next, sender)

    def _send(self, sid: str, moment: float) -> bool:
        """Send a message; returns whether it was sent."""
        message = self._context.store.get(MessageRecord, sid)
        expected = frozenset({"queued", "sending"})
        if message is None or message.status not in expected:
            return False
        code = self._obstacle(message, moment)
        if code:
            self._statuses.change(sid, expected, status="failed", error_code=code)
            return False
        if self._statuses.change(sid, expected, status="sending") is None:
            return False
        self._steps.at(moment + SENDING_S, self._accept, sid)
        return True

    def _obstacle(self, message: MessageRecord, moment: float) -> int:
        """Return the error code of the reason why a message cannot be sent; 0 if it can."""
        account = self._context.store.get(Account, message.account_sid)
        if account is None or account.status != "active":
            return _SUSPENDED
        queued = message.date_created if message.date_queued is None else message.date_queued
        if message.validity_s is not None and moment > queued + message.validity_s:
            return self._context.profile.expired_code
        price = _price_of(message)
        if self._context.profile.max_price_counts and message.max_price is not None and -price > message.max_price:
            return _TOO_EXPENSIVE
        if message.num_media and not self._context.takes_media(message.to):
            return _NO_MMS
        return queue_code(self._context, message)

    def _accept(self, sid: str, moment: float) -> None:
        """Let the carrier accept a message, or fail it."""
        message = self._context.store.get(MessageRecord, sid)
        if message is None or message.status != "sending":
            return
        status, code = self._context.delivery_outcome(message.to)
        if status != "failed":
            code = refusal_code(self._context, message) or failure_code(self._context, message)
        if code:
            self._statuses.change(sid, frozenset({"sending"}), status="failed", error_code=code)
            return
        if self._mark_sent(message, moment):
            self._steps.at(moment + DELIVERING_S, self._deliver, sid)

    def _mark_sent(self, message: MessageRecord, moment: float) -> bool:
        """Mark a message as sent if it is not yet; returns whether it was marked."""
        price = _price_of(message)
        changes = {"status": "sent", "date_sent": moment, "price": price}
        return self._statuses.change(message.sid, frozenset({"queued", "sending"}), **changes) is not None

    def _deliver(self, sid: str, moment: float) -> None:
        """Let the phone receive a message, or report that it did not."""
        message = self._context.store.get(MessageRecord, sid)
        if message is None or message.status != "sent":
            return
        status, code = self._context.delivery_outcome(message.to)
        if status != "undelivered":
            code = loss_code(self._context, message)
        if code:
            self._statuses.change(sid, frozenset({"sent"}), status="undelivered", error_code=code)
        elif status not in ("sent", "failed"):
            self._arrive(sid, moment)

    def _arrive(self, sid: str, moment: float) -> None:
        """Let a message arrive at the phone."""
        arrived = self._statuses.change(sid, frozenset({"sent"}), status="delivered", date_delivered=moment)
        if arrived and self.on_delivered:
            self.on_delivered(arrived)


def _price_of(message: MessageRecord) -> float:
    return price_of(message.to, segments=message.num_segments, num_media=message.num_media)
