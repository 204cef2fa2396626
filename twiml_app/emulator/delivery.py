"""How a message gets to a phone: queued, sending, sent, delivered or the failure chosen for that phone.

https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..errors import ApiError
from .context import Context
from .lines import Lines, is_limited
from .pricing import price_of
from .resources import Account, Fate, Message, MessagingService
from .schedule import Schedule
from .store import Condition

#: How long the network takes to accept a message, and then the phone to have it.
SENDING_S = 0.2
DELIVERING_S = 1.0

_DEFAULT_ERRORS = {"failed": 30008, "undelivered": 30003}
_SUSPENDED, _QUEUE_OVERFLOW, _TOO_EXPENSIVE, _NO_MMS = 30002, 30001, 30010, 30011


class Delivery:
    """Moves messages from status to status; ``post`` is told of each change."""

    def __init__(self, context: Context, schedule: Schedule, post: Callable[[Message], None]) -> None:
        self._context = context
        self._schedule = schedule
        self._post = post
        self._lines = Lines()
        #: The number of a service that wrote to somebody last, by service and person.
        self._senders: dict[tuple[str, str], str] = {}

    def refuse_overflow(self, sender: str) -> None:
        """Refuse a sender whose queue is full.

        Raises: ApiError.
        """
        if self._is_full(sender):
            raise ApiError(21611, f"This 'From' number {sender} has exceeded the maximum number of queued messages.")

    def begin(self, message: Message) -> None:
        """Take a new message, or one that was on its way when the emulator stopped."""
        self._note_sender(message, message.from_)
        if message.status == "scheduled":
            due = message.send_at or self._context.clock.now()
            self._schedule.at(due, partial(self._queue, message.sid), patient=True)
        elif message.status == "accepted":
            self._after(0.0, self._queue, message.sid)
        elif message.status == "sent":
            self._after(DELIVERING_S, self._finish, message.sid)
        else:
            self._line_up(message.from_, message.sid)

    def resume(self) -> None:
        """Go on with what was on its way."""
        is_ours = Condition("direction", "like", "outbound%")
        messages = self._context.store.find(Message, is_ours, oldest_first=True)
        for message in messages:
            self._note_sender(message, message.from_)
            if message.date_sent is not None and is_limited(message.from_):
                self._lines.leave(message.from_, message.date_sent)
        for message in messages:
            if message.status in ("accepted", "scheduled", "queued", "sending", "sent"):
                self.begin(message)

    def clear(self) -> None:
        """Forget the lines, and who wrote to whom."""
        with self._context.lock:
            self._lines.clear()
            self._senders.clear()

    def cancel(self, message: Message) -> Message | None:
        """Cancel what has not left yet; None for what has."""
        waiting = frozenset({"accepted", "scheduled", "queued"})
        canceled = self._move(message.sid, waiting, status="canceled")
        if canceled:
            with self._context.lock:
                self._lines.give_up(canceled.from_, canceled.sid)
        return canceled

    def fail(self, message: Message, code: int) -> Message:
        """Let a message fail that cannot be sent at all."""
        return self._move(message.sid, frozenset({message.status}), status="failed", error_code=code) or message

    def _queue(self, sid: str) -> None:
        waiting = frozenset({"accepted", "scheduled"})
        with self._context.lock:
            message = self._context.store.get(Message, sid)
            if message is None or message.status not in waiting:
                return
            sender = message.from_ or self._pick_sender(message)
            self._note_sender(message, sender)
            if self._is_full(sender):
                self._move(sid, waiting, status="failed", error_code=_QUEUE_OVERFLOW, from_=sender)
            else:
                self._move(sid, waiting, status="queued", from_=sender, date_queued=self._context.clock.now())
                self._line_up(sender, sid)

    def _pick_sender(self, message: Message) -> str:
        """Return the number of a service that a message leaves from.

        The one that wrote to this person before, else that with the shortest line,
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
        return min(numbers, key=lambda number: self._lines.wait(number, now), default="")

    def _note_sender(self, message: Message, sender: str) -> None:
        if message.messaging_service_sid and sender:
            self._senders[message.messaging_service_sid, message.to] = sender

    def _is_full(self, sender: str) -> bool:
        with self._context.lock:
            return self._lines.wait(sender, self._context.clock.now()) >= self._context.profile.queue_s

    def _line_up(self, sender: str, sid: str) -> None:
        """Have a message leave: in its turn from a long number, at once from any other sender."""
        now = self._context.clock.now()
        if not is_limited(sender):
            self._schedule.at(now, partial(self._send, sid))
            return
        with self._context.lock:
            free = self._lines.join(sender, sid)
        if free is not None:
            self._schedule.at(max(now, free), partial(self._call_next, sender))

    def _call_next(self, sender: str) -> None:
        """Let the first message of a line leave; those that cannot leave take no time."""
        while sid := self._call(sender):
            if self._send(sid):
                self._call_later(sender)
                return

    def _call(self, sender: str) -> str:
        with self._context.lock:
            return self._lines.call(sender)

    def _call_later(self, sender: str) -> None:
        with self._context.lock:
            free = self._lines.leave(sender, self._context.clock.now())
        if free is not None:
            self._schedule.at(free, partial(self._call_next, sender))

    def _send(self, sid: str) -> bool:
        """Send a message; tells whether it has left."""
        message = self._context.store.get(Message, sid)
        leaving = frozenset({"queued", "sending"})
        if message is None or message.status not in leaving:
            return False
        code = self._obstacle(message)
        changes = {"status": "failed", "error_code": code} if code else {"status": "sending"}
        has_left = self._move(sid, leaving, **changes) is not None and not code
        if has_left:
            self._after(SENDING_S, self._leave, sid)
        return has_left

    def _obstacle(self, message: Message) -> int:
        """Return the code of what keeps a message from being sent, 0 for nothing."""
        account = self._context.store.get(Account, message.account_sid)
        if account is None or account.status != "active":
            return _SUSPENDED
        queued = message.date_created if message.date_queued is None else message.date_queued
        if message.validity_s is not None and self._context.clock.now() > queued + message.validity_s:
            return self._context.profile.expired_code
        price = price_of(message.to, segments=message.num_segments, num_media=message.num_media)
        if self._context.profile.max_price_counts and message.max_price is not None and -price > message.max_price:
            return _TOO_EXPENSIVE
        if message.num_media and not self._context.takes_media(message.to):
            return _NO_MMS
        return 0

    def _leave(self, sid: str) -> None:
        message = self._context.store.get(Message, sid)
        if message is None:
            return
        status, code = self._fate(message.to)
        if status == "failed":
            self._move(sid, frozenset({"sending"}), status="failed", error_code=code)
            return
        price = price_of(message.to, segments=message.num_segments, num_media=message.num_media)
        now = self._context.clock.now()
        if self._move(sid, frozenset({"sending"}), status="sent", date_sent=now, price=price):
            self._after(DELIVERING_S, self._finish, sid)

    def _finish(self, sid: str) -> None:
        message = self._context.store.get(Message, sid)
        if message is None:
            return
        status, code = self._fate(message.to)
        if status in ("sent", "failed"):
            return
        if status == "undelivered":
            self._move(sid, frozenset({"sent"}), status=status, error_code=code)
            return
        now = self._context.clock.now()
        if self._move(sid, frozenset({"sent"}), status="delivered", date_delivered=now) and status == "read":
            self._after(DELIVERING_S, self._read, sid)

    def _read(self, sid: str) -> None:
        self._move(sid, frozenset({"delivered"}), status="read")

    def _fate(self, number: str) -> tuple[str, int | None]:
        handset = self._context.store.get(Fate, number)
        if handset is None:
            return "delivered", None
        return handset.status, handset.error_code or _DEFAULT_ERRORS.get(handset.status)

    def _move(self, sid: str, expected: frozenset[str], **changes: Any) -> Message | None:
        message = self._context.change_message(sid, expected, **changes)
        if message and message.status_url and message.status in self._posted(message):
            self._after(0.0, self._post, message)
        return message

    def _posted(self, message: Message) -> frozenset[str]:
        return frozenset({"sent", "failed"}) if message.status_brief else self._context.profile.posted

    def _after(self, seconds: float, action: Callable[[Any], None], subject: object) -> None:
        self._schedule.at(self._context.clock.now() + seconds, partial(action, subject))
