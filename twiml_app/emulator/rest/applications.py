"""TwiML applications: named sets of URLs that numbers and messages refer to.

https://www.twilio.com/docs/usage/api/applications
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..context import Context
from ..resources import Application
from ..store import Condition
from .paging import Names, Pager
from .parameters import INVALID_URL, Parameters
from .request import ApiAnswer, ApiRequest, NoContent, OneResource, Rule, find_own
from .sender_representations import application_fields

_NAMES = Names(key="applications", element="Applications", item="Application")
_URLS = {
    "SmsUrl": "sms_url",
    "SmsFallbackUrl": "sms_fallback_url",
    "SmsStatusCallback": "sms_status_callback",
    "MessageStatusCallback": "message_status_callback",
}
_METHODS = {"SmsMethod": "sms_method", "SmsFallbackMethod": "sms_fallback_method"}


class Applications:
    """The TwiML applications of an account."""

    def __init__(self, context: Context, pager: Pager) -> None:
        self._context = context
        self._pager = pager

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        base = "/2010-04-01/Accounts/<account_sid>/Applications"
        yield Rule(path=base, views={"GET": self.list, "POST": self.create})
        one = {"GET": self.fetch, "POST": self.update, "DELETE": self.delete}
        yield Rule(path=f"{base}/<sid>", views=one)

    def list(self, request: ApiRequest) -> ApiAnswer:
        """List applications."""
        name = request.query.text("FriendlyName")
        conditions = [Condition("friendly_name", "=", name)] if name else []
        return self._pager.list_page(
            request, Application, _NAMES, lambda found: application_fields(found, request.suffix), *conditions
        )

    def create(self, request: ApiRequest) -> ApiAnswer:
        """Create an application."""
        now = self._context.clock.now()
        application = Application(
            sid=self._context.new_sid("AP"),
            account_sid=request.account.sid,
            date_created=now,
            date_updated=now,
            **_application_changes(request.form),
        )
        return self._answer(self._context.store.save(application), request, 201)

    def fetch(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Return an application."""
        return self._answer(self._find(request, sid), request)

    def update(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Update an application."""
        changes = _application_changes(request.form)
        with self._context.lock:
            changed = replace(self._find(request, sid), date_updated=self._context.clock.now(), **changes)
            return self._answer(self._context.store.save(changed), request)

    def delete(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Delete an application."""
        self._context.store.delete(Application, self._find(request, sid).sid)
        return NoContent()

    def _find(self, request: ApiRequest, sid: str) -> Application:
        return find_own(self._context.store, Application, request, sid)

    def _answer(self, application: Application, request: ApiRequest, status: int = 200) -> ApiAnswer:
        fields = application_fields(application, request.suffix)
        return OneResource(element=_NAMES.item, fields=fields, status=status, modified=application.date_updated)


def _application_changes(form: Parameters) -> dict[str, Any]:
    """Return the fields of an application that a form sets.

    Raises: ApiError.
    """
    changes: dict[str, Any] = {field: form.url(name, INVALID_URL) for name, field in _URLS.items() if name in form}
    changes |= {field: form.method(name) for name, field in _METHODS.items() if name in form}
    return changes | ({"friendly_name": form.text("FriendlyName")} if "FriendlyName" in form else {})
