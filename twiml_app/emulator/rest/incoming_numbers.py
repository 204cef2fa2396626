"""An account's phone numbers and their webhook URLs.

https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from ...errors import ApiError
from ..context import Context
from ..number_stock import LOCAL, MOBILE, TOLL_FREE, has_mms, kind_of
from ..numbers import formatted
from ..quoting import shown
from ..resources import Application, IncomingNumber, MessagingService, PostalAddress
from ..store import Condition
from .available_numbers import number_to_buy
from .paging import Names, Pager
from .parameters import INVALID_PARAMETER, INVALID_URL, Parameters
from .request import ApiAnswer, ApiRequest, NoContent, OneResource, Rule, find_own
from .sender_representations import number_fields

NAMES = Names(key="incoming_phone_numbers", element="IncomingPhoneNumbers", item="IncomingPhoneNumber")
_URLS = {"SmsUrl": "sms_url", "SmsFallbackUrl": "sms_fallback_url", "StatusCallback": "status_callback"}
_METHODS = {
    "SmsMethod": "sms_method",
    "SmsFallbackMethod": "sms_fallback_method",
    "StatusCallbackMethod": "status_callback_method",
}
#: Short codes are in the list of SMS/ShortCodes instead.
_NO_SHORT_CODES = Condition("phone_number", "like", "+%")
_NUMBER_TAKEN = 21422
_INVALID_APPLICATION = 21218


class IncomingNumbers:
    """The phone numbers of an account."""

    def __init__(self, context: Context, pager: Pager) -> None:
        self._context = context
        self._pager = pager

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        base = "/2010-04-01/Accounts/<account_sid>/IncomingPhoneNumbers"
        yield Rule(path=base, views={"GET": self.list, "POST": self.create})
        one = {"GET": self.fetch, "POST": self.update, "DELETE": self.delete}
        yield Rule(path=f"{base}/<sid>", views=one)
        for kind in (LOCAL, MOBILE, TOLL_FREE):
            yield Rule(path=f"{base}/{kind}", views={"GET": partial(self.list_kind, kind), "POST": self.create})

    def list(self, request: ApiRequest) -> ApiAnswer:
        """List numbers, optionally filtered by name or by some of their digits."""
        return self._list(request, _NO_SHORT_CODES)

    def list_kind(self, kind: str, request: ApiRequest) -> ApiAnswer:
        """List the numbers of a kind: Local, Mobile or TollFree."""
        owned = self._context.store.find(IncomingNumber, _NO_SHORT_CODES, account_sid=request.account.sid)
        return self._list(request, Condition("sid", "in", [each.sid for each in owned if _is_of(kind, each)]))

    def _list(self, request: ApiRequest, *conditions: Condition) -> ApiAnswer:
        wanted, name = request.query.text("PhoneNumber").strip(), request.query.text("FriendlyName")
        filters = [Condition("phone_number", "like", digits_pattern(wanted))] if wanted else []
        filters += [Condition("friendly_name", "=", name)] if name else []
        return self._pager.list_page(
            request, IncomingNumber, NAMES, lambda number: number_fields(number, request.suffix), *conditions, *filters
        )

    def create(self, request: ApiRequest) -> ApiAnswer:
        """Buy a number: the one given, or any in an area code."""
        changes = self._changes(request)
        with self._context.lock:
            phone_number = number_to_buy(self._context, request.form)
            if self._context.find_number(phone_number):
                raise ApiError(_NUMBER_TAKEN, f"The PhoneNumber {shown(phone_number)} is not available.")
            now = self._context.clock.now()
            number = IncomingNumber(
                sid=self._context.new_sid("PN"),
                account_sid=request.account.sid,
                date_created=now,
                date_updated=now,
                phone_number=phone_number,
                mms=has_mms(phone_number),
                **({"friendly_name": formatted(phone_number)} | changes),
            )
            return self._save(number, request, 201)

    def fetch(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Return a number."""
        return self._answer(self._find(request, sid), request)

    def update(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Update a number."""
        changes = self._changes(request)
        with self._context.lock:
            number = replace(self._find(request, sid), date_updated=self._context.clock.now(), **changes)
            return self._save(number, request)

    def delete(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Release a number, and remove it from its messaging service."""
        with self._context.lock:
            number = self._find(request, sid)
            service = self._context.find_service(number)
            if service:
                self._leave(service, number)
            self._context.store.delete(IncomingNumber, number.sid)
        return NoContent()

    def _leave(self, service: MessagingService, number: IncomingNumber) -> None:
        left = tuple(sid for sid in service.numbers if sid != number.sid)
        self._context.store.save(replace(service, numbers=left, date_updated=self._context.clock.now()))

    def _changes(self, request: ApiRequest) -> dict[str, Any]:
        """Return the fields of a number that a request sets.

        Raises: ApiError.
        """
        changes = number_changes(request.form)
        if sid := changes.get("address_sid"):
            address = self._context.store.get(PostalAddress, sid)
            if address is None or address.account_sid != request.account.sid:
                raise ApiError(INVALID_PARAMETER, f"The AddressSid {sid} is not that of an address of this account.")
        if sid := changes.get("sms_application_sid"):
            application = self._context.store.get(Application, sid)
            if application is None or application.account_sid != request.account.sid:
                raise ApiError(_INVALID_APPLICATION, f"The SmsApplicationSid {sid} is not valid.")
        return changes

    def _save(self, number: IncomingNumber, request: ApiRequest, status: int = 200) -> ApiAnswer:
        if number.sms_fallback_url and not (number.sms_url or number.sms_application_sid):
            raise ApiError(21406, "An SmsFallbackUrl needs an SmsUrl.")
        return self._answer(self._context.store.save(number), request, status)

    def _find(self, request: ApiRequest, sid: str) -> IncomingNumber:
        return find_own(self._context.store, IncomingNumber, request, sid)

    def _answer(self, number: IncomingNumber, request: ApiRequest, status: int = 200) -> ApiAnswer:
        fields = number_fields(number, request.suffix)
        return OneResource(element=NAMES.item, fields=fields, status=status, modified=number.date_updated)


def _is_of(kind: str, number: IncomingNumber) -> bool:
    return kind_of(number.phone_number) == kind


def digits_pattern(wanted: str) -> str:
    """Return the SQL LIKE pattern for a part of a number; a star matches any digits."""
    literal = re.sub("[%_]", "?", wanted)
    return f"%{literal.replace('*', '%')}%"


def number_changes(form: Parameters) -> dict[str, Any]:
    """Return the fields of a number that a form sets.

    Raises: ApiError.
    """
    changes: dict[str, Any] = {field: form.url(name, INVALID_URL) for name, field in _URLS.items() if name in form}
    changes |= {field: form.method(name) for name, field in _METHODS.items() if name in form}
    if "FriendlyName" in form:
        changes["friendly_name"] = form.text("FriendlyName")
    if "AddressSid" in form:
        changes["address_sid"] = form.sid("AddressSid", "AD", INVALID_PARAMETER)
    if "SmsApplicationSid" in form:
        changes["sms_application_sid"] = form.sid("SmsApplicationSid", "AP", _INVALID_APPLICATION)
    return changes
