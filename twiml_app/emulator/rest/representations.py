"""The fields of each resource, named and ordered as in Twilio's documentation."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from zoneinfo import ZoneInfo

from ...statuses import error_code
from ..numbers import national
from ..pricing import json_price
from ..profiles import Profile
from ..resources import Account, Application, Feedback, IncomingNumber, MediaRecord, MessageRecord, MessagingService
from .request import Fields

#: The subresources that an account's representation lists.
_SUBRESOURCES = (
    *("addresses", "applications", "authorized_connect_apps", "available_phone_numbers", "balance", "calls"),
    *("conferences", "connect_apps", "incoming_phone_numbers", "keys", "messages", "notifications"),
    *("outgoing_caller_ids", "queues", "recordings", "short_codes", "signing_keys", "sip", "sms_messages"),
    *("transcriptions", "usage"),
)
_PATHS = {"sip": "SIP", "sms_messages": "SMS/Messages"}
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


def _uri(path: str, suffix: str) -> str:
    return f"/2010-04-01/Accounts/{path}{suffix}"


def _ordered(fields: Fields, suffix: str) -> Fields:
    """Return fields in the order of Twilio's samples: by name in JSON, otherwise unchanged."""
    return dict(sorted(fields.items())) if suffix == ".json" else fields


def account_fields(account: Account, suffix: str) -> Fields:
    """Return the fields of an account."""
    base = _uri(account.sid, "")
    subresources = {
        name: f"{base}/{_PATHS.get(name) or ''.join(part.capitalize() for part in name.split('_'))}{suffix}"
        for name in _SUBRESOURCES
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
    base = _uri(f"{message.account_sid}/Messages/{message.sid}", "")
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
        "price": json_price(message.price, profile.price_is_number),
        "price_unit": message.price_unit,
        "error_code": message.error_code,
        "error_message": _error_message(message.error_code),
        "uri": base + suffix,
        "subresource_uris": subresources,
    }
    return _ordered(fields, suffix)


def _shown_to(message: MessageRecord) -> str:
    return message.to[:-4] + "XXXX" if message.obfuscates_to else message.to


def _shown_body(message: MessageRecord) -> str:
    return "" if message.discards_body else message.body


def _error_message(code: int | None) -> str | None:
    known = error_code(code or 0)
    return known.meaning[:1].upper() + known.meaning[1:] if known else _REFUSALS.get(code or 0)


def legacy_message_fields(message: MessageRecord, profile: Profile, suffix: str) -> Fields:
    """Return the fields of a message as in the SMS resource of 2010."""
    now = message_fields(message, profile, "")
    changed = {
        "status": _LEGACY_STATUSES.get(message.status, message.status),
        "uri": _uri(f"{message.account_sid}/SMS/Messages/{message.sid}", suffix),
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
        "uri": _uri(f"{media.account_sid}/Messages/{media.parent_sid}/Media/{media.sid}", suffix),
    }


def feedback_fields(feedback: Feedback, suffix: str) -> Fields:
    """Return the fields of feedback."""
    return {
        "account_sid": feedback.account_sid,
        "message_sid": feedback.message_sid,
        "outcome": feedback.outcome,
        "date_created": date(feedback.date_created),
        "date_updated": date(feedback.date_updated),
        "uri": _uri(f"{feedback.account_sid}/Messages/{feedback.message_sid}/Feedback", suffix),
    }


def application_fields(application: Application, suffix: str) -> Fields:
    """Return the fields of an application; the voice fields are empty."""
    return {
        "sid": application.sid,
        "account_sid": application.account_sid,
        "friendly_name": application.friendly_name,
        "date_created": date(application.date_created),
        "date_updated": date(application.date_updated),
        "api_version": "2010-04-01",
        "sms_url": application.sms_url or None,
        "sms_method": application.sms_method,
        "sms_fallback_url": application.sms_fallback_url or None,
        "sms_fallback_method": application.sms_fallback_method,
        "sms_status_callback": application.sms_status_callback or None,
        "message_status_callback": application.message_status_callback or None,
        **_voice_fields(),
        "status_callback": None,
        "status_callback_method": "POST",
        "public_application_connect_enabled": False,
        "uri": _uri(f"{application.account_sid}/Applications/{application.sid}", suffix),
    }


def _voice_fields() -> Fields:
    return {
        "voice_url": None,
        "voice_method": "POST",
        "voice_fallback_url": None,
        "voice_fallback_method": "POST",
        "voice_caller_id_lookup": False,
    }


def number_fields(number: IncomingNumber, suffix: str) -> Fields:
    """Return the fields of a number; the voice fields are empty."""
    base = _uri(f"{number.account_sid}/IncomingPhoneNumbers/{number.sid}", "")
    return {
        "sid": number.sid,
        "account_sid": number.account_sid,
        "friendly_name": number.friendly_name,
        "phone_number": number.phone_number,
        "date_created": date(number.date_created),
        "date_updated": date(number.date_updated),
        "sms_url": number.sms_url,
        "sms_method": number.sms_method,
        "sms_fallback_url": number.sms_fallback_url,
        "sms_fallback_method": number.sms_fallback_method,
        "sms_application_sid": number.sms_application_sid,
        "status_callback": number.status_callback,
        "status_callback_method": number.status_callback_method,
        **_voice_fields(),
        "voice_application_sid": "",
        "voice_receive_mode": "voice",
        "capabilities": {"voice": True, "sms": number.sms, "mms": number.mms, "fax": False},
        "address_requirements": "none",
        "address_sid": None,
        "identity_sid": None,
        "bundle_sid": None,
        "trunk_sid": None,
        "emergency_status": "Inactive",
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "beta": False,
        "origin": "twilio",
        "status": "in-use",
        "type": None,
        "api_version": "2010-04-01",
        "uri": base + suffix,
        "subresource_uris": {"assigned_add_ons": f"{base}/AssignedAddOns{suffix}"},
    }


def service_fields(service: MessagingService, base_url: str) -> Fields:
    """Return the fields of a messaging service."""
    url = f"{base_url}/v1/Services/{service.sid}"
    links = ("phone_numbers", "short_codes", "alpha_senders", "messages", "us_app_to_person")
    return {
        "sid": service.sid,
        "account_sid": service.account_sid,
        "friendly_name": service.friendly_name,
        "date_created": iso_date(service.date_created),
        "date_updated": iso_date(service.date_updated),
        "inbound_request_url": service.inbound_request_url or None,
        "inbound_method": service.inbound_method,
        "fallback_url": service.fallback_url or None,
        "fallback_method": service.fallback_method,
        "status_callback": service.status_callback or None,
        "sticky_sender": service.sticky_sender,
        "mms_converter": service.mms_converter,
        "smart_encoding": service.smart_encoding,
        "scan_message_content": "inherit",
        "fallback_to_long_code": True,
        "area_code_geomatch": True,
        "synchronous_validation": False,
        "validity_period": service.validity_period,
        "usecase": service.usecase,
        "us_app_to_person_registered": False,
        "use_inbound_webhook_on_number": service.use_inbound_webhook_on_number,
        "url": url,
        "links": {name: f"{url}/{''.join(part.capitalize() for part in name.split('_'))}" for name in links},
    }


def service_number_fields(number: IncomingNumber, service: MessagingService, base_url: str) -> Fields:
    """Return the fields of a number in a messaging service."""
    return {
        "sid": number.sid,
        "account_sid": number.account_sid,
        "service_sid": service.sid,
        "phone_number": number.phone_number,
        "country_code": "US" if number.phone_number.startswith("+1") else None,
        "capabilities": [name for name, has in (("SMS", number.sms), ("MMS", number.mms)) if has],
        "date_created": iso_date(number.date_created),
        "date_updated": iso_date(number.date_updated),
        "url": f"{base_url}/v1/Services/{service.sid}/PhoneNumbers/{number.sid}",
    }
