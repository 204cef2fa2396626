"""The parameters of Twilio's webhooks, by what they say about a person."""

from __future__ import annotations

import re
from dataclasses import fields

from ..events import (
    REPLY_PARAMETER,
    InboundMessage,
    StatusCallback,
    UnknownEvent,
    parameter_name,
)

_SIDES = ("From", "To", "Caller", "Called")

#: A person's name.
PERSONS = frozenset({"ProfileName", "CallerName"})
#: The name of a person's place, or of the advertisement that the person came from.
PLACES = frozenset(
    {"Address", "Label", "ReferralHeadline", *(f"{side}{what}" for side in _SIDES for what in ("City", "Zip"))}
)
COORDINATES = frozenset({"Latitude", "Longitude"})
ADDRESSES = frozenset(
    {*_SIDES, "WaId", "ExternalUserId", "ChannelToAddress", "OriginalRepliedMessageSender", "ReferralCtwaClid"}
    | {"ForwardedFrom"}
)
TEXTS = frozenset(
    {"Body", "ButtonText", "ButtonPayload", "ReferralBody", "InteractiveData", "FlowData", "ChannelMetadata"}
    | {"ChannelStatusMessage"}
)
#: The parameter of an alert with its JSON, and the keys whose values are Twilio's own words.
PAYLOAD = "Payload"
PAYLOAD_CODES = frozenset(
    {"error_code", "ErrorCode", "LogLevel", "httpResponse", "sourceComponent", "method", "type", "status_code"}
)
#: Words of Twilio, which stay even if somebody has the same name.
_CODES = frozenset(
    {"SmsStatus", "MessageStatus", "OptOutType", "ButtonType", "MessageType", "EventType", "ChannelPrefix"}
    | {"ReferralSourceType", "CallStatus", "Direction", "StirVerstat", "Forwarded", "FrequentlyForwarded"}
    | {"Level", "StructuredMessage", *(f"{side}{what}" for side in _SIDES for what in ("Country", "State"))}
)
_OTHERS = frozenset(
    {"SmsSid", "SmsMessageSid", "NumMedia", "ReferralNumMedia", "CallSid", "ParentCallSid", REPLY_PARAMETER}
    | {"Sid", "ParentAccountSid", PAYLOAD}
)
_EVENTS = (InboundMessage, StatusCallback, UnknownEvent)
_OF_EVENTS = frozenset(parameter_name(each.name) for kind in _EVENTS for each in fields(kind))
_OF_ALERTS = frozenset({"Level", "PayloadType", "Timestamp"})
_NAMED = (
    _OF_ALERTS | PERSONS | PLACES | COORDINATES | ADDRESSES | TEXTS | _CODES | _OTHERS | _OF_EVENTS - {"Form", "Query"}
)
_MEDIA = re.compile(r"Media(?:Url|ContentType)[0-9]{1,3}")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")


def is_known(name: str) -> bool:
    """Return whether Twilio documents a parameter, or this package adds it to its own URLs."""
    return name in _NAMED or _MEDIA.fullmatch(name) is not None


def is_code(name: str, value: str) -> bool:
    """Return whether a value is one of Twilio's own words, such as a status or a media type."""
    if "ContentType" in name:
        return _MEDIA_TYPE.fullmatch(value) is not None
    if name == "RawDlrDoneDate":
        return re.fullmatch(r"[0-9]{10,12}", value) is not None
    if name in ("PayloadType", "Timestamp"):
        return re.fullmatch(_TIMESTAMP if name == "Timestamp" else _MEDIA_TYPE, value) is not None
    return name in _CODES and re.fullmatch(r"[A-Za-z-]{0,40}", value) is not None
