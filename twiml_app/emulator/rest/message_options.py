"""The options of a message that is sent through the REST API: status callback, schedule, retention, validity."""

from __future__ import annotations

import json
from typing import Any

from ...errors import ApiError
from ..context import Context
from ..profiles import BRIEF
from ..resources import API_2008, Application, MessagingService
from .message_request import MessageApi, MessageRequest
from .parameters import INVALID_PARAMETER, Parameters

MIN_SCHEDULE_S = 15 * 60
MAX_SCHEDULE_S = 35 * 24 * 3600


class OptionReader:
    """Reads and checks the parameters other than addresses and content."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def read(self, request: MessageRequest, service: MessagingService | None) -> dict[str, Any]:
        """Return the fields of a message other than its addresses and content.

        Raises: ApiError.
        """
        form = request.form
        options = self._read_status(request, service)
        if request.api.is_legacy:
            return options
        options["max_price"] = form.price("MaxPrice", 21627)
        validity = form.integer("ValidityPeriod", 1, self._context.profile.validity_s, 21624)
        options["validity_s"] = validity or (service.validity_period if service else None)
        options["discards_body"] = form.choice("ContentRetention", ("retain", "discard")) == "discard"
        options["obfuscates_to"] = form.choice("AddressRetention", ("retain", "obfuscate")) == "obfuscate"
        options["content_sid"] = form.sid("ContentSid", "HX", 21655)
        _refuse_malformed(form)
        if service:
            options["send_at"] = self._read_schedule(form)
            options["messaging_service_sid"] = service.sid
        return options

    def _read_status(self, request: MessageRequest, service: MessagingService | None) -> dict[str, Any]:
        """Return the URL and format of status callbacks: the precedence of the URLs has changed over the years."""
        own = request.form.url("StatusCallback", 21609)
        is_legacy = request.api.is_legacy
        words: dict[str, Any] = {"status_words": "sms" if is_legacy else "message", "status_brief": is_legacy}
        profile = self._context.profile
        url = ""
        if profile.application_wins or not own:
            url = _status_url(self._find_application(request), request.api)
        if url:
            return words | {"status_url": url, "status_brief": is_legacy or profile.posted_to_application == BRIEF}
        return words | {"status_url": own or (service.status_callback if service else "")}

    def _find_application(self, request: MessageRequest) -> Application | None:
        sid = request.form.sid("ApplicationSid", "AP", 21218)
        if not sid or request.api.api_version == API_2008:
            return None
        application = self._context.store.get(Application, sid)
        if application is None or application.account_sid != request.account.sid:
            raise ApiError(21218, f"The ApplicationSid {sid} is not valid.")
        return application

    def _read_schedule(self, form: Parameters) -> float | None:
        """Return when a message is to be sent; None for immediately.

        Raises: ApiError.
        """
        if not form.choice("ScheduleType", ("fixed",)) or not form.text("SendAt"):
            return None
        moment = form.iso_moment("SendAt", 35114)
        ahead = moment - self._context.clock.now()
        if not MIN_SCHEDULE_S <= ahead <= MAX_SCHEDULE_S:
            raise ApiError(35114, "SendAt must be between 15 minutes and 35 days ahead.")
        return moment


def _status_url(application: Application | None, api: MessageApi) -> str:
    if application is None:
        return ""
    return application.sms_status_callback if api.is_legacy else application.message_status_callback


def _refuse_malformed(form: Parameters) -> None:
    """Refuse invalid values of parameters that have no effect in the emulator.

    Raises: ApiError.
    """
    for name in ("ProvideFeedback", "ForceDelivery", "ShortenUrls", "SendAsMms"):
        form.flag(name)
    form.integer("Attempt", 0, 999_999_999, INVALID_PARAMETER)
    form.choice("TrafficType", ("free",))
    form.choice("RiskCheck", ("enable", "disable"))
    if not _is_json_object(form.text("ContentVariables") or "{}"):
        raise ApiError(21656, "The ContentVariables are invalid: they must be a JSON object.")


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
