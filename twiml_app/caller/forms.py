"""The forms that Twilio posts: complete, with the fields in Twilio's order.

https://www.twilio.com/docs/messaging/guides/webhook-request
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from ..webhook import Form

CONTACT = "+15005550001"
NUMBER = "+15005550006"
ACCOUNT_SID = "AC" + "0" * 32


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
    pictures = dict(media or {})
    sid = message_sid or random_sid("MM" if pictures else "SM")
    form = {"ToCountry": "US", "ToState": "", "SmsMessageSid": sid, "NumMedia": str(len(pictures)), "ToCity": ""}
    form |= {"FromZip": "", "SmsSid": sid, "FromState": "", "SmsStatus": "received", "FromCity": "", "Body": body}
    form |= {"FromCountry": "US", "To": to, "ToZip": "", "NumSegments": "1", "MessageSid": sid}
    form |= {"AccountSid": account_sid, "From": from_, "ApiVersion": "2010-04-01"}
    for index, (url, content_type) in enumerate(pictures.items()):
        form |= {f"MediaUrl{index}": url, f"MediaContentType{index}": content_type}
    return Form((form | dict(fields or {})).items())


def status_form(
    message_sid: str,
    message_status: str,
    *,
    error_code: int | None = None,
    from_: str = NUMBER,
    to: str = CONTACT,
    account_sid: str = ACCOUNT_SID,
    fields: Mapping[str, str] | None = None,
) -> Form:
    """Return the form of a status callback for a message that we sent; ``fields`` overrides any field."""
    form = {"SmsSid": message_sid, "SmsStatus": message_status, "MessageStatus": message_status, "To": to}
    form |= {"MessageSid": message_sid, "AccountSid": account_sid, "From": from_, "ApiVersion": "2010-04-01"}
    if error_code is not None:
        form["ErrorCode"] = str(error_code)
    return Form((form | dict(fields or {})).items())
