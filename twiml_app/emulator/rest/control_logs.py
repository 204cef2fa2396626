"""Emulator-only endpoints that show logs: the outbox, the debugger and its webhook, requests in both directions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from ...errors import ApiError, ConfigurationError
from ..alerts import Alerts
from ..context import Context
from ..debugger import Debugger
from ..resources import DebuggerEntry, MessageRecord
from ..store import Condition
from ..webhook_log import WebhookLog
from .control_phones import read_address
from .representations import iso_date, message_fields
from .request import CONTROL, ApiAnswer, ApiRequest, Fields, NoContent, PlainDocument, Rule
from .request_log import RequestLog

_MAX_SHOWN = 1000


class ControlLogs:
    """The logs of the emulator."""

    def __init__(
        self, context: Context, debugger: Debugger, alerts: Alerts, log: RequestLog, webhook_log: WebhookLog
    ) -> None:
        self._context = context
        self._debugger = debugger
        self._alerts = alerts
        self._log = log
        self._webhook_log = webhook_log

    def rules(self) -> Iterator[Rule]:
        """Yield the URL rules."""
        yield Rule(path=f"{CONTROL}/outbox", views={"GET": self.outbox}, is_json=True)
        yield Rule(path=f"{CONTROL}/messages", views={"GET": self.messages}, is_json=True)
        yield Rule(path=f"{CONTROL}/debugger", views={"GET": self.debugger, "POST": self.send_alerts}, is_json=True)
        yield Rule(path=f"{CONTROL}/requests", views={"GET": self.requests}, is_json=True)
        yield Rule(path=f"{CONTROL}/webhooks", views={"GET": self.webhooks}, is_json=True)

    def outbox(self, request: ApiRequest) -> ApiAnswer:
        """Show the messages that the app has sent, oldest first."""
        is_outbound = Condition("direction", "like", "outbound%")
        found = self._context.store.find(MessageRecord, is_outbound, limit=_MAX_SHOWN)
        messages = [message_fields(message, self._context.profile, ".json") for message in reversed(found)]
        return PlainDocument(document={"messages": messages})

    def messages(self, request: ApiRequest) -> ApiAnswer:
        """Show the messages in both directions, oldest first; with ``Contact``, only those from and to that phone."""
        contact = request.query.text("Contact") and read_address(request.query.text("Contact"))
        found = self._context.store.find(MessageRecord, limit=_MAX_SHOWN)
        chosen = [message for message in reversed(found) if contact in ("", message.from_, message.to)]
        messages = [message_fields(message, self._context.profile, ".json") for message in chosen]
        return PlainDocument(document={"messages": messages})

    def debugger(self, request: ApiRequest) -> ApiAnswer:
        """Show the debugger's errors and warnings, oldest first."""
        return PlainDocument(document={"entries": [entry_fields(entry) for entry in self._debugger.entries()]})

    def send_alerts(self, request: ApiRequest) -> ApiAnswer:
        """Post new entries of the debugger to ``Url`` from now on; an empty one switches it off."""
        try:
            self._alerts.send_to(request.form.text("Url"))
        except ConfigurationError as error:
            raise ApiError(20001, str(error)) from error
        return NoContent()

    def requests(self, request: ApiRequest) -> ApiAnswer:
        """Show the requests to the REST API, oldest first."""
        shown = [{**asdict(logged), "date": iso_date(logged.date)} for logged in self._log.all()]
        return PlainDocument(document={"requests": shown})

    def webhooks(self, request: ApiRequest) -> ApiAnswer:
        """Show the requests to the app, oldest first."""
        shown = [{**asdict(logged), "date": iso_date(logged.date)} for logged in self._webhook_log.all()]
        return PlainDocument(document={"webhooks": shown})


def entry_fields(entry: DebuggerEntry) -> Fields:
    """Return the fields of an entry in the debugger."""
    return {
        "date": iso_date(entry.date_created),
        "code": entry.code,
        "level": entry.level,
        "text": entry.text,
        "message_sid": entry.message_sid,
        "url": entry.url,
    }
