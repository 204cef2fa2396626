"""Messaging services: pools of numbers, with an inbound URL and a status callback.

https://www.twilio.com/docs/messaging/api/service-resource
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ...errors import ApiError
from ..context import Context
from ..resources import IncomingNumber, MessagingService
from .paging import Page, Pager
from .parameters import Parameters
from .representations import service_fields, service_number_fields
from .request import ApiAnswer, ApiRequest, Fields, NoContent, PlainDocument, Rule, find_own, not_found

_URLS = {
    "InboundRequestUrl": "inbound_request_url",
    "FallbackUrl": "fallback_url",
    "StatusCallback": "status_callback",
}
_METHODS = {"InboundMethod": "inbound_method", "FallbackMethod": "fallback_method"}
_FLAGS = {
    "UseInboundWebhookOnNumber": "use_inbound_webhook_on_number",
    "StickySender": "sticky_sender",
    "SmartEncoding": "smart_encoding",
    "MmsConverter": "mms_converter",
}


class Services:
    """The messaging services of an account, and the numbers in them."""

    def __init__(self, context: Context, pager: Pager) -> None:
        self._context = context
        self._pager = pager

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        base = "/v1/Services"
        yield Rule(path=base, views={"GET": self.list, "POST": self.create}, is_json=True)
        one = {"GET": self.fetch, "POST": self.update, "DELETE": self.delete}
        yield Rule(path=f"{base}/<sid>", views=one, is_json=True)
        numbers = {"GET": self.list_numbers, "POST": self.add_number}
        yield Rule(path=f"{base}/<sid>/PhoneNumbers", views=numbers, is_json=True)
        number = {"GET": self.fetch_number, "DELETE": self.remove_number}
        yield Rule(path=f"{base}/<sid>/PhoneNumbers/<number_sid>", views=number, is_json=True)

    def list(self, request: ApiRequest) -> ApiAnswer:
        """List services."""
        page = self._pager.read(request.query)
        found, has_more = self._pager.find(MessagingService, page, (), request.account.sid)
        shown = [service_fields(service, self._context.base_url) for service in found]
        return self._listing(request, "services", shown, page, found[-1].sid if has_more else "")

    def create(self, request: ApiRequest) -> ApiAnswer:
        """Create a service."""
        if not request.form.text("FriendlyName"):
            raise ApiError(20001, "A FriendlyName is required.")
        now = self._context.clock.now()
        service = MessagingService(
            sid=self._context.new_sid("MG"),
            account_sid=request.account.sid,
            date_created=now,
            date_updated=now,
            **self._changes(request.form),
        )
        return self._answer(self._context.store.save(service), 201)

    def fetch(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Return a service."""
        return self._answer(self._find(request, sid))

    def update(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Update a service."""
        changes = self._changes(request.form)
        with self._context.lock:
            changed = replace(self._find(request, sid), date_updated=self._context.clock.now(), **changes)
            return self._answer(self._context.store.save(changed))

    def delete(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Delete a service, but not its numbers."""
        self._context.store.delete(MessagingService, self._find(request, sid).sid)
        return NoContent()

    def list_numbers(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """List the numbers of a service."""
        service = self._find(request, sid)
        page = self._pager.read(request.query)
        found, has_more = self._pager.cut(IncomingNumber, page, self._context.numbers_of(service))
        shown = [self._number_fields(number, service) for number in found]
        return self._listing(request, "phone_numbers", shown, page, found[-1].sid if has_more else "")

    def add_number(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Add a number to a service."""
        number_sid = request.form.sid("PhoneNumberSid", "PN", 21711)
        with self._context.lock:
            service = self._find(request, sid)
            number = self._context.store.get(IncomingNumber, number_sid)
            if number is None or number.account_sid != request.account.sid:
                raise ApiError(21711, f"There is no number {number_sid} in this account.")
            if self._context.find_service(number):
                raise ApiError(21710, f"{number.phone_number} is already in a Messaging Service.", status=409)
            self._put_numbers(service, (*service.numbers, number.sid))
        return PlainDocument(document=self._number_fields(number, service), status=201)

    def fetch_number(self, request: ApiRequest, sid: str, number_sid: str) -> ApiAnswer:
        """Return a number of a service."""
        service = self._find(request, sid)
        for number in self._context.numbers_of(service):
            if number.sid == number_sid:
                return PlainDocument(document=self._number_fields(number, service))
        raise not_found(request.path)

    def remove_number(self, request: ApiRequest, sid: str, number_sid: str) -> ApiAnswer:
        """Remove a number from a service."""
        with self._context.lock:
            self.fetch_number(request, sid, number_sid)
            service = self._find(request, sid)
            self._put_numbers(service, tuple(each for each in service.numbers if each != number_sid))
        return NoContent()

    def _put_numbers(self, service: MessagingService, sids: tuple[str, ...]) -> None:
        now = self._context.clock.now()
        self._context.store.save(replace(service, numbers=sids, date_updated=now))

    def _find(self, request: ApiRequest, sid: str) -> MessagingService:
        return find_own(self._context.store, MessagingService, request, sid)

    def _answer(self, service: MessagingService, status: int = 200) -> ApiAnswer:
        return PlainDocument(document=service_fields(service, self._context.base_url), status=status)

    def _number_fields(self, number: IncomingNumber, service: MessagingService) -> Fields:
        return service_number_fields(number, service, self._context.base_url)

    def _changes(self, form: Parameters) -> dict[str, Any]:
        """Return the fields of a service that a form sets.

        Raises: ApiError.
        """
        changes: dict[str, Any] = {field: form.url(name, 21713) for name, field in _URLS.items() if name in form}
        changes |= {field: form.method(name) for name, field in _METHODS.items() if name in form}
        changes |= {field: form.flag(name) for name, field in _FLAGS.items() if name in form}
        changes |= {"friendly_name": form.text("FriendlyName")} if "FriendlyName" in form else {}
        changes |= {"usecase": form.text("Usecase")} if "Usecase" in form else {}
        validity = form.integer("ValidityPeriod", 1, self._context.profile.validity_s, 21624)
        return changes | ({"validity_period": validity} if validity else {})

    def _listing(self, request: ApiRequest, key: str, shown: Sequence[Fields], page: Page, last_sid: str) -> ApiAnswer:
        url = f"{self._context.base_url}{request.path}?PageSize={page.size}"
        following = f"{url}&Page={page.number + 1}&PageToken=PA{last_sid}"
        meta = {
            "page": page.number,
            "page_size": page.size,
            "first_page_url": f"{url}&Page=0",
            "previous_page_url": f"{url}&Page={page.number - 1}" if page.number else None,
            "url": f"{url}&Page={page.number}",
            "next_page_url": following if last_sid else None,
            "key": key,
        }
        return PlainDocument(document={"meta": meta, key: list(shown)})
