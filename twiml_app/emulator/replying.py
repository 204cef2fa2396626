"""Turn a Message in a TwiML document into a reply, or into an entry of the debugger.

https://www.twilio.com/docs/messaging/twiml/message
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from ..caller import resolve, without_userinfo
from ..errors import ApiError
from .composing import Composer
from .context import Context
from .debugger import Debugger
from .delivery import Delivery
from .media import FetchedMedia, MediaFetcher
from .message_faults import refuse_landline
from .numbers import Address, read_recipient, read_sender
from .opt_outs import OptOuts
from .resources import MessageRecord, MessagingService
from .twiml_reader import SendStep

#: The window in which replies between two numbers are counted, https://www.twilio.com/docs/api/errors/14107
LOOP_WINDOW_S = 30.0
#: How many pairs are counted at most; the oldest are forgotten first.
MAX_PAIRS = 10_000


class ReplyCounter:
    """Counts the replies between two numbers in a time window."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sent: dict[tuple[str, str], deque[float]] = {}

    def admits(self, pair: tuple[str, str], now: float) -> bool:
        """Count another reply, and return whether it may be sent."""
        if len(self._sent) > MAX_PAIRS:
            self._sent = {key: times for key, times in self._sent.items() if times[-1] > now - LOOP_WINDOW_S}
        if len(self._sent) > MAX_PAIRS:  # all within the time window
            del self._sent[next(iter(self._sent))]
        times = self._sent.setdefault(pair, deque())
        while times and times[0] <= now - LOOP_WINDOW_S:
            times.popleft()
        if len(times) >= self._limit:
            return False
        times.append(now)
        return True

    def clear(self) -> None:
        """Reset the counts."""
        self._sent.clear()


class Replying:
    """Creates the replies to inbound messages, and sends them."""

    def __init__(
        self,
        context: Context,
        debugger: Debugger,
        composer: Composer,
        delivery: Delivery,
        opt_outs: OptOuts,
        fetcher: MediaFetcher,
    ) -> None:
        self._context = context
        self._debugger = debugger
        self._composer = composer
        self._delivery = delivery
        self._opt_outs = opt_outs
        self._fetcher = fetcher
        self._counter = ReplyCounter(context.profile.reply_limit)

    def compose(self, step: SendStep, inbound: MessageRecord, base: str) -> MessageRecord | None:
        """Create the reply for a Message; if that is not possible, report it in the debugger and return None."""
        try:
            sender, recipient = self._addresses(step, inbound)
            media = self._fetcher.fetch_all([resolve(base, url) for url in step.media])
            self._refuse_loop(sender, recipient)
        except ApiError as error:
            self._debugger.add(error.code, error.message, message=inbound, url=without_userinfo(base))
            return None
        return self._compose(step, inbound, base, sender.text, recipient.text, media)

    def clear(self) -> None:
        """Reset the counts of recent replies."""
        self._counter.clear()

    def begin(self, replies: Iterable[MessageRecord]) -> None:
        """Send the replies to one message, in random order, because Twilio does not guarantee any."""
        waiting = [reply for reply in replies if reply.status == "queued"]
        self._context.random.shuffle(waiting)
        for reply in waiting:
            self._delivery.begin(reply)

    def _addresses(self, step: SendStep, inbound: MessageRecord) -> tuple[Address, Address]:
        """Return the sender and the recipient of a reply.

        Raises: ApiError.
        """
        sender = read_sender(step.from_ or inbound.to)
        if sender is None or not self._may_send(sender, inbound):
            raise ApiError(14102, f"the from attribute is {step.from_!r}, which is not a sender of this account")
        number = self._context.find_number(sender.text)
        if number and not number.sms:
            raise ApiError(14108, f"{sender.text} cannot send SMS")
        recipient = read_recipient(step.to or inbound.from_, sender.text)
        if recipient is None or recipient.text == sender.text:
            raise ApiError(14101, f"the to attribute is {step.to!r}, which is not a valid recipient")
        account = self._context.account(inbound.account_sid)
        if account.type == "Trial" and step.to and recipient.text not in account.verified:
            raise ApiError(14111, f"{recipient.text} is not verified, and this is a trial account")
        return sender, recipient

    def _may_send(self, sender: Address, inbound: MessageRecord) -> bool:
        if self._context.any_sender or sender.kind == "name" or sender.text == inbound.to:
            return True
        number = self._context.find_number(sender.text)
        return number is not None and number.account_sid == inbound.account_sid

    def _refuse_loop(self, sender: Address, recipient: Address) -> None:
        """Count a reply between two numbers.

        Raises: ApiError, if there are too many.
        """
        with self._context.lock:
            is_admitted = self._counter.admits((sender.text, recipient.text), self._context.clock.now())
        if not is_admitted:
            limit = self._context.profile.reply_limit
            raise ApiError(14107, f"more than {limit} replies to {recipient.text} in {LOOP_WINDOW_S:.0f} seconds")

    def _compose(
        self, step: SendStep, inbound: MessageRecord, base: str, sender: str, recipient: str, media: list[FetchedMedia]
    ) -> MessageRecord:
        service_sid = inbound.messaging_service_sid if sender == inbound.to else ""
        draft = self._composer.draft(
            inbound.account_sid,
            to=recipient,
            from_=sender,
            body=step.text,
            status="queued",
            direction="outbound-reply",
            api_version=inbound.api_version,
            messaging_service_sid=service_sid,
            in_reply_to=inbound.sid,
            **self._status_url(step, inbound, base, service_sid),
        )
        reply = self._composer.compose(draft, media)
        if error := self._refusal(sender, recipient, inbound.account_sid):
            self._debugger.add(error.code, error.message, message=inbound, url=without_userinfo(base))
            return self._delivery.fail(reply, error.code)
        return reply

    def _status_url(self, step: SendStep, inbound: MessageRecord, base: str, service_sid: str) -> dict[str, Any]:
        """Return the status callback of a reply: from the Message, otherwise from its messaging service.

        A reply to a message without media uses ``action``, a reply to media uses ``statusCallback``,
        https://www.twilio.com/docs/messaging/twiml/message#action. In old profiles ``action`` and ``method`` are not
        about the status, and the status of an Sms is only sent or failed.
        """
        was_other = self._context.profile.action_transfers
        url = step.status_callback if inbound.num_media or was_other else step.action or step.status_callback
        if not url:
            service = self._context.store.get(MessagingService, service_sid)
            return {"status_url": service.status_callback} if service else {}
        words = "sms" if step.is_sms or self._context.profile.is_2008 else "message"
        method = "POST" if was_other else step.method
        options = {"status_words": words, "status_brief": words == "sms"}
        return {"status_url": resolve(base, url), "status_method": method, **options}

    def _refusal(self, sender: str, recipient: str, account_sid: str) -> ApiError | None:
        try:
            self._opt_outs.refuse(sender, recipient)
            refuse_landline(self._context, contact=recipient, number=sender, account_sid=account_sid)
            self._delivery.refuse_overflow(sender)
        except ApiError as error:
            return error
        return None
