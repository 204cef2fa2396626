"""Texts from the phones of the page: now, late, once more, or twice with the same sid."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from ...errors import CallError
from ...segments import MAX_UNITS, utf16_units
from ..context import Context
from ..faults import Fault
from ..inbound import EmulatedReply, Inbound
from ..media import FetchedMedia
from ..resources import IncomingNumber
from ..schedule import Schedule
from ..text_faults import Text, text_fault
from ..webhook_log import WebhookLog
from .conversations import Conversations, Placed
from .documents import BASE, Documents
from .exchange import Document, PageAnswer, PageRequest, PageRule, answer, refusal
from .messages import require_message
from .state import MAX_LATE_S

#: How many texts can be on their way late.
MAX_LATE = 100


class Texting:
    """Lets texts arrive at our numbers."""

    def __init__(
        self,
        context: Context,
        schedule: Schedule,
        inbound: Inbound,
        webhook_log: WebhookLog,
        conversations: Conversations,
        documents: Documents,
    ) -> None:
        self._context = context
        self._schedule = schedule
        self._inbound = inbound
        self._webhook_log = webhook_log
        self._conversations = conversations
        self._documents = documents
        self._late = 0
        self._lock = threading.Lock()

    def rules(self) -> Iterator[PageRule]:
        """Yield the paths."""
        yield PageRule(path=f"{BASE}/texts", views={"POST": self.text})
        yield PageRule(path=f"{BASE}/messages/<sid>/again", views={"POST": self.again})
        yield PageRule(path=f"{BASE}/messages/<sid>/duplicate", views={"POST": self.duplicate})

    def clear(self) -> None:
        """Forget the late texts, which the schedule has dropped."""
        with self._lock:
            self._late = 0

    def text(self, request: PageRequest) -> PageAnswer:
        """Text a number from a contact.

        Raises: ApiError; ConfigurationError.
        """
        contact = request.address("contact")
        text = Text(
            contact=contact,
            number=self._number_for(contact, request.text("number")),
            body=request.text("body"),
            media=request.media,
        )
        if not text.body and not text.media:
            raise refusal("there is nothing to send: write a text or choose a picture")
        if utf16_units(text.body) > MAX_UNITS:
            raise refusal(f"a message can have at most {MAX_UNITS} characters")
        return self._send(text, request)

    def again(self, request: PageRequest, sid: str) -> PageAnswer:
        """Send a text once more, with a new sid.

        Raises: ApiError; ConfigurationError.
        """
        message = self._require_inbound(sid).message
        media = tuple(
            FetchedMedia(content_type=each.content_type, content=self._context.store.read_bytes(each.sid) or b"")
            for each in self._context.media_of(sid)
        )
        return self._send(Text(contact=message.from_, number=message.to, body=message.body, media=media), request)

    def duplicate(self, request: PageRequest, sid: str) -> PageAnswer:
        """Call the program again with the same sid; what it answers is not used.

        Raises: ApiError; ConfigurationError.
        """
        message = self._require_inbound(sid).message
        first = self._first_answer(sid)
        try:
            call = self._inbound.repeat(message)
        except CallError as error:
            return answer({"status": error.status, "is_same": False, "problem": error.problem})
        body = call.response.body.decode("utf-8", "replace")
        return answer({"status": call.response.status, "is_same": body == first, "problem": ""})

    def _first_answer(self, sid: str) -> str | None:
        answers = (each for each in self._webhook_log.all() if each.message_sid == sid and 200 <= each.status < 300)
        return next((each.body for each in answers), None)

    def _require_inbound(self, sid: str) -> Placed:
        """Return an inbound message.

        Raises: ApiError.
        """
        placed = require_message(self._conversations, sid)
        if not placed.message.is_inbound:
            raise refusal("this message is not from a phone", 409)
        return placed

    def _send(self, text: Text, request: PageRequest) -> PageAnswer:
        """Let a text arrive, now or later.

        Raises: ApiError; ConfigurationError.
        """
        fault = text_fault(request.text("fault"), text.contact) if request.text("fault") else None
        late_s = request.number("late_s", most=MAX_LATE_S)
        if not late_s:
            return answer(self._described(self._receive(text, fault)), 201)
        with self._lock:
            if self._late >= MAX_LATE:
                raise refusal(f"{MAX_LATE} texts are on their way already", 409)
            self._late += 1
        due = self._context.clock.now() + late_s
        self._schedule.at(due, partial(self._receive_late, text, fault), patient=True)
        return answer({"due": due}, 202)

    def _receive(self, text: Text, fault: Fault | None) -> EmulatedReply:
        with self._context.faults.during(fault):
            return self._inbound.receive(contact=text.contact, number=text.number, body=text.body, media=text.media)

    def _receive_late(self, text: Text, fault: Fault | None) -> None:
        with self._lock:
            self._late = max(0, self._late - 1)
        if self._context.find_number(text.number):  # it may have been deleted meanwhile
            self._receive(text, fault)

    def _described(self, reply: EmulatedReply) -> Document:
        found = [self._conversations.find(each.sid) for each in (reply.inbound, *reply.messages)]
        first, *rest = self._documents.messages([each for each in found if each])
        return {
            "inbound": first,
            "replies": rest,
            "twilio_says": reply.twilio_says,
            "unrouted": reply.unrouted,
        }

    def _number_for(self, contact: str, given: str) -> str:
        """Return the number that a contact texts: a contact on WhatsApp texts the WhatsApp sender of a number.

        Raises: ConfigurationError.
        """
        number = self._context.our_number(given)
        plain = number.rpartition(":")[2]
        if ":" not in contact:
            return plain
        sender = f"{contact.partition(':')[0]}:{plain}"
        with self._context.lock:
            known = self._context.find_number(plain)
            if known and not self._context.find_number(sender):
                self._context.store.save(self._twin(known, sender))
        return sender

    def _twin(self, number: IncomingNumber, sender: str) -> IncomingNumber:
        """Return a sender on another channel that is answered by the same URLs as a number."""
        now = self._context.clock.now()
        sid = self._context.new_sid("PN")
        return replace(number, sid=sid, phone_number=sender, date_created=now, date_updated=now)
