"""The numbers in a messaging service: list, add, fetch, remove.

https://www.twilio.com/docs/messaging/api/phonenumber-resource
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...errors import ApiError
from ..context import Context
from ..resources import IncomingNumber, MessagingService
from .paging import Pager, meta_page
from .representations import service_number_fields
from .request import ApiAnswer, ApiRequest, NoContent, PlainDocument, Rule, find_own, not_found

_BASE = "/v1/Services/<sid>/PhoneNumbers"


class ServiceNumbers:
    """The numbers in the messaging services of an account."""

    def __init__(self, context: Context, pager: Pager) -> None:
        self._context = context
        self._pager = pager

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        yield Rule(path=_BASE, views={"GET": self.list, "POST": self.add}, is_json=True)
        yield Rule(path=f"{_BASE}/<number_sid>", views={"GET": self.fetch, "DELETE": self.remove}, is_json=True)

    def list(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """List the numbers of a service."""
        service = self._find_service(request, sid)
        page = self._pager.read(request.query)
        found, has_more = self._pager.cut(IncomingNumber, page, self._context.numbers_of(service))
        items = [service_number_fields(number, service, request.base_url) for number in found]
        url = f"{request.base_url}{request.path}"
        return meta_page(url, "phone_numbers", page, items, found[-1].sid if has_more else "")

    def add(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Add a number to a service."""
        number_sid = request.form.sid("PhoneNumberSid", "PN", 21711)
        with self._context.lock:
            service = self._find_service(request, sid)
            number = self._context.store.get(IncomingNumber, number_sid)
            if number is None or number.account_sid != request.account.sid:
                raise ApiError(21711, f"There is no number {number_sid} in this account.")
            _refuse_second(service, self._context.find_service(number))
            self._save(service, (*service.numbers, number.sid))
        return PlainDocument(document=service_number_fields(number, service, request.base_url), status=201)

    def fetch(self, request: ApiRequest, sid: str, number_sid: str) -> ApiAnswer:
        """Return a number of a service."""
        service = self._find_service(request, sid)
        for number in self._context.numbers_of(service):
            if number.sid == number_sid:
                return PlainDocument(document=service_number_fields(number, service, request.base_url))
        raise not_found(request.path)

    def remove(self, request: ApiRequest, sid: str, number_sid: str) -> ApiAnswer:
        """Remove a number from a service."""
        with self._context.lock:
            self.fetch(request, sid, number_sid)
            service = self._find_service(request, sid)
            self._save(service, tuple(each for each in service.numbers if each != number_sid))
        return NoContent()

    def _find_service(self, request: ApiRequest, sid: str) -> MessagingService:
        return find_own(self._context.store, MessagingService, request, sid)

    def _save(self, service: MessagingService, number_sids: tuple[str, ...]) -> None:
        now = self._context.clock.now()
        self._context.store.save(replace(service, numbers=number_sids, date_updated=now))


def _refuse_second(service: MessagingService, other: MessagingService | None) -> None:
    """Refuse a number that is in a service already, this one or another.

    https://www.twilio.com/docs/api/errors/21712

    Raises: ApiError.
    """
    if other and other.sid == service.sid:
        raise ApiError(21710, "Phone Number or Short Code is already in the Messaging Service.", status=409)
    if other:
        problem = "Phone Number or Short Code is associated with another Messaging Service."
        raise ApiError(21712, problem, status=409)
