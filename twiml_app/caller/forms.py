"""The forms that Twilio posts: complete, with the fields in Twilio's order.

https://www.twilio.com/docs/messaging/guides/webhook-request
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

from ..segments import segment
from ..webhook import Form

CONTACT = "+15005550001"
NUMBER = "+15005550006"
ACCOUNT_SID = "AC" + "0" * 32

#: The order of the fields in recorded traffic; fields that are not listed come last.
_INBOUND_ORDER = (
    *("ErrorUrl", "ErrorCode", "OptOutType"),
    *("OriginalRepliedMessageSender", "OriginalRepliedMessageSid", "Forwarded", "FrequentlyForwarded"),
    *("ButtonText", "ButtonPayload", "ButtonType", "Latitude", "Longitude", "ReferralBody", "ReferralHeadline"),
    *("ReferralSourceId", "ReferralSourceType", "ReferralSourceUrl", "ReferralMediaId", "ReferralMediaContentType"),
    *("ReferralMediaUrl", "ReferralCtwaClid", "ToCountry", "MediaContentType", "ToState", "SmsMessageSid", "NumMedia"),
    *("ToCity", "FromZip", "ProfileName", "MessageType", "SmsSid", "FromState", "WaId", "SmsStatus", "FromCity"),
    *("Body", "FromCountry", "Address", "Label", "ExternalUserId", "ChannelMetadata", "To", "MessagingServiceSid"),
    *("ToZip", "NumSegments", "ReferralNumMedia", "MessageSid", "AccountSid", "From", "MediaUrl", "ApiVersion"),
)
_STATUS_ORDER = (
    *("RawDlrDoneDate", "ErrorCode", "ChannelInstallSid", "ChannelPrefix", "ChannelToAddress", "EventType"),
    *("StructuredMessage", "SmsSid", "SmsStatus", "MessageStatus", "To", "MessageSid", "AccountSid", "From"),
    "ApiVersion",
)
#: These are not sent for other channels than SMS and MMS.
_PLACES = tuple(f"{whose}{what}" for whose in ("From", "To") for what in ("City", "State", "Zip", "Country"))
_NUMBERED = re.compile(r"(MediaContentType|MediaUrl)([0-9]{1,3})")


def random_sid(prefix: str = "SM") -> str:
    """Return a new sid: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


def inbound_form(
    body: str = "",
    *,
    from_: str = CONTACT,
    to: str = NUMBER,
    media: Mapping[str, str] | None = None,
    message_sid: str = "",
    account_sid: str = ACCOUNT_SID,
    fields: Mapping[str, str] | None = None,
) -> Form:
    """Return the form of an inbound message, complete and in Twilio's order.

    ``media`` maps URLs to content types; ``fields`` overrides any field.
    """
    files = dict(media or {})
    sid = message_sid or random_sid("MM" if files else "SM")
    form = {} if _is_channel(from_) else {name: "US" if name.endswith("Country") else "" for name in _PLACES}
    form |= {"From": from_, "To": to, "Body": body, "ApiVersion": "2010-04-01"}
    form |= {"SmsMessageSid": sid, "SmsSid": sid, "MessageSid": sid, "AccountSid": account_sid, "SmsStatus": "received"}
    form |= {"NumMedia": str(len(files)), "NumSegments": str(_num_segments(body, from_, len(files)))}
    for index, (url, content_type) in enumerate(files.items()):
        form |= {f"MediaUrl{index}": url, f"MediaContentType{index}": content_type}
    return _in_twilios_order(form | dict(fields or {}), _INBOUND_ORDER)


def status_form(
    message_sid: str,
    message_status: str,
    *,
    error_code: int | None = None,
    done_at: float | None = None,
    from_: str = NUMBER,
    to: str = CONTACT,
    account_sid: str = ACCOUNT_SID,
    fields: Mapping[str, str] | None = None,
) -> Form:
    """Return the form of a status callback for a message that we sent, in Twilio's order.

    ``done_at`` is the time of the carrier's delivery receipt, in seconds since 1970; ``fields`` overrides any field.
    """
    form = {"SmsSid": message_sid, "SmsStatus": message_status, "MessageStatus": message_status, "To": to}
    form |= {"MessageSid": message_sid, "AccountSid": account_sid, "From": from_, "ApiVersion": "2010-04-01"}
    if error_code is not None:
        form["ErrorCode"] = str(error_code)
    if done_at is not None:
        form["RawDlrDoneDate"] = datetime.fromtimestamp(done_at, UTC).strftime("%y%m%d%H%M")
    return _in_twilios_order(form | dict(fields or {}), _STATUS_ORDER)


def alert_form(
    error_code: int,
    *,
    sid: str = "",
    level: str = "error",
    account_sid: str = ACCOUNT_SID,
    resource_sid: str = "",
    problem: str = "",
    request: tuple[str, Form] | None = None,
    happened_at: float = 0.0,
) -> Form:
    """Return the form of an alert, with the keys that were seen in real traffic.

    ``request`` is the URL and the form of the request that failed; ``happened_at`` is in seconds since 1970,
    https://www.twilio.com/docs/usage/troubleshooting/debugging-event-webhooks.
    """
    code = str(error_code)
    more_info = {"Msg": problem, "ErrorCode": code, "LogLevel": level.upper()}
    payload: dict[str, object] = {"resource_sid": resource_sid, "service_sid": None, "error_code": code}
    payload["more_info"] = more_info if request is None else more_info | {"url": request[0]}
    if request is not None:
        called = {"url": request[0], "method": "POST", "headers": {}, "parameters": dict(request[1])}
        response: dict[str, object] = {"status_code": None, "headers": {}, "body": None}
        payload["webhook"] = {"type": "application/json", "request": called, "response": response}
    moment = datetime.fromtimestamp(happened_at, UTC).isoformat(timespec="milliseconds")
    form = {"ParentAccountSid": "", "Payload": json.dumps(payload, separators=(",", ":"))}
    form |= {"PayloadType": "application/json", "AccountSid": account_sid, "Timestamp": moment.replace("+00:00", "Z")}
    return Form((form | {"Level": level.upper(), "Sid": sid or random_sid("NO")}).items())


def _is_channel(address: str) -> bool:
    """Return whether an address belongs to another channel than SMS and MMS, such as ``whatsapp:+15005550001``."""
    return ":" in address


def _num_segments(body: str, from_: str, num_media: int) -> int:
    """Return the segments of a message: one per media file, plus those of its text; 1 on other channels."""
    if _is_channel(from_):
        return 1
    return num_media + bool(body) if num_media else segment(body).count


def _in_twilios_order(form: Mapping[str, str], order: tuple[str, ...]) -> Form:
    places = {name: place for place, name in enumerate(order)}

    def place(name: str) -> tuple[int, int]:
        numbered = _NUMBERED.fullmatch(name)
        plain, index = (numbered[1], int(numbered[2])) if numbered else (name, 0)
        return places.get(plain, len(places)), index

    return Form(sorted(form.items(), key=lambda field: place(field[0])))
