"""The fields of what sends and receives messages: numbers, short codes, applications, messaging services."""

from __future__ import annotations

import hashlib

from ..resources import Application, IncomingNumber, MessagingService
from .representations import account_uri, date, iso_date
from .request import Fields

#: The subresources of a messaging service, and their paths.
SERVICE_LINKS = {
    "phone_numbers": "PhoneNumbers",
    "short_codes": "ShortCodes",
    "alpha_senders": "AlphaSenders",
    "channel_senders": "ChannelSenders",
    "messages": "Messages",
    "us_app_to_person": "Compliance/Usa2p",
    "us_app_to_person_usecases": "Compliance/Usa2p/Usecases",
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
        "uri": account_uri(f"{application.account_sid}/Applications/{application.sid}", suffix),
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
    base = account_uri(f"{number.account_sid}/IncomingPhoneNumbers/{number.sid}", "")
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
        "address_sid": number.address_sid or None,
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


def short_code_sid(number: IncomingNumber) -> str:
    """Return the sid of a short code, which is stored as a number."""
    return "SC" + number.sid[2:]


def short_code_fields(number: IncomingNumber, suffix: str) -> Fields:
    """Return the fields of a short code."""
    sid = short_code_sid(number)
    return {
        "sid": sid,
        "account_sid": number.account_sid,
        "friendly_name": number.friendly_name,
        "short_code": number.phone_number,
        "date_created": date(number.date_created),
        "date_updated": date(number.date_updated),
        "sms_url": number.sms_url or None,
        "sms_method": number.sms_method,
        "sms_fallback_url": number.sms_fallback_url or None,
        "sms_fallback_method": number.sms_fallback_method,
        "api_version": "2010-04-01",
        "uri": account_uri(f"{number.account_sid}/SMS/ShortCodes/{sid}", suffix),
    }


def service_fields(service: MessagingService, base_url: str) -> Fields:
    """Return the fields of a messaging service."""
    url = f"{base_url}/v1/Services/{service.sid}"
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
        "links": {name: f"{url}/{path}" for name, path in SERVICE_LINKS.items()},
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


def service_short_code_fields(number: IncomingNumber, service: MessagingService, base_url: str) -> Fields:
    """Return the fields of a short code in a messaging service."""
    sid = short_code_sid(number)
    return {
        "sid": sid,
        "account_sid": number.account_sid,
        "service_sid": service.sid,
        "short_code": number.phone_number,
        "country_code": "US",
        "capabilities": [name for name, has in (("SMS", number.sms), ("MMS", number.mms)) if has],
        "date_created": iso_date(number.date_created),
        "date_updated": iso_date(number.date_updated),
        "url": f"{base_url}/v1/Services/{service.sid}/ShortCodes/{sid}",
    }


def alpha_sender_fields(service: MessagingService, base_url: str) -> Fields:
    """Return the fields of the name that a messaging service sends from."""
    sid = "AI" + hashlib.sha256(f"{service.sid} {service.alpha_sender}".encode()).hexdigest()[:32]
    return {
        "sid": sid,
        "account_sid": service.account_sid,
        "service_sid": service.sid,
        "alpha_sender": service.alpha_sender,
        "capabilities": ["SMS"],
        "date_created": iso_date(service.date_created),
        "date_updated": iso_date(service.date_updated),
        "url": f"{base_url}/v1/Services/{service.sid}/AlphaSenders/{sid}",
    }
