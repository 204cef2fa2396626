"""What the phone page can change: message statuses, phones, the clock, faults; and the reset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

from ...errors import ConfigurationError
from ..clock_control import ClockControl
from ..clocks import KINDS
from ..context import Context
from ..delivery import Delivery
from ..faults import MAX_COUNT, MAX_ERROR_CODE, Fault
from ..opt_outs import OptOuts
from ..phones import Phones
from ..resources import DELIVERY_OUTCOMES
from .conversations import Conversations, Placed
from .documents import BASE, Documents, fault_document, phone_document
from .exchange import PageAnswer, PageRequest, PageRule, answer, refusal
from .messages import require_message

_OPTED_OUT, _UNKNOWN_ERROR = 21610, 30008
#: The longest way of the clock in one step: a year.
_MAX_ADVANCE_S = 366 * 24 * 3600
_TEXTS = frozenset({"kind", "contact", "number", "account_sid", "path", "event", "text"})


class MessageStatuses:
    """Forces the next status of a message, and sets that of all messages to a phone."""

    def __init__(
        self,
        context: Context,
        delivery: Delivery,
        opt_outs: OptOuts,
        phones: Phones,
        conversations: Conversations,
        documents: Documents,
    ) -> None:
        self._context = context
        self._delivery = delivery
        self._opt_outs = opt_outs
        self._phones = phones
        self._conversations = conversations
        self._documents = documents

    def rules(self) -> Iterator[PageRule]:
        """Yield the paths."""
        yield PageRule(path=f"{BASE}/messages/<sid>/status", views={"POST": self.force})
        yield PageRule(path=f"{BASE}/phones", views={"POST": self.set_phone})

    def force(self, request: PageRequest, sid: str) -> PageAnswer:
        """Give a message its final status now.

        Raises: ApiError.
        """
        placed = require_message(self._conversations, sid)
        status = request.choice("status", ("delivered", "failed", "opted_out", "read"))
        code = int(request.number("error_code", _UNKNOWN_ERROR, least=1, most=MAX_ERROR_CODE))
        if status == "opted_out":
            code = _OPTED_OUT
        if self._delivery.force(sid, "failed" if status == "opted_out" else status, code) is None:
            raise refusal(f"the message is {placed.message.status}: it is too late to change that", 409)
        if status == "opted_out":
            self._opt_out(placed)
        return answer({"message": self._documents.message(require_message(self._conversations, sid))})

    def _opt_out(self, placed: Placed) -> None:
        message = placed.message
        self._opt_outs.record(message.contact, message.number, message.account_sid)

    def set_phone(self, request: PageRequest) -> PageAnswer:
        """Set what becomes of all further messages to a phone.

        Raises: ApiError.
        """
        phone = self._phones.settings(request.address("contact"))
        takes_media = request.body.get("takes_media", phone.takes_media)
        if takes_media not in (None, True, False):
            raise refusal("takes_media must be true, false or null")
        code = int(request.number("error_code", most=MAX_ERROR_CODE)) if request.body.get("error_code") else None
        outcome = request.choice("outcome", DELIVERY_OUTCOMES)
        saved = self._phones.save(replace(phone, status=outcome, error_code=code, takes_media=takes_media))
        return answer({"phone": phone_document(saved)})


class Controls:
    """The clock, the faults, and the reset."""

    def __init__(
        self, context: Context, clock_control: ClockControl, documents: Documents, *, reset: Callable[[], None]
    ) -> None:
        self._faults = context.faults
        self._clock = context.clock
        self._clock_control = clock_control
        self._documents = documents
        self._reset = reset

    def rules(self) -> Iterator[PageRule]:
        """Yield the paths."""
        yield PageRule(path=f"{BASE}/clock", views={"POST": self.move})
        yield PageRule(path=f"{BASE}/faults", views={"POST": self.add_fault, "DELETE": self.clear_faults})
        yield PageRule(path=f"{BASE}/faults/<int:number>", views={"DELETE": self.remove_fault})
        yield PageRule(path=f"{BASE}/reset", views={"POST": self.reset})

    def move(self, request: PageRequest) -> PageAnswer:
        """Advance or settle the clock, or make it one of another kind.

        Raises: ApiError; ConfigurationError.
        """
        if "kind" in request.body:
            self._clock_control.switch(request.choice("kind", KINDS))
        if seconds := request.number("advance", most=_MAX_ADVANCE_S):
            self._advance(seconds)
        if request.flag("settle"):
            self._clock_control.settle()
        return answer({"clock": self._documents.clock()})

    def _advance(self, seconds: float) -> None:
        """Move the clock; a real one is a stepped one for the moment, and goes on from there.

        Raises: ConfigurationError, for a time out of range.
        """
        is_real = self._clock.kind == "real"
        if is_real:
            self._clock_control.switch("step")
        try:
            self._clock_control.advance(seconds)
        finally:
            if is_real:
                self._clock_control.switch("real")

    def add_fault(self, request: PageRequest) -> PageAnswer:
        """Add a fault.

        Raises: ApiError.
        """
        try:
            rule = self._faults.add(Fault(**dict(_options(request))))
        except ConfigurationError as error:
            raise refusal(str(error)) from error
        return answer(fault_document(rule), 201)

    def remove_fault(self, request: PageRequest, number: int) -> PageAnswer:
        """Remove a fault."""
        if not self._faults.remove(number):
            raise refusal("there is no such fault: it may have happened already", 404)
        return answer({"faults": self._documents.faults()})

    def clear_faults(self, request: PageRequest) -> PageAnswer:
        """Remove every fault."""
        self._faults.clear()
        return answer({"faults": self._documents.faults()})

    def reset(self, request: PageRequest) -> PageAnswer:
        """Return to the initial state."""
        self._reset()
        return answer({})


def _options(request: PageRequest) -> Iterator[tuple[str, Any]]:
    """Yield the options of a fault.

    Raises: ApiError.
    """
    for option in fields(Fault):
        name = option.name
        if name in _TEXTS:
            yield name, request.text(name)
        elif request.body.get(name) is None:
            continue
        elif name in ("probability", "seconds"):
            yield name, request.number(name, most=MAX_COUNT)
        else:
            yield name, int(request.number(name, most=MAX_COUNT))
