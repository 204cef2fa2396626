"""The parameters that webhooks about WhatsApp messages have besides the others.

https://www.twilio.com/docs/messaging/guides/webhook-request and https://www.twilio.com/docs/whatsapp/api; those of
status callbacks, and MessageType, are as seen in real traffic.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from .resources import MessageRecord

_CHANNEL = "whatsapp:"
_EVENTS = {"delivered": "DELIVERED", "read": "READ", "undelivered": "UNDELIVERED"}
_KINDS = ("image", "audio", "video")


def inbound_fields(message: MessageRecord, content_types: Iterable[str]) -> dict[str, str]:
    """Return the parameters of an inbound message: the name that its sender chose, and the kind of message."""
    if not message.from_.startswith(_CHANNEL):
        return {}
    digits = message.from_.removeprefix(f"{_CHANNEL}+")
    kinds = [each.partition("/")[0] for each in content_types]
    kind = next((each if each in _KINDS else "document" for each in kinds), "text")
    return {"ProfileName": f"Phone {digits[-4:]}", "WaId": digits, "MessageType": kind}


def status_fields(message: MessageRecord) -> dict[str, str]:
    """Return the parameters of a status callback; the recipient is partly masked."""
    if not message.to.startswith(_CHANNEL):
        return {}
    recipient = message.to.removeprefix(_CHANNEL)
    installed = hashlib.sha256(message.from_.encode()).hexdigest()[:32]
    fields = {"ChannelInstallSid": f"XE{installed}", "ChannelPrefix": "whatsapp", "StructuredMessage": "false"}
    fields |= {"ChannelToAddress": f"{recipient[:-4]}XXXX"}
    return fields | ({"EventType": _EVENTS[message.status]} if message.status in _EVENTS else {})
