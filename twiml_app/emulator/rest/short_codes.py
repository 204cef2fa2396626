"""The short codes of an account, and the URLs to which texts to them are posted.

They come from a seed: nobody can buy one. https://www.twilio.com/docs/sms/api/short-codes
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..context import Context
from ..resources import API_2010, IncomingNumber
from ..store import Condition
from .incoming_numbers import digits_pattern, number_changes
from .paging import Names, Pager
from .request import ApiAnswer, ApiRequest, OneResource, Rule, not_found
from .sender_representations import short_code_fields, short_code_sid

_NAMES = Names(key="short_codes", element="ShortCodes", item="ShortCode")
_BASE = f"/{API_2010}/Accounts/<account_sid>/SMS/ShortCodes"
_URLS = ("sms_url", "sms_method", "sms_fallback_url", "sms_fallback_method", "friendly_name")


class ShortCodes:
    """The short codes of an account."""

    def __init__(self, context: Context, pager: Pager) -> None:
        self._context = context
        self._pager = pager

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        yield Rule(path=_BASE, views={"GET": self.list})
        yield Rule(path=f"{_BASE}/<sid>", views={"GET": self.fetch, "POST": self.update})

    def list(self, request: ApiRequest) -> ApiAnswer:
        """List short codes, optionally filtered by name or by some of their digits."""
        wanted, name = request.query.text("ShortCode").strip(), request.query.text("FriendlyName")
        conditions = [Condition("phone_number", "<", ":"), Condition("phone_number", ">", "/")]
        conditions += [Condition("phone_number", "like", digits_pattern(wanted))] if wanted else []
        conditions += [Condition("friendly_name", "=", name)] if name else []
        return self._pager.list_page(
            request, IncomingNumber, _NAMES, lambda number: short_code_fields(number, request.suffix), *conditions
        )

    def fetch(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Return a short code."""
        return self._answer(self._find(request, sid), request)

    def update(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Update a short code."""
        changes = {name: value for name, value in number_changes(request.form).items() if name in _URLS}
        with self._context.lock:
            changed = replace(self._find(request, sid), date_updated=self._context.clock.now(), **changes)
            return self._answer(self._context.store.save(changed), request)

    def _find(self, request: ApiRequest, sid: str) -> IncomingNumber:
        found = find_short_code(self._context, request.account.sid, sid)
        if found is None:
            raise not_found(request.path + request.suffix)
        return found

    def _answer(self, number: IncomingNumber, request: ApiRequest) -> ApiAnswer:
        fields = short_code_fields(number, request.suffix)
        return OneResource(element=_NAMES.item, fields=fields, modified=number.date_updated)


def find_short_code(context: Context, account_sid: str, sid: str) -> IncomingNumber | None:
    """Return the short code of an account with this sid, if any."""
    owned = context.store.find(IncomingNumber, Condition("phone_number", ">", "/"), account_sid=account_sid)
    return next((each for each in owned if short_code_sid(each) == sid), None)
