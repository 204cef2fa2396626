"""Delivery status of a message: the MessageStatus values in order, and the ErrorCode table.

The values are Twilio's, https://www.twilio.com/docs/messaging/api/message-resource#message-status-values and
https://www.twilio.com/docs/api/errors; unlisted values are kept unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: The rank of each MessageStatus. Twilio may deliver callbacks twice and in any order, so the rank decides which status
#: is further along, never the arrival. Of two statuses with the same rank, the one further down in this table wins.
RANK: dict[str, int] = {
    "accepted": 0,
    "scheduled": 0,
    "queued": 1,
    "receiving": 1,
    "sending": 2,
    "sent": 3,
    "partially_delivered": 4,
    "canceled": 5,
    "failed": 5,
    "undelivered": 5,
    "delivered": 5,
    "received": 5,
    "read": 6,
}
STATUSES = frozenset(RANK)
#: Final statuses ("read" may still follow "delivered").
TERMINAL = frozenset({"canceled", "failed", "undelivered", "delivered", "received", "read"})
FAILURES = frozenset({"failed", "undelivered"})

_ORDER = {status: (rank, place) for place, (status, rank) in enumerate(RANK.items())}


def further(one: str, other: str) -> str:
    """Return the MessageStatus that is further along, whatever the order of the arguments."""
    return max(one, other, key=lambda status: (progress(status), status))


def progress(status: str) -> int:
    """Return the progress of a MessageStatus as a unique number, -1 for an unlisted one."""
    rank, place = _ORDER.get(status, (-1, 99))
    return rank * 100 + place


Advice = Literal["retry", "permanent", "configuration", "warning"]


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """An entry of Twilio's error dictionary, with our advice on what to do about it."""

    code: int
    meaning: str
    advice: Advice

    @property
    def address(self) -> str:
        """The URL of Twilio's documentation of the code."""
        return f"https://www.twilio.com/docs/api/errors/{self.code}"


def error_code(code: int) -> ErrorCode | None:
    """Return the table entry of an ErrorCode, None for an unlisted one."""
    return ERROR_CODES.get(code)


_TABLE: dict[Advice, dict[int, str]] = {
    "retry": {
        30001: "queue overflow",
        30003: "unreachable destination phone",
        30008: "unknown error",
        30009: "missing inbound segment",
        30017: "carrier network congestion",
        30020: "internal scheduling failure",
        30021: "internal failure",
        30022: "US A2P 10DLC rate limit exceeded",
        30023: "US A2P 10DLC daily cap reached",
        30027: "T-Mobile daily limit reached",
        30035: "number is still being configured",
        30036: "validity period expired",
        30046: "delivery not confirmed",
        30103: "link shortening failed",
        30410: "provider timed out",
        30450: "blocked for a while by SMS pumping protection",
        30454: "account message limit reached",
        63009: "channel provider returned an error",
        63010: "channel provider's platform failed",
        63012: "channel provider's service failed",
        63017: "channel rate limit exceeded",
        63018: "channel rate limit exceeded for this sender",
        63019: "media could not be downloaded",
        63036: "recipient cannot be reached over RCS",
        63038: "account's daily message limit reached",
    },
    "permanent": {
        21610: "attempt to send to unsubscribed recipient",
        30004: "message blocked by the recipient or carrier",
        30005: "unknown destination phone",
        30006: "landline or unreachable carrier",
        30011: "MMS is not supported in this region",
        30019: "content is larger than the carrier takes",
        30038: "one-time password body filtered",
        30043: "international message through a domestic gateway",
        30400: "message cannot be updated that way",
        30404: "message not found",
        30409: "message cannot be canceled any more",
        30453: "message could not be delivered",
        30610: "message could not be delivered",
        30615: "message could not be delivered",
        30620: "message could not be delivered",
        30630: "recipient has unsubscribed",
        30640: "message could not be delivered",
        63003: "recipient not found on this channel",
        63011: "invalid request to the channel",
        63014: "blocked by the recipient",
        63023: "channel error",
        63024: "invalid recipient on this channel",
        63025: "media already exists",
        63031: "sender and recipient are the same",
        63032: "held back by a WhatsApp experiment",
        63033: "blocked by the recipient",
        63034: "media is larger than the channel takes",
    },
    "configuration": {
        30002: "account suspended",
        30007: "message filtered as unwanted",
        30010: "price above MaxPrice",
        30012: "validity period too short",
        30013: "validity period too long",
        30014: "invalid attributes of To",
        30015: "invalid channel type",
        30016: "channels of To and From differ",
        30024: "numeric sender not provisioned on the carrier",
        30028: "invalid API version",
        30029: "invalid ContentRetention",
        30030: "invalid AddressRetention",
        30031: "invalid MaxRate",
        30032: "toll-free number not verified",
        30033: "US A2P 10DLC campaign suspended",
        30034: "number not registered for US A2P 10DLC",
        30037: "outbound messages disabled",
        30040: "sender must be registered in this country",
        30041: "sender is restricted in this country",
        30042: "generic alphanumeric sender",
        30044: "message too long for a trial account",
        63001: "channel could not authenticate",
        63002: "channel sender not found",
        63005: "channel did not accept the content",
        63006: "message cannot be formatted for this channel",
        63007: "no channel with this sender",
        63008: "channel is misconfigured",
        63013: "message violates the channel's policy",
        63015: "recipient has not joined the sandbox",
        63016: "outside the 24 hour window: a template is needed",
        63020: "business account problem",
        63021: "channel refused the content",
        63022: "invalid certificate",
        63026: "sender was reported as spam",
        63027: "template does not exist",
        63028: "template has other parameters",
        63029: "template could not be downloaded",
        63030: "unsupported parameter",
        63035: "RCS agent not launched",
        63039: "channel rate warning",
        63040: "template rejected",
        63041: "template paused",
        63042: "template disabled",
        63043: "template's sample media cannot be used",
        63044: "template's sample media cannot be used",
        63045: "template's sample media cannot be used",
        63046: "template's sample media cannot be used",
        63047: "template's sample media cannot be used",
        63051: "business account locked",
        63062: "Marketing Messages terms not accepted",
    },
    "warning": {
        30018: "sender should be registered first",
        30025: "half of the T-Mobile daily limit used",
        30026: "70 % of the T-Mobile daily limit used",
        30039: "message loop filtered",
        30045: "validity period out of range",
        63037: "media upload failed, Twilio tries again",
    },
}

ERROR_CODES: dict[int, ErrorCode] = {
    code: ErrorCode(code, meaning, advice) for advice, rows in _TABLE.items() for code, meaning in rows.items()
}
