"""Alerts: the errors and warnings that Twilio's debugger reports to a webhook.

https://www.twilio.com/docs/usage/troubleshooting/debugging-event-webhooks
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .webhook import Form


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An error or a warning in Twilio's debugger.

    Without a value from Twilio, strings and mappings are empty and numbers are None.
    """

    #: Every parameter as received, including unknown ones.
    form: Form = field(repr=False)
    #: The query parameters of the URL that was called.
    query: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    sid: str = ""  #: The sid of the alert.
    account_sid: str = ""  #: The sid of the account that has the problem.
    parent_account_sid: str = ""  #: The sid of its parent, if that account is a subaccount.
    timestamp: str = ""  #: When it happened, as Twilio writes it: ``2021-10-12T23:43:53.289Z``.
    level: str = ""  #: ``error`` or ``warning``, in lower case.
    error_code: int | None = None  #: Twilio's error code, https://www.twilio.com/docs/api/errors.
    resource_sid: str = ""  #: What the alert is about, such as the sid of a message.
    service_sid: str = ""  #: The sid of the service that is concerned.
    #: Details of the error; the keys depend on it.
    more_info: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    #: The request that failed and its response, if the error is one of a webhook.
    webhook: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    #: The whole JSON of the parameter; empty if it is not a JSON object, and then ``form`` has its text.
    payload: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    #: Whether the event is a recording that is replayed.
    replayed: bool = False

    @property
    def message(self) -> str:
        """What happened, in Twilio's words."""
        return _text(self.more_info.get("Msg")) or _text(self.more_info.get("msg"))

    @property
    def contact(self) -> str:
        """The other person's address, if the alert is about a webhook of a message."""
        return self._address("To" if self._is_of_status else "From")

    @property
    def number(self) -> str:
        """Our phone number, if the alert is about a webhook of a message."""
        return self._address("From" if self._is_of_status else "To")

    @property
    def _is_of_status(self) -> bool:
        status = self._address("MessageStatus") or self._address("SmsStatus")
        return status not in ("", "received", "receiving")

    def _address(self, name: str) -> str:
        parameters = _mapping(_mapping(self.webhook.get("request")).get("parameters"))
        return _text(parameters.get(name))


def is_alert(form: Form) -> bool:
    """Return whether the form of an otherwise unknown webhook is that of an alert."""
    return "Payload" in form and "Level" in form and "CallSid" not in form


def parse_alert(form: Form, query: Mapping[str, str]) -> Alert:
    """Parse the parameters of an alert; no payload makes this raise."""
    payload = _parse_payload(form.get("Payload", ""))
    return Alert(
        form=form,
        query=query,
        sid=form.get("Sid", ""),
        account_sid=form.get("AccountSid", ""),
        parent_account_sid=form.get("ParentAccountSid", ""),
        timestamp=form.get("Timestamp") or form.get("TimeStamp", ""),
        level=form.get("Level", "").lower(),
        error_code=_code(payload.get("error_code")),
        resource_sid=_text(payload.get("resource_sid")),
        service_sid=_text(payload.get("service_sid")),
        more_info=_mapping(payload.get("more_info")),
        webhook=_mapping(payload.get("webhook")),
        payload=payload,
    )


def _parse_payload(text: str) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(text))
    except (ValueError, RecursionError):  # no JSON, or too deeply nested
        return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _code(value: object) -> int | None:
    """Return an error code, which Twilio writes as a string."""
    digits = str(value) if isinstance(value, str | int) else ""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
