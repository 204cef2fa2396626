"""The addresses of an account, which numbers refer to.

https://www.twilio.com/docs/usage/api/address
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...errors import ApiError
from ..context import Context
from ..resources import API_2010, IncomingNumber, PostalAddress
from ..store import Condition
from .incoming_numbers import NAMES as NUMBERS
from .paging import Names, Pager
from .parameters import INVALID_PARAMETER, Parameters
from .representations import account_uri, date
from .request import ApiAnswer, ApiRequest, Fields, NoContent, OneResource, Rule, find_own
from .sender_representations import number_fields

_NAMES = Names(key="addresses", element="Addresses", item="Address")
_BASE = f"/{API_2010}/Accounts/<account_sid>/Addresses"
_REQUIRED = {
    "CustomerName": "customer_name",
    "Street": "street",
    "City": "city",
    "Region": "region",
    "PostalCode": "postal_code",
    "IsoCountry": "iso_country",
}
_OPTIONAL = {"StreetSecondary": "street_secondary", "FriendlyName": "friendly_name"}
#: The longest value of a parameter.
MAX_CHARACTERS = 256


class Addresses:
    """The addresses of an account."""

    def __init__(self, context: Context, pager: Pager) -> None:
        self._context = context
        self._pager = pager

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        yield Rule(path=_BASE, views={"GET": self.list, "POST": self.create})
        one = {"GET": self.fetch, "POST": self.update, "DELETE": self.delete}
        yield Rule(path=f"{_BASE}/<sid>", views=one)
        yield Rule(path=f"{_BASE}/<sid>/DependentPhoneNumbers", views={"GET": self.list_numbers})

    def list(self, request: ApiRequest) -> ApiAnswer:
        """List addresses."""
        wanted = {"CustomerName": "customer_name", "FriendlyName": "friendly_name", "IsoCountry": "iso_country"}
        given = {field: request.query.text(name) for name, field in wanted.items()}
        conditions = [Condition(field, "=", value) for field, value in given.items() if value]
        return self._pager.list_page(
            request, PostalAddress, _NAMES, lambda address: _fields(address, request.suffix), *conditions
        )

    def create(self, request: ApiRequest) -> ApiAnswer:
        """Create an address."""
        missing = [name for name in _REQUIRED if not request.form.text(name)]
        if missing:
            raise ApiError(INVALID_PARAMETER, f"{missing[0]} is required.")
        now = self._context.clock.now()
        address = PostalAddress(
            sid=self._context.new_sid("AD"),
            account_sid=request.account.sid,
            date_created=now,
            date_updated=now,
            **_changes(request.form),
        )
        return self._answer(self._context.store.save(address), request, 201)

    def fetch(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Return an address."""
        return self._answer(self._find(request, sid), request)

    def update(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Update an address; its country stays."""
        changes = {name: value for name, value in _changes(request.form).items() if name != "iso_country"}
        with self._context.lock:
            changed = replace(self._find(request, sid), date_updated=self._context.clock.now(), **changes)
            return self._answer(self._context.store.save(changed), request)

    def delete(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Delete an address that no number refers to."""
        with self._context.lock:
            address = self._find(request, sid)
            if self._context.store.count(IncomingNumber, Condition("address_sid", "=", sid)):
                raise ApiError(20409, f"A number refers to the address {sid}: change the number first.", status=409)
            self._context.store.delete(PostalAddress, address.sid)
        return NoContent()

    def list_numbers(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """List the numbers that refer to an address."""
        refers = Condition("address_sid", "=", self._find(request, sid).sid)
        names = replace(NUMBERS, key="dependent_phone_numbers")
        return self._pager.list_page(
            request, IncomingNumber, names, lambda number: number_fields(number, request.suffix), refers
        )

    def _find(self, request: ApiRequest, sid: str) -> PostalAddress:
        return find_own(self._context.store, PostalAddress, request, sid)

    def _answer(self, address: PostalAddress, request: ApiRequest, status: int = 200) -> ApiAnswer:
        fields = _fields(address, request.suffix)
        return OneResource(element=_NAMES.item, fields=fields, status=status, modified=address.date_updated)


def _changes(form: Parameters) -> dict[str, Any]:
    """Return the fields of an address that a form sets.

    Raises: ApiError.
    """
    changes: dict[str, Any] = {
        field: form.text(name) for name, field in (_REQUIRED | _OPTIONAL).items() if name in form
    }
    for name, value in changes.items():
        if len(value) > MAX_CHARACTERS:
            raise ApiError(INVALID_PARAMETER, f"{name} can have at most {MAX_CHARACTERS} characters.")
    return changes | ({"emergency_enabled": form.flag("EmergencyEnabled")} if "EmergencyEnabled" in form else {})


def _fields(address: PostalAddress, suffix: str) -> Fields:
    return {
        "sid": address.sid,
        "account_sid": address.account_sid,
        "friendly_name": address.friendly_name or None,
        "customer_name": address.customer_name,
        "street": address.street,
        "street_secondary": address.street_secondary or None,
        "city": address.city,
        "region": address.region,
        "postal_code": address.postal_code,
        "iso_country": address.iso_country,
        "emergency_enabled": address.emergency_enabled,
        "validated": False,
        "verified": False,
        "date_created": date(address.date_created),
        "date_updated": date(address.date_updated),
        "uri": account_uri(f"{address.account_sid}/Addresses/{address.sid}", suffix),
    }
