"""Delivery of messages to phones: queued, sending, sent, then delivered or the failure chosen for the phone.

https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ..errors import ApiError
from .context import Context
from .pending_tasks import PendingTasks
from .pricing import price_of
from .resources import Account, MessageRecord, MessagingService, PhoneSettings
from .schedule import Schedule
from .send_queues import SendQueues, is_limited
from .store import Condition

#: Seconds until the carrier accepts a message, then until the phone receives it.
SENDING_S = 0.2
DELIVERING_S = 1.0

#: Seconds until a step is retried after an error in the emulator, such as a full disk; doubled up to ten times.
RETRY_S = 1.0
_MAX_DOUBLED = 10

#: The tasks that follow a status; they are kept in the store until they are done.
_POST, _READ = "post", "read"
_UNFINISHED = ("accepted", "scheduled", "queued", "sending", "sent")
_IS_OURS = Condition("direction", "like", "outbound%")

_DEFAULT_ERRORS = {"failed": 30008, "undelivered": 30003}
_SUSPENDED, _QUEUE_OVERFLOW, _TOO_EXPENSIVE, _NO_MMS = 30002, 30001, 30010, 30011


class Delivery:
    """Moves messages from status to status; ``post`` is called for each change.

    Every step uses the time at which it was due, so on a busy machine no message is sent late, nor two at once.
    """

    def __init__(self, context: Context, schedule: Schedule, post: Callable[[MessageRecord], None]) -> None:
        self._context = context
        self._schedule = schedule
        self._post = post
        self._tasks = PendingTasks(context.store.database)
        self._queues = SendQueues()
        #: The number that last wrote to a contact, by service and contact.
        self._senders: dict[tuple[str, str], str] = {}

    def refuse_overflow(self, sender: str) -> None:
        """Refuse a sender whose queue is full.

        Raises: ApiError.
        """
        if self._is_full(sender):
            raise ApiError(21611, f"This 'From' number {sender} has exceeded the maximum number of queued messages.")

    def begin(self, message: MessageRecord) -> None:
        """Start the delivery of a new message, or continue that of one in transit when the emulator stopped."""
        self._note_sender(message, message.from_)
        now = self._context.clock.now()
        if message.status == "scheduled":
            self._at(max(now, message.send_at or now), self._queue, message.sid, patient=True)
        elif message.status == "accepted":
            self._at(now, self._queue, message.sid)
        elif message.status == "sent":
            self._at(now + DELIVERING_S, self._finish, message.sid)
        else:
            self._enqueue(message.from_, message.sid, now)

    def resume(self) -> None:
        """Continue the deliveries that were in progress when the emulator stopped."""
        store = self._context.store
        for number, kind, message in self._tasks.all(MessageRecord):
            self._start_task(number, kind, message)
        has_service = (_IS_OURS, Condition("messaging_service_sid", ">", ""), Condition("from_", ">", ""))
        for service, to, sender in store.newest_of_each(
            MessageRecord, ("messaging_service_sid", "to"), "from_", *has_service
        ):
            self._senders[service, to] = sender
        has_left = (_IS_OURS, Condition("date_sent", ">", 0))
        for sender, moment in store.newest_of_each(MessageRecord, ("from_",), "date_sent", *has_left, most="date_sent"):
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
        canceled = self._move(message.sid, waiting, status="canceled")
        if canceled:
            with self._context.lock:
                self._queues.remove(canceled.from_, canceled.sid)
        return canceled

    def fail(self, message: MessageRecord, code: int) -> MessageRecord:
        """Fail a message that cannot be sent at all, with an error code."""
        return self._move(message.sid, frozenset({message.status}), status="failed", error_code=code) or message

    def _queue(self, sid: str, moment: float) -> None:
        waiting = frozenset({"accepted", "scheduled"})
        with self._context.lock:
            message = self._context.store.get(MessageRecord, sid)
            if message is None or message.status not in waiting:
                return
            sender = message.from_ or self._pick_sender(message)
            self._note_sender(message, sender)
            if self._is_full(sender):
                self._move(sid, waiting, status="failed", error_code=_QUEUE_OVERFLOW, from_=sender)
            else:
                self._move(sid, waiting, status="queued", from_=sender, date_queued=moment)
                self._enqueue(sender, sid, moment)

    def _pick_sender(self, message: MessageRecord) -> str:
        """Return the number of a service that sends a message.

        This is the number that wrote to this contact before, otherwise the one with the shortest queue,
        https://www.twilio.com/docs/messaging/services#sticky-sender
        """
        service = self._context.store.get(MessagingService, message.messaging_service_sid)
        if service is None:
            return ""
        numbers = [number.phone_number for number in self._context.numbers_of(service)]
        earlier = self._senders.get((service.sid, message.to), "")
        if service.sticky_sender and earlier in numbers:
            return earlier
        now = self._context.clock.now()
        return min(numbers, key=lambda number: self._queues.wait(number, now), default="")

    def _note_sender(self, message: MessageRecord, sender: str) -> None:
        if message.messaging_service_sid and sender:
            self._senders[message.messaging_service_sid, message.to] = sender

    def _is_full(self, sender: str) -> bool:
        with self._context.lock:
            return self._queues.wait(sender, self._context.clock.now()) >= self._context.profile.queue_s

    def _enqueue(self, sender: str, sid: str, moment: float) -> None:
        """Schedule the sending of a message: in its turn from a long number, immediately from any other sender."""
        if not is_limited(sender):
            self._at(moment, self._send, sid)
            return
        with self._context.lock:
            next_send = self._queues.enqueue(sender, sid)
        if next_send is not None:
            self._at(max(moment, next_send), self._send_next, sender)

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
            self._at(next_send, self._send_next, sender)

    def _send(self, sid: str, moment: float) -> bool:
        """Send a message; returns whether it was sent."""
        message = self._context.store.get(MessageRecord, sid)
        leaving = frozenset({"queued", "sending"})
        if message is None or message.status not in leaving:
            return False
        code = self._obstacle(message, moment)
        changes = {"status": "failed", "error_code": code} if code else {"status": "sending"}
        has_left = self._move(sid, leaving, **changes) is not None and not code
        if has_left:
            self._at(moment + SENDING_S, self._leave, sid)
        return has_left

    def _obstacle(self, message: MessageRecord, moment: float) -> int:
        """Return the error code of the reason why a message cannot be sent; 0 if it can."""
        account = self._context.store.get(Account, message.account_sid)
        if account is None or account.status != "active":
            return _SUSPENDED
        queued = message.date_created if message.date_queued is None else message.date_queued
        if message.validity_s is not None and moment > queued + message.validity_s:
            return self._context.profile.expired_code
        price = price_of(message.to, segments=message.num_segments, num_media=message.num_media)
        if self._context.profile.max_price_counts and message.max_price is not None and -price > message.max_price:
            return _TOO_EXPENSIVE
        if message.num_media and not self._context.takes_media(message.to):
            return _NO_MMS
        return 0

    def _leave(self, sid: str, moment: float) -> None:
        message = self._context.store.get(MessageRecord, sid)
        if message is None:
            return
        status, code = self._phone_settings(message.to)
        if status == "failed":
            self._move(sid, frozenset({"sending"}), status="failed", error_code=code)
            return
        price = price_of(message.to, segments=message.num_segments, num_media=message.num_media)
        if self._move(sid, frozenset({"sending"}), status="sent", date_sent=moment, price=price):
            self._at(moment + DELIVERING_S, self._finish, sid)

    def _finish(self, sid: str, moment: float) -> None:
        message = self._context.store.get(MessageRecord, sid)
        if message is None:
            return
        status, code = self._phone_settings(message.to)
        if status == "undelivered":
            self._move(sid, frozenset({"sent"}), status=status, error_code=code)
        elif status not in ("sent", "failed"):
            self._move(sid, frozenset({"sent"}), status="delivered", date_delivered=moment)

    def _read(self, read: tuple[int, str], _moment: float) -> None:
        number, sid = read
        self._move(sid, frozenset({"delivered"}), status="read")
        self._tasks.remove(number)

    def _phone_settings(self, number: str) -> tuple[str, int | None]:
        phone_settings = self._context.store.get(PhoneSettings, number)
        if phone_settings is None:
            return "delivered", None
        return phone_settings.status, phone_settings.error_code or _DEFAULT_ERRORS.get(phone_settings.status)

    def _move(self, sid: str, expected: frozenset[str], **changes: Any) -> MessageRecord | None:
        """Change a message and start the tasks that follow; both are stored in one transaction."""
        store = self._context.store
        with self._context.lock:
            with store.exclusively():
                message = self._context.change_message(sid, expected, **changes)
                if message is None:
                    return None
                tasks = [(self._tasks.add(kind, message), kind) for kind in self._tasks_after(message)]
            for number, kind in tasks:
                self._start_task(number, kind, message)
        return message

    def _tasks_after(self, message: MessageRecord) -> Iterator[str]:
        if message.status_url and message.status in self._posted(message):
            yield _POST
        if message.status == "delivered" and self._phone_settings(message.to)[0] == "read":
            yield _READ

    def _posted(self, message: MessageRecord) -> frozenset[str]:
        return frozenset({"sent", "failed"}) if message.status_brief else self._context.profile.posted

    def _start_task(self, number: int, kind: str, message: MessageRecord) -> None:
        now = self._context.clock.now()
        if kind == _POST:
            self._schedule.at(now, partial(self._post_status, number, message))
        else:
            delivered = now if message.date_delivered is None else message.date_delivered
            self._at(max(now, delivered + DELIVERING_S), self._read, (number, message.sid))

    def _post_status(self, number: int, message: MessageRecord) -> None:
        try:
            self._post(message)
        finally:
            self._tasks.remove(number)

    def _at(self, due: float, step: Callable[[Any, float], object], subject: object, *, patient: bool = False) -> None:
        self._schedule.at(due, partial(self._try, due, step, subject), patient=patient)

    def _try(self, due: float, step: Callable[[Any, float], object], subject: object, tried: int = 0) -> None:
        """Run a step; if it fails, retry later, because nothing else would move its message and its queue."""
        try:
            step(subject, due)
        except Exception:
            later = max(due, self._context.clock.now()) + RETRY_S * 2 ** min(tried, _MAX_DOUBLED)
            self._schedule.at(later, partial(self._try, due, step, subject, tried + 1))
            raise
