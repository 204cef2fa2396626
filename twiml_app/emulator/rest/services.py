"""Messaging services: pools of numbers, with an inbound URL and a status callback.

https://www.twilio.com/docs/messaging/api/service-resource
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...errors import ApiError
from ..context import Context
from ..resources import MessagingService
from .paging import Pager, meta_page
from .parameters import Parameters
from .request import ApiAnswer, ApiRequest, NoContent, PlainDocument, Rule, find_own
from .sender_representations import service_fields

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
    """The messaging services of an account."""

    def __init__(self, context: Context, pager: Pager) -> None:
        self._context = context
        self._pager = pager

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        base = "/v1/Services"
        yield Rule(path=base, views={"GET": self.list, "POST": self.create}, is_json=True)
        one = {"GET": self.fetch, "POST": self.update, "DELETE": self.delete}
        yield Rule(path=f"{base}/<sid>", views=one, is_json=True)

    def list(self, request: ApiRequest) -> ApiAnswer:
        """List services."""
        page = self._pager.read(request.query)
        found, has_more = self._pager.find(MessagingService, page, (), request.account.sid)
        items = [service_fields(service, request.base_url) for service in found]
        return meta_page(request, "services", page, items, found[-1].sid if has_more else "")

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
        return self._answer(self._context.store.save(service), request, 201)

    def fetch(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Return a service."""
        return self._answer(self._find(request, sid), request)

    def update(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Update a service."""
        changes = self._changes(request.form)
        with self._context.lock:
            changed = replace(self._find(request, sid), date_updated=self._context.clock.now(), **changes)
            return self._answer(self._context.store.save(changed), request)

    def delete(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Delete a service, but not its numbers."""
        self._context.store.delete(MessagingService, self._find(request, sid).sid)
        return NoContent()

    def _find(self, request: ApiRequest, sid: str) -> MessagingService:
        return find_own(self._context.store, MessagingService, request, sid)

    def _answer(self, service: MessagingService, request: ApiRequest, status: int = 200) -> ApiAnswer:
        return PlainDocument(document=service_fields(service, request.base_url), status=status)

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
