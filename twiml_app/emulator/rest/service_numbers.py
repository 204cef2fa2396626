"""The numbers and short codes in a messaging service: list, add, fetch, remove.

https://www.twilio.com/docs/messaging/api/phonenumber-resource, https://www.twilio.com/docs/messaging/api/services-shortcode-resource
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from ...errors import ApiError
from ..context import Context
from ..resources import IncomingNumber, MessagingService
from .paging import Pager, meta_page
from .request import ApiAnswer, ApiRequest, Fields, NoContent, PlainDocument, Rule, find_own, not_found
from .sender_representations import service_number_fields, service_short_code_fields, short_code_sid


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pool:
    """The numbers or the short codes of a service."""

    #: The last part of its path, the name of its list, and the parameter that adds to it.
    path: str
    key: str
    parameter: str
    prefix: str
    is_short: bool
    represent: Callable[[IncomingNumber, MessagingService, str], Fields]

    def has(self, number: IncomingNumber) -> bool:
        """Return whether a number is of this kind."""
        return self.is_short == number.is_short

    def sid_of(self, number: IncomingNumber) -> str:
        """Return the sid of a number in this pool."""
        return short_code_sid(number) if self.is_short else number.sid


_POOLS = (
    _Pool(
        path="PhoneNumbers",
        key="phone_numbers",
        parameter="PhoneNumberSid",
        prefix="PN",
        is_short=False,
        represent=service_number_fields,
    ),
    _Pool(
        path="ShortCodes",
        key="short_codes",
        parameter="ShortCodeSid",
        prefix="SC",
        is_short=True,
        represent=service_short_code_fields,
    ),
)


class ServiceNumbers:
    """The numbers and short codes in the messaging services of an account."""

    def __init__(self, context: Context, pager: Pager) -> None:
        self._context = context
        self._pager = pager

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        for pool in _POOLS:
            base = f"/v1/Services/<sid>/{pool.path}"
            views = {"GET": partial(self.list, pool), "POST": partial(self.add, pool)}
            yield Rule(path=base, views=views, is_json=True)
            one = {"GET": partial(self.fetch, pool), "DELETE": partial(self.remove, pool)}
            yield Rule(path=f"{base}/<number_sid>", views=one, is_json=True)

    def list(self, pool: _Pool, request: ApiRequest, sid: str) -> ApiAnswer:
        """List the numbers of a service."""
        service = self._find_service(request, sid)
        page = self._pager.read(request.query)
        numbers = [number for number in self._context.numbers_of(service) if pool.has(number)]
        found, has_more = self._pager.cut(IncomingNumber, page, numbers)
        items = [pool.represent(number, service, request.base_url) for number in found]
        return meta_page(request, pool.key, page, items, found[-1].sid if has_more else "")

    def add(self, pool: _Pool, request: ApiRequest, sid: str) -> ApiAnswer:
        """Add a number to a service."""
        number_sid = request.form.sid(pool.parameter, pool.prefix, 21711)
        with self._context.lock:
            service = self._find_service(request, sid)
            owned = self._context.store.find(IncomingNumber, account_sid=request.account.sid)
            number = next((each for each in owned if pool.has(each) and pool.sid_of(each) == number_sid), None)
            if number is None:
                raise ApiError(21711, f"There is no number {number_sid} in this account.")
            _refuse_second(service, self._context.find_service(number))
            self._save(service, (*service.numbers, number.sid))
        return PlainDocument(document=pool.represent(number, service, request.base_url), status=201)

    def fetch(self, pool: _Pool, request: ApiRequest, sid: str, number_sid: str) -> ApiAnswer:
        """Return a number of a service."""
        service = self._find_service(request, sid)
        number = self._find_number(pool, request, service, number_sid)
        return PlainDocument(document=pool.represent(number, service, request.base_url))

    def remove(self, pool: _Pool, request: ApiRequest, sid: str, number_sid: str) -> ApiAnswer:
        """Remove a number from a service."""
        with self._context.lock:
            service = self._find_service(request, sid)
            number = self._find_number(pool, request, service, number_sid)
            self._save(service, tuple(each for each in service.numbers if each != number.sid))
        return NoContent()

    def _find_number(
        self, pool: _Pool, request: ApiRequest, service: MessagingService, number_sid: str
    ) -> IncomingNumber:
        for number in self._context.numbers_of(service):
            if pool.has(number) and pool.sid_of(number) == number_sid:
                return number
        raise not_found(request.path)

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
