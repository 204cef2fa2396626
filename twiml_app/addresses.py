"""Addresses of messages: phone numbers, short codes, channels, and messaging services, as Twilio's API takes them.

https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource.
"""

from __future__ import annotations

import re
from typing import Literal

#: What a message can be sent from; Twilio sends at another pace from each of them.
SenderKind = Literal["service", "short code", "toll-free number", "long number", "whatsapp", "channel"]

_NUMBER = r"\+[1-9][0-9]{6,14}"
_CHANNEL = rf"(?:whatsapp|rcs):{_NUMBER}|(?:messenger|rcs):[A-Za-z0-9_.-]{{1,100}}"
_CONTACT = re.compile(rf"{_NUMBER}|{_CHANNEL}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_TOLL_FREE = re.compile(r"\+18(?:00|33|44|55|66|77|88)[0-9]{7}")
#: Punctuation that people write between digits, and Twilio removes.
_PUNCTUATION = str.maketrans("", "", " \t\u00a0().-/")
_PHONE_NUMBER = re.compile(r"(?:whatsapp:)?\+[0-9 \t\u00a0().\-/]+")


def contact_address(text: str) -> str:
    """Return the address of a person without punctuation; empty if it is none."""
    address = _plain(text)
    return address if _CONTACT.fullmatch(address) else ""


def sender_address(text: str) -> str:
    """Return the address that a message can be sent from without punctuation; empty if it is none."""
    address = _plain(text)
    return address if any(kind.fullmatch(address) for kind in (_CONTACT, _SERVICE, _SHORT_CODE)) else ""


def is_service(sender: str) -> bool:
    """Return whether a sender is a messaging service, which chooses one of its numbers."""
    return _SERVICE.fullmatch(sender) is not None


def channel_of(address: str) -> str:
    """Return the channel of an address: ``whatsapp``, ``rcs``, ``messenger``, or ``sms`` for a plain number."""
    prefix, colon, _ = address.partition(":")
    return prefix if colon else "sms"


def sender_kind(sender: str) -> SenderKind:
    """Return what kind of sender an address is."""
    if is_service(sender):
        return "service"
    if channel_of(sender) != "sms":
        return "whatsapp" if channel_of(sender) == "whatsapp" else "channel"
    if _SHORT_CODE.fullmatch(sender):
        return "short code"
    return "toll-free number" if _TOLL_FREE.fullmatch(sender) else "long number"


def _plain(text: str) -> str:
    """Return a phone number without the punctuation between its digits; other text only without space around it."""
    stripped = text.strip()
    return stripped.translate(_PUNCTUATION) if _PHONE_NUMBER.fullmatch(stripped) else stripped
