"""The entries of the debugger: as alerts of the monitor, and as notifications of the older API.

https://www.twilio.com/docs/usage/monitor-alert and https://www.twilio.com/docs/usage/api/notifications
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from ...errors import ApiError
from ..context import Context
from ..resources import API_2010, DebuggerEntry
from ..store import Condition
from ..webhook_log import WebhookLog
from ..webhooks import Webhooks
from .paging import DAY_S, Names, Pager, date_conditions, meta_page
from .parameters import INVALID_PARAMETER, Parameters
from .representations import date, iso_date
from .request import ApiAnswer, ApiRequest, Fields, NoContent, OneResource, PlainDocument, Rule, find_own

_NAMES = Names(key="notifications", element="Notifications", item="Notification")
_LEVELS = ("error", "warning", "notice", "debug")
#: The number of a level in notifications.
_LOG = {"error": "0", "warning": "1"}


class AlertLists:
    """The debugger of an account."""

    def __init__(self, context: Context, pager: Pager, webhooks: Webhooks, webhook_log: WebhookLog) -> None:
        self._context = context
        self._pager = pager
        self._webhooks = webhooks
        self._webhook_log = webhook_log

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        yield Rule(path="/v1/Alerts", views={"GET": self.list_alerts}, is_json=True)
        one_alert = {"GET": self.fetch_alert, "DELETE": self.delete}
        yield Rule(path="/v1/Alerts/<sid>", views=one_alert, is_json=True)
        base = f"/{API_2010}/Accounts/<account_sid>/Notifications"
        yield Rule(path=base, views={"GET": self.list_notifications})
        yield Rule(path=f"{base}/<sid>", views={"GET": self.fetch_notification, "DELETE": self.delete})

    def list_alerts(self, request: ApiRequest) -> ApiAnswer:
        """List alerts, newest first, optionally of one level or a time."""
        page = self._pager.read(request.query)
        level = request.query.choice("LogLevel", _LEVELS)
        conditions = [Condition("level", "=", level)] if level else []
        conditions += _time_conditions(request.query)
        found, has_more = self._pager.find(DebuggerEntry, page, conditions, request.account.sid)
        items = [self._alert(entry, request) for entry in found]
        return meta_page(request, "alerts", page, items, found[-1].sid if has_more else "")

    def fetch_alert(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Return an alert, with what the emulator sent to the app."""
        entry = self._find(request, sid)
        return PlainDocument(document={**self._alert(entry, request), "request_headers": None, **self._exchange(entry)})

    def list_notifications(self, request: ApiRequest) -> ApiAnswer:
        """List notifications, newest first, optionally of one level or a day."""
        log = request.query.choice("Log", ("0", "1"))
        levels = [level for level, number in _LOG.items() if number == log]
        conditions = [Condition("level", "in", levels)] if log else []
        conditions += date_conditions(request.query, "MessageDate", "date_created")
        return self._pager.list_page(
            request, DebuggerEntry, _NAMES, lambda entry: self._notification(entry, request), *conditions
        )

    def fetch_notification(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Return a notification, with what the emulator sent to the app."""
        entry = self._find(request, sid)
        fields = {**self._notification(entry, request), **self._exchange(entry)}
        return OneResource(element=_NAMES.item, fields=fields, modified=entry.date_updated)

    def delete(self, request: ApiRequest, sid: str) -> ApiAnswer:
        """Delete an entry."""
        self._context.store.delete(DebuggerEntry, self._find(request, sid).sid)
        return NoContent()

    def _find(self, request: ApiRequest, sid: str) -> DebuggerEntry:
        return find_own(self._context.store, DebuggerEntry, request, sid)

    def _alert(self, entry: DebuggerEntry, request: ApiRequest) -> Fields:
        when = iso_date(entry.date_created)
        return {
            "sid": entry.sid,
            "account_sid": entry.account_sid,
            "alert_text": _text(entry),
            "api_version": API_2010,
            "date_created": when,
            "date_generated": when,
            "date_updated": when,
            "error_code": str(entry.code),
            "log_level": entry.level,
            "more_info": self._more_info(entry),
            "request_method": self._method(entry),
            "request_url": entry.url or None,
            "resource_sid": entry.message_sid,
            "service_sid": None,
            "url": f"{request.base_url}/v1/Alerts/{entry.sid}",
        }

    def _notification(self, entry: DebuggerEntry, request: ApiRequest) -> Fields:
        when = date(entry.date_created)
        return {
            "sid": entry.sid,
            "account_sid": entry.account_sid,
            "call_sid": None,
            "log": _LOG.get(entry.level, ""),
            "error_code": str(entry.code),
            "more_info": self._more_info(entry),
            "message_text": _text(entry),
            "message_date": when,
            "request_url": entry.url,
            "request_method": self._method(entry),
            "api_version": API_2010,
            "date_created": when,
            "date_updated": when,
            "uri": f"/{API_2010}/Accounts/{entry.account_sid}/Notifications/{entry.sid}{request.suffix}",
        }

    def _more_info(self, entry: DebuggerEntry) -> str:
        return f"{self._context.profile.more_info}/{entry.code}"

    def _method(self, entry: DebuggerEntry) -> str | None:
        """Return the method of the last request about the message of an entry that is still in the log."""
        logged = (each for each in reversed(self._webhook_log.all()) if each.message_sid == entry.message_sid)
        return next((each.method for each in logged), None) if entry.url else None

    def _exchange(self, entry: DebuggerEntry) -> Fields:
        """Return what was sent; the emulator keeps nothing of the answers of an app."""
        request = self._webhooks.reported_request(entry)
        variables = urlencode([*request[1].items()]) if request else None
        return {"request_variables": variables, "response_body": None, "response_headers": None}


def _text(entry: DebuggerEntry) -> str:
    """Return the text of an entry as Twilio encodes it: clients show its Msg."""
    return urlencode({"LogLevel": entry.level.upper(), "Msg": entry.text, "ErrorCode": entry.code})


def _time_conditions(query: Parameters) -> list[Condition]:
    """Return the conditions for ``StartDate`` and ``EndDate``, which are inclusive.

    Raises: ApiError.
    """
    conditions = []
    if query.text("StartDate"):
        conditions.append(Condition("date_created", ">=", query.moment("StartDate", INVALID_PARAMETER)))
    if query.text("EndDate"):
        end = query.moment("EndDate", INVALID_PARAMETER)
        if conditions and end < float(str(conditions[0].value)):
            raise ApiError(INVALID_PARAMETER, "EndDate is before StartDate.")
        conditions.append(Condition("date_created", "<", end + (DAY_S if end % DAY_S == 0 else 1)))
    return conditions
