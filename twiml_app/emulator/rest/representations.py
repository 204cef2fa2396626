"""The fields of each resource, named and ordered as in Twilio's documentation."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from ...statuses import error_code
from ..numbers import national
from ..pricing import json_price
from ..profiles import Profile
from ..resources import Account, Feedback, MediaRecord, MessageRecord
from .request import Fields

#: The paths of subresources that are not simply their names in camel case.
_PATHS = {"sip": "SIP", "short_codes": "SMS/ShortCodes", "sms_messages": "SMS/Messages"}
_LEGACY_STATUSES = {
    "accepted": "queued",
    "scheduled": "queued",
    "delivered": "sent",
    "read": "sent",
    "undelivered": "failed",
    "canceled": "failed",
}
#: The fields of a text message in 2010, in order.
_FIELDS_OF_2010 = (
    *("sid", "date_created", "date_updated", "date_sent", "account_sid", "to", "from", "body", "status"),
    *("direction", "price", "price_unit", "api_version", "uri"),
)
_PACIFIC = "America/Los_Angeles"
_REFUSALS = {21610: "Attempt to send to unsubscribed recipient", 21611: "Queue is full"}


def date(moment: float | None) -> str | None:
    """Return a date in RFC 2822 format, in UTC."""
    return None if moment is None else format_datetime(datetime.fromtimestamp(int(moment), UTC))


def iso_date(moment: float) -> str:
    """Return a date in ISO 8601 format, in UTC."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _pacific_date(moment: float | None) -> str | None:
    """Return a date in the format of 2008: RFC 2822 in Pacific time."""
    return None if moment is None else format_datetime(datetime.fromtimestamp(int(moment), ZoneInfo(_PACIFIC)))


def account_uri(path: str, suffix: str) -> str:
    """Return the URI of a path below the accounts."""
    return f"/2010-04-01/Accounts/{path}{suffix}"


def _ordered(fields: Fields, suffix: str) -> Fields:
    """Return fields in the order of Twilio's samples: by name in JSON, otherwise unchanged."""
    return dict(sorted(fields.items())) if suffix == ".json" else fields


def account_fields(account: Account, profile: Profile, suffix: str) -> Fields:
    """Return the fields of an account."""
    base = account_uri(account.sid, "")
    subresources = {
        name: f"{base}/{_PATHS.get(name) or ''.join(part.capitalize() for part in name.split('_'))}{suffix}"
        for name in profile.subresources
    }
    fields = {
        "sid": account.sid,
        "owner_account_sid": account.account_sid,
        "friendly_name": account.friendly_name,
        "status": account.status,
        "date_created": date(account.date_created),
        "date_updated": date(account.date_updated),
        "auth_token": account.auth_token,
        "type": account.type,
        "uri": base + suffix,
        "subresource_uris": subresources,
    }
    return _ordered(fields, suffix)


def message_fields(message: MessageRecord, profile: Profile, suffix: str, *, is_new: bool = False) -> Fields:
    """Return the fields of a message; a new one lists only its media as a subresource."""
    base = account_uri(f"{message.account_sid}/Messages/{message.sid}", "")
    is_counted = message.status not in ("accepted", "scheduled") or bool(message.num_media)
    subresources = {"media": f"{base}/Media{suffix}"}
    if not is_new:
        subresources["feedback"] = f"{base}/Feedback{suffix}"
    fields = {
        "sid": message.sid,
        "date_created": date(message.date_created),
        "date_updated": date(message.date_updated),
        "date_sent": date(message.date_sent),
        "account_sid": message.account_sid,
        "to": _shown_to(message),
        "from": message.from_ or None,
        "messaging_service_sid": message.messaging_service_sid or None,
        "body": _shown_body(message),
        "status": message.status,
        "num_segments": str(message.num_segments) if is_counted else "0",
        "num_media": str(message.num_media),
        "direction": message.direction,
        "api_version": message.api_version,
        "price": json_price(message.price, profile.price_is_number and suffix == ".json"),
        "price_unit": message.price_unit,
        "error_code": message.error_code,
        "error_message": error_message(message.error_code),
        "uri": base + suffix,
        "subresource_uris": subresources,
    }
    if suffix != ".json" and not profile.xml_is_full:
        fields["subresource_uris"] = {}
        del fields["messaging_service_sid"]
    return _ordered(fields, suffix)


def _shown_to(message: MessageRecord) -> str:
    return message.to[:-4] + "XXXX" if message.obfuscates_to else message.to


def _shown_body(message: MessageRecord) -> str:
    return "" if message.discards_body else message.body


def error_message(code: int | None) -> str | None:
    """Return what an error code means; None for an unlisted one."""
    known = error_code(code or 0)
    return known.meaning[:1].upper() + known.meaning[1:] if known else _REFUSALS.get(code or 0)


def legacy_message_fields(message: MessageRecord, profile: Profile, suffix: str) -> Fields:
    """Return the fields of a message as in the SMS resource of 2010."""
    now = message_fields(message, profile, "")
    changed = {
        "status": _LEGACY_STATUSES.get(message.status, message.status),
        "price": json_price(message.price, profile.price_is_number and suffix == ".json"),
        "uri": account_uri(f"{message.account_sid}/SMS/Messages/{message.sid}", suffix),
    }
    return _ordered({name: now[name] for name in _FIELDS_OF_2010} | changed, suffix)


def message_fields_of_2008(message: MessageRecord, profile: Profile) -> Fields:
    """Return the fields of a message as in the API of 2008."""
    flags = {"inbound": 1, "outbound-reply": 2}.get(message.direction, profile.rest_flags)
    return {
        "sid": message.sid,
        "date_created": _pacific_date(message.date_created),
        "date_updated": _pacific_date(message.date_updated),
        "date_sent": _pacific_date(message.date_sent),
        "account_sid": message.account_sid,
        "to": national(_shown_to(message)),
        "from": national(message.from_),
        "body": _shown_body(message),
        "status": _LEGACY_STATUSES.get(message.status, message.status),
        "flags": flags,
    }


def media_fields(media: MediaRecord, suffix: str) -> Fields:
    """Return the fields of a media file."""
    return {
        "sid": media.sid,
        "account_sid": media.account_sid,
        "parent_sid": media.parent_sid,
        "content_type": media.content_type,
        "date_created": date(media.date_created),
        "date_updated": date(media.date_updated),
        "uri": account_uri(f"{media.account_sid}/Messages/{media.parent_sid}/Media/{media.sid}", suffix),
    }


def feedback_fields(feedback: Feedback, suffix: str) -> Fields:
    """Return the fields of feedback."""
    return {
        "account_sid": feedback.account_sid,
        "message_sid": feedback.message_sid,
        "outcome": feedback.outcome,
        "date_created": date(feedback.date_created),
        "date_updated": date(feedback.date_updated),
        "uri": account_uri(f"{feedback.account_sid}/Messages/{feedback.message_sid}/Feedback", suffix),
    }
