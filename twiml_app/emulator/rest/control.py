"""Emulator-only endpoints: send inbound texts, set delivery outcomes, move the clock, inspect state.

Their paths start with ``/_emulator``. They accept the credentials of any account of the emulator and answer in JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ...errors import ApiError, ConfigurationError
from ..context import Context
from ..debugger import Debugger
from ..inbound import EmulatedReply, Inbound
from ..media import MediaFetcher
from ..numbers import read_sender
from ..phones import Phones
from ..quoting import shown
from ..resources import DELIVERY_OUTCOMES, DebuggerEntry, MessageRecord
from ..schedule import Schedule
from ..store import Condition
from ..webhook_log import WebhookLog
from .access import Access
from .representations import iso_date, message_fields
from .request import CONTROL, ApiAnswer, ApiRequest, Fields, NoContent, PlainDocument, Rule
from .request_log import RequestLog

_MAX_SHOWN = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Controlled:
    """The parts of the emulator that these endpoints show and change."""

    context: Context
    access: Access
    log: RequestLog
    debugger: Debugger
    webhook_log: WebhookLog
    schedule: Schedule
    inbound: Inbound
    phones: Phones
    fetcher: MediaFetcher
    reset: Callable[[], None]


class Control:
    """The emulator's own endpoints."""

    def __init__(self, parts: Controlled) -> None:
        self._parts = parts

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        views: Mapping[str, Mapping[str, Any]] = {
            "texts": {"POST": self.text},
            "outbox": {"GET": self.outbox},
            "debugger": {"GET": self.debugger},
            "requests": {"GET": self.requests},
            "webhooks": {"GET": self.webhooks},
            "clock": {"GET": self.time, "POST": self.move},
            "outage": {"POST": self.fail},
            "reset": {"POST": self.reset},
            "phones/<contact>": {"GET": self.inbox, "POST": self.set_phone},
        }
        for path, by_method in views.items():
            yield Rule(path=f"{CONTROL}/{path}", views=by_method, is_json=True)

    def text(self, request: ApiRequest) -> ApiAnswer:
        """Text one of our numbers from a contact."""
        if not request.form.text("From"):
            raise ApiError(20001, "From is required, with Body or MediaUrl; also To if there are several numbers.")
        try:
            turn = self._parts.inbound.receive(
                from_=_read_address(request.form.text("From")),
                to=self._parts.context.our_number(request.form.text("To")),
                body=request.form.text("Body"),
                media=self._parts.fetcher.fetch_all(request.form.all("MediaUrl")),
            )
        except ConfigurationError as error:
            raise ApiError(21606, str(error)) from error
        return PlainDocument(document=self._turn(turn), status=201)

    def _turn(self, turn: EmulatedReply) -> Fields:
        return {
            "inbound": self._message(turn.inbound),
            "replies": [self._message(reply) for reply in turn.messages],
            "twilio_says": turn.twilio_says,
            "unrouted": turn.unrouted,
            "problems": [_entry_fields(entry) for entry in turn.problems],
        }

    def _message(self, message: MessageRecord) -> Fields:
        return message_fields(message, self._parts.context.profile, ".json")

    def outbox(self, request: ApiRequest) -> ApiAnswer:
        """Show the messages that the app has sent, oldest first."""
        is_outbound = Condition("direction", "like", "outbound%")
        found = self._parts.context.store.find(MessageRecord, is_outbound, limit=_MAX_SHOWN)
        return PlainDocument(document={"messages": [self._message(message) for message in reversed(found)]})

    def debugger(self, request: ApiRequest) -> ApiAnswer:
        """Show the debugger's errors and warnings, oldest first."""
        return PlainDocument(document={"entries": [_entry_fields(entry) for entry in self._parts.debugger.entries()]})

    def requests(self, request: ApiRequest) -> ApiAnswer:
        """Show the requests to the REST API, oldest first."""
        shown = [{**asdict(request), "date": iso_date(request.date)} for request in self._parts.log.all()]
        return PlainDocument(document={"requests": shown})

    def webhooks(self, request: ApiRequest) -> ApiAnswer:
        """Show the requests to the app, oldest first."""
        shown = [{**asdict(logged), "date": iso_date(logged.date)} for logged in self._parts.webhook_log.all()]
        return PlainDocument(document={"webhooks": shown})

    def time(self, request: ApiRequest) -> ApiAnswer:
        """Show the emulator's time."""
        return PlainDocument(document=self._time())

    def _time(self) -> Fields:
        return {"now": iso_date(self._parts.context.clock.now())}

    def move(self, request: ApiRequest) -> ApiAnswer:
        """Advance a step clock by ``Seconds``; with ``Settle``, run until nothing is in transit."""
        seconds = request.form.integer("Seconds", 0, 999_999_999, 20001)
        if seconds is not None and self._parts.context.clock.speed:
            raise ApiError(20001, "This clock runs automatically: to move it, start the emulator with --clock step.")
        if seconds:
            self._advance(seconds)
        if request.form.flag("Settle"):
            settled = self._parts.schedule.settle()
            return PlainDocument(document={**self._time(), "settled": settled})
        return self.time(request)

    def _advance(self, seconds: float) -> None:
        try:
            self._parts.schedule.advance(seconds)
        except ConfigurationError as error:
            raise ApiError(20001, str(error)) from error

    def fail(self, request: ApiRequest) -> ApiAnswer:
        """Answer the next ``Requests`` requests to the REST API with 503."""
        self._parts.access.fail_next(request.form.integer("Requests", 0, 999_999_999, 20001) or 0)
        return NoContent()

    def reset(self, request: ApiRequest) -> ApiAnswer:
        """Reset the emulator to its initial state."""
        self._parts.reset()
        return NoContent()

    def inbox(self, request: ApiRequest, contact: str) -> ApiAnswer:
        """Show a phone's settings and the messages that it has received, oldest first."""
        phone = self._parts.phones.settings(_read_address(contact))
        messages = [self._message(message) for message in self._parts.phones.inbox(phone.sid)]
        phone_settings = {"status": phone.status, "error_code": phone.error_code, "takes_media": phone.takes_media}
        return PlainDocument(document={"contact": phone.sid, **phone_settings, "messages": messages})

    def set_phone(self, request: ApiRequest, contact: str) -> ApiAnswer:
        """Set the delivery outcome of messages sent to a phone."""
        phone = self._parts.phones.settings(_read_address(contact))
        code = request.form.integer("ErrorCode", 1, 99_999, 20001)
        changed = replace(
            phone,
            status=request.form.choice("Status", DELIVERY_OUTCOMES) or phone.status,
            error_code=code if "Status" in request.form or code else phone.error_code,
            takes_media=request.form.flag("TakesMedia") if "TakesMedia" in request.form else phone.takes_media,
        )
        self._parts.phones.save(changed)
        return self.inbox(request, contact)


def _read_address(text: str) -> str:
    """Return an address in its stored form, however it is written.

    Raises: ApiError.
    """
    address = read_sender(text)
    if address is None or address.kind == "name":
        raise ApiError(20001, f"{shown(text)} is not a phone number: write it as +15558675310.")
    return address.text


def _entry_fields(entry: DebuggerEntry) -> Fields:
    return {
        "date": iso_date(entry.date_created),
        "code": entry.code,
        "level": entry.level,
        "text": entry.text,
        "message_sid": entry.message_sid,
        "url": entry.url,
    }
