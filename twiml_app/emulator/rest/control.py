"""Emulator-only endpoints: send inbound texts, move the clock, simulate an outage, reset.

Their paths start with ``/_emulator``. They accept the credentials of any account of the emulator and answer in JSON.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from ...errors import ApiError, ConfigurationError
from ..clock_control import ClockControl
from ..clocks import KINDS
from ..context import Context
from ..faults import MAX_COUNT, MAX_STATUS, MIN_STATUS, Fault
from ..inbound import EmulatedReply, Inbound
from ..media import MediaFetcher
from ..reactions import reaction_text
from ..resources import MessageRecord
from ..store import Condition
from ..text_faults import text_fault
from .control_logs import entry_fields
from .control_phones import read_address
from .parameters import INVALID_PARAMETER, Parameters
from .representations import iso_date, message_fields
from .request import CONTROL, ApiAnswer, ApiRequest, Fields, NoContent, PlainDocument, Rule

#: How long a text may wait for messages, in seconds of real time.
MAX_WAIT_S = 60
_POLL_S = 0.05
_UNAVAILABLE = 503
_MAX_SHOWN = 100


class Control:
    """The emulator's own endpoints, apart from logs and phones."""

    def __init__(
        self,
        context: Context,
        clock_control: ClockControl,
        inbound: Inbound,
        fetcher: MediaFetcher,
        *,
        reset: Callable[[], None],
    ) -> None:
        self._context = context
        self._clock_control = clock_control
        self._inbound = inbound
        self._fetcher = fetcher
        self._reset = reset

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        yield Rule(path=f"{CONTROL}/texts", views={"POST": self.text}, is_json=True)
        yield Rule(path=f"{CONTROL}/clock", views={"GET": self.time, "POST": self.move}, is_json=True)
        yield Rule(path=f"{CONTROL}/outage", views={"POST": self.fail}, is_json=True)
        yield Rule(path=f"{CONTROL}/reset", views={"POST": self.reset}, is_json=True)

    def text(self, request: ApiRequest) -> ApiAnswer:
        """Text one of our numbers from a contact; ``Wait`` that many seconds for messages instead of a reply."""
        if not request.form.text("From"):
            raise ApiError(20001, "From is required, with Body or MediaUrl; also To if there are several numbers.")
        try:
            reply = self._receive(request.form)
        except ConfigurationError as error:
            raise ApiError(21606, str(error)) from error
        wait_s = request.form.integer("Wait", 0, MAX_WAIT_S, INVALID_PARAMETER) or 0
        sent = self._await_messages(reply, wait_s)
        document = {**self._reply_fields(reply), "sent": [self._message(message) for message in sent]}
        return PlainDocument(document=document, status=201)

    def _await_messages(self, reply: EmulatedReply, wait_s: int) -> list[MessageRecord]:
        """Return what was sent to the contact through the REST API since its text.

        Some apps answer the webhook with nothing, and write when they are done: if there is no reply and no problem,
        wait for the first message.
        """
        is_answered = reply.messages or reply.problems or reply.twilio_says or reply.unrouted
        deadline = time.monotonic() + (0 if is_answered else wait_s)
        while not (sent := self._sent_since(reply.inbound)) and time.monotonic() < deadline:
            self._context.faults.wait(_POLL_S)
        return sent

    def _sent_since(self, inbound: MessageRecord) -> list[MessageRecord]:
        to_contact = (Condition("direction", "=", "outbound-api"), Condition("to", "=", inbound.from_))
        return self._context.store.find(
            MessageRecord,
            *to_contact,
            account_sid=inbound.account_sid,
            oldest_first=True,
            beyond=inbound.sid,
            limit=_MAX_SHOWN,
        )

    def _receive(self, form: Parameters) -> EmulatedReply:
        """Let a text arrive, or with ``Reaction`` a reaction to it; ``Fault`` happens to it.

        Raises: ApiError; ConfigurationError.
        """
        contact = read_address(form.text("From"))
        number = self._context.our_number(form.text("To"))
        media = self._fetcher.fetch_all(form.all("MediaUrl"))
        body, fault = _body(form), _fault(form, contact)
        with self._context.faults.during(fault):
            return self._inbound.receive(contact=contact, number=number, body=body, media=media)

    def _reply_fields(self, reply: EmulatedReply) -> Fields:
        return {
            "inbound": self._message(reply.inbound),
            "replies": [self._message(message) for message in reply.messages],
            "twilio_says": reply.twilio_says,
            "unrouted": reply.unrouted,
            "problems": [entry_fields(entry) for entry in reply.problems],
            "further": [self._reply_fields(each) for each in reply.further],
        }

    def _message(self, message: MessageRecord) -> Fields:
        return message_fields(message, self._context.profile, ".json")

    def time(self, request: ApiRequest) -> ApiAnswer:
        """Show the emulator's time."""
        return PlainDocument(document=self._time())

    def _time(self) -> Fields:
        clock = self._context.clock
        return {"now": iso_date(clock.now()), "kind": clock.kind}

    def move(self, request: ApiRequest) -> ApiAnswer:
        """Go on with a clock of another ``Kind``, advance by ``Seconds``, and ``Settle`` what is in transit."""
        seconds = request.form.integer("Seconds", 0, 999_999_999, INVALID_PARAMETER)
        kind = request.form.choice("Kind", KINDS)
        try:
            if kind:
                self._clock_control.switch(kind)
            if seconds:
                self._clock_control.advance(seconds)
        except ConfigurationError as error:
            raise ApiError(INVALID_PARAMETER, str(error)) from error
        if request.form.flag("Settle"):
            settled = self._clock_control.settle()
            return PlainDocument(document={**self._time(), "settled": settled})
        return self.time(request)

    def fail(self, request: ApiRequest) -> ApiAnswer:
        """Answer the next ``Requests`` requests to the REST API with ``Status``, by default 503."""
        count = request.form.integer("Requests", 0, MAX_COUNT, INVALID_PARAMETER) or 0
        status = request.form.integer("Status", MIN_STATUS, MAX_STATUS, INVALID_PARAMETER) or _UNAVAILABLE
        is_usual = status == _UNAVAILABLE
        self._context.faults.repeat("api-503", count if is_usual else 0)
        self._context.faults.repeat("api-status", 0 if is_usual else count, status=status)
        return NoContent()

    def reset(self, request: ApiRequest) -> ApiAnswer:
        """Reset the emulator to its initial state."""
        self._reset()
        return NoContent()


def _body(form: Parameters) -> str:
    """Return the text to send.

    Raises: ApiError, for an unknown reaction.
    """
    if not form.text("Reaction"):
        return form.text("Body")
    try:
        return reaction_text(form.text("Reaction"), form.text("Body"))
    except ConfigurationError as error:
        raise ApiError(INVALID_PARAMETER, str(error)) from error


def _fault(form: Parameters, contact: str) -> Fault | None:
    """Return the fault that happens to a text, if any.

    Raises: ApiError, for one that does not happen to texts.
    """
    if not form.text("Fault"):
        return None
    try:
        return text_fault(form.text("Fault"), contact)
    except ConfigurationError as error:
        raise ApiError(INVALID_PARAMETER, str(error)) from error
