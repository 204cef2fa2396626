"""The name that a messaging service sends from, and the lists of a service that are always empty.

https://www.twilio.com/docs/messaging/api/alphasender-resource
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from ...errors import ApiError
from ..context import Context
from ..numbers import is_alpha_sender
from ..quoting import shown
from ..resources import MessagingService
from .paging import Pager, meta_page
from .parameters import INVALID_PARAMETER
from .request import ApiAnswer, ApiRequest, NoContent, PlainDocument, Rule, find_own, not_found
from .sender_representations import SERVICE_LINKS, alpha_sender_fields

_SERVICE = "/v1/Services/<sid>"
_BASE = f"{_SERVICE}/AlphaSenders"
#: The lists of a service that are always empty, and their names.
_EMPTY = {
    "messages": "messages",
    "channel_senders": "senders",
    "us_app_to_person": "compliance",
    "us_app_to_person_usecases": "us_app_to_person_usecases",
}
_CONFLICT = 20409


class AlphaSenders:
    """The names in the messaging services of an account."""

    def __init__(self, context: Context, pager: Pager) -> None:
        self._context = context
        self._pager = pager

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        yield Rule(path=_BASE, views={"GET": self.list, "POST": self.add}, is_json=True)
        yield Rule(path=f"{_BASE}/<name_sid>", views={"GET": self.fetch, "DELETE": self.remove}, is_json=True)
        for link, key in _EMPTY.items():
            views = {"GET": partial(self.list_nothing, key)}
            yield Rule(path=f"{_SERVICE}/{SERVICE_LINKS[link]}", views=views, is_json=True)

    def list(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """List the only name of a service, if it has one."""
        service = self._find_service(request, sid)
        page = self._pager.read(request.query)
        items = [alpha_sender_fields(service, request.base_url)] if service.alpha_sender and not page.number else []
        return meta_page(request, "alpha_senders", page, items)

    def list_nothing(self, key: str, request: ApiRequest, sid: str) -> ApiAnswer:
        """Return an empty list."""
        self._find_service(request, sid)
        page = self._pager.read(request.query)
        return meta_page(request, key, page, ())

    def add(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Add a name to a service that has none yet."""
        name = request.form.text("AlphaSender")
        if not is_alpha_sender(name):
            problem = "it must have 1 to 11 letters, digits and spaces, and not only digits"
            raise ApiError(INVALID_PARAMETER, f"The AlphaSender {shown(name)} is invalid: {problem}.")
        with self._context.lock:
            service = self._find_service(request, sid)
            if service.alpha_sender:
                problem = f"has the Alpha Sender {service.alpha_sender}: remove it first"
                raise ApiError(_CONFLICT, f"The Messaging Service {service.sid} {problem}.", status=409)
            service = self._save(service, name)
        return PlainDocument(document=alpha_sender_fields(service, request.base_url), status=201)

    def fetch(self, request: ApiRequest, sid: str, name_sid: str) -> ApiAnswer:
        """Return the name of a service."""
        fields = alpha_sender_fields(self._find_service(request, sid), request.base_url)
        if name_sid != fields["sid"] or not fields["alpha_sender"]:
            raise not_found(request.path)
        return PlainDocument(document=fields)

    def remove(self, request: ApiRequest, sid: str, name_sid: str) -> ApiAnswer:
        """Remove the name of a service."""
        with self._context.lock:
            self.fetch(request, sid, name_sid)
            self._save(self._find_service(request, sid), "")
        return NoContent()

    def _find_service(self, request: ApiRequest, sid: str) -> MessagingService:
        return find_own(self._context.store, MessagingService, request, sid)

    def _save(self, service: MessagingService, name: str) -> MessagingService:
        now = self._context.clock.now()
        return self._context.store.save(replace(service, alpha_sender=name, date_updated=now))
