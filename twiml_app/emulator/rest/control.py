"""What nobody at Twilio lets you do: text in, choose a phone's fate, move the clock, look at everything.

These paths begin with ``/_emulator`` and take the credentials of any account of the emulator. They answer in JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from ...errors import ApiError, ConfigurationError
from ..context import Context
from ..debugger import Debugger
from ..handsets import Handsets
from ..inbound import Receiving, Turn
from ..media import MediaFetcher
from ..numbers import read_sender
from ..quoting import shown
from ..resources import FATE_STATUSES, DebuggerEntry, Message
from ..schedule import Schedule
from ..store import Condition
from ..webhook_log import Wire
from .access import Access
from .representations import iso_date, message_fields
from .request import CONTROL, Answer, Ask, Fields, Nothing, Plain, Rule
from .request_log import RequestLog

_MAX_SHOWN = 1000


class Control:
    """The emulator's own paths."""

    def __init__(
        self,
        context: Context,
        *,
        access: Access,
        log: RequestLog,
        debugger: Debugger,
        wire: Wire,
        schedule: Schedule,
        receiving: Receiving,
        handsets: Handsets,
        fetcher: MediaFetcher,
        reset: Callable[[], None],
    ) -> None:
        self._context = context
        self._access = access
        self._log = log
        self._debugger = debugger
        self._wire = wire
        self._schedule = schedule
        self._receiving = receiving
        self._handsets = handsets
        self._fetcher = fetcher
        self._reset = reset

    def rules(self) -> Iterator[Rule]:
        """Yield what answers where."""
        views: Mapping[str, Mapping[str, Any]] = {
            "texts": {"POST": self.text},
            "outbox": {"GET": self.outbox},
            "debugger": {"GET": self.debugger},
            "requests": {"GET": self.requests},
            "webhooks": {"GET": self.webhooks},
            "clock": {"GET": self.time, "POST": self.move},
            "outage": {"POST": self.fail},
            "reset": {"POST": self.reset},
            "handsets/<number>": {"GET": self.inbox, "POST": self.set_fate},
        }
        for path, by_method in views.items():
            yield Rule(path=f"{CONTROL}/{path}", views=by_method, is_json=True)

    def text(self, ask: Ask) -> Answer:
        """Text one of our numbers, as From."""
        if not ask.form.text("From"):
            raise ApiError(20001, "Give From, and Body or MediaUrl; To, if there are several numbers.")
        try:
            turn = self._receiving.receive(
                from_=_number(ask.form.text("From")),
                to=self._context.our_number(ask.form.text("To")),
                body=ask.form.text("Body"),
                media=self._fetcher.fetch_all(ask.form.all("MediaUrl")),
            )
        except ConfigurationError as error:
            raise ApiError(21606, str(error)) from error
        return Plain(document=self._turn(turn), status=201)

    def _turn(self, turn: Turn) -> Fields:
        return {
            "inbound": self._message(turn.inbound),
            "replies": [self._message(reply) for reply in turn.replies],
            "twilio_says": turn.twilio_says,
            "unrouted": turn.unrouted,
            "problems": [_entry(entry) for entry in turn.problems],
        }

    def _message(self, message: Message) -> Fields:
        return message_fields(message, self._context.profile, ".json")

    def outbox(self, ask: Ask) -> Answer:
        """Show what the program has sent, the oldest first."""
        is_outbound = Condition("direction", "like", "outbound%")
        found = self._context.store.find(Message, is_outbound, limit=_MAX_SHOWN)
        return Plain(document={"messages": [self._message(message) for message in reversed(found)]})

    def debugger(self, ask: Ask) -> Answer:
        """Show what Twilio would complain about, the oldest first."""
        return Plain(document={"entries": [_entry(entry) for entry in self._debugger.entries()]})

    def requests(self, ask: Ask) -> Answer:
        """Show the requests of clients, the oldest first."""
        shown = [{**asdict(request), "date": iso_date(request.date)} for request in self._log.all()]
        return Plain(document={"requests": shown})

    def webhooks(self, ask: Ask) -> Answer:
        """Show the requests to the program, the oldest first."""
        shown = [{**asdict(logged), "date": iso_date(logged.date)} for logged in self._wire.all()]
        return Plain(document={"webhooks": shown})

    def time(self, ask: Ask) -> Answer:
        """Show the time of the emulator."""
        return Plain(document=self._time())

    def _time(self) -> Fields:
        return {"now": iso_date(self._context.clock.now())}

    def move(self, ask: Ask) -> Answer:
        """Move a clock that is stepped by some Seconds; with Settle, until nothing is on its way."""
        seconds = ask.form.integer("Seconds", 0, 999_999_999, 20001)
        if seconds is not None and self._context.clock.speed:
            raise ApiError(20001, "This clock goes by itself: start the emulator with --clock step.")
        if seconds:
            self._advance(seconds)
        if ask.form.flag("Settle"):
            settled = self._schedule.settle()
            return Plain(document={**self._time(), "settled": settled})
        return self.time(ask)

    def _advance(self, seconds: float) -> None:
        try:
            self._schedule.advance(seconds)
        except ConfigurationError as error:
            raise ApiError(20001, str(error)) from error

    def fail(self, ask: Ask) -> Answer:
        """Answer the next Requests with 503."""
        self._access.fail_next(ask.form.integer("Requests", 0, 999_999_999, 20001) or 0)
        return Nothing()

    def reset(self, ask: Ask) -> Answer:
        """Begin anew."""
        self._reset()
        return Nothing()

    def inbox(self, ask: Ask, number: str) -> Answer:
        """Show a phone, and what has reached it, the first first."""
        handset = self._handsets.fate(_number(number))
        messages = [self._message(message) for message in self._handsets.inbox(handset.sid)]
        fate = {"status": handset.status, "error_code": handset.error_code, "takes_media": handset.takes_media}
        return Plain(document={"number": handset.sid, **fate, "messages": messages})

    def set_fate(self, ask: Ask, number: str) -> Answer:
        """Choose what becomes of what is sent to a phone."""
        handset = self._handsets.fate(_number(number))
        code = ask.form.integer("ErrorCode", 1, 99_999, 20001)
        changed = replace(
            handset,
            status=ask.form.choice("Status", FATE_STATUSES) or handset.status,
            error_code=code if "Status" in ask.form or code else handset.error_code,
            takes_media=ask.form.flag("TakesMedia") if "TakesMedia" in ask.form else handset.takes_media,
        )
        self._handsets.save(changed)
        return self.inbox(ask, number)


def _number(text: str) -> str:
    """Return a number as it is kept, however it is written.

    Raises: ApiError.
    """
    address = read_sender(text)
    if address is None or address.kind == "name":
        raise ApiError(20001, f"{shown(text)} is no number: write it as +15558675310.")
    return address.text


def _entry(entry: DebuggerEntry) -> Fields:
    return {
        "date": iso_date(entry.date_created),
        "code": entry.code,
        "level": entry.level,
        "text": entry.text,
        "message_sid": entry.message_sid,
        "url": entry.url,
    }
