"""The JSON documents of the phone page: messages, errors, faults, the clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from urllib.parse import urlsplit

from ...caller import without_userinfo
from ...segments import segment
from ...statuses import ERROR_CODES, error_code
from ..clocks import Clock
from ..context import Context
from ..debugger import what_to_do
from ..fault_kinds import FAULT_KINDS
from ..faults import FaultRule
from ..opt_outs import OptOuts
from ..resources import Account, DebuggerEntry, IncomingNumber, MediaRecord, MessageRecord, PhoneSettings
from ..rest.representations import error_message
from ..store import Condition
from .conversations import Pair, Placed
from .exchange import Document

#: The path of everything that belongs to the page.
BASE = "/_phone"
#: The content types of pictures that a browser may show; others are downloads.
PICTURES = ("image/jpeg", "image/png", "image/gif", "image/webp")

_ADVICE = {
    "retry": "It may pass: send the message again later.",
    "permanent": "Sending it again does not help: stop sending to this phone.",
    "configuration": "Change the sender or the settings of the account, then send it again.",
    "warning": "Nothing has to be done at once.",
}
_IN_TRANSIT = ("queued", "sending", "sent")
_BEFORE = ("accepted", "scheduled")
_MAX_PHONES = 500
#: Codes of messages that are refused before they are sent.
_REFUSED = (21610, 21611)


class Documents:
    """Turns resources into documents."""

    def __init__(self, context: Context, opt_outs: OptOuts) -> None:
        self._context = context
        self._opt_outs = opt_outs

    def messages(self, placed: Sequence[Placed]) -> list[Document]:
        """Return the documents of messages."""
        sids = [each.message.sid for each in placed]
        is_about = Condition("message_sid", "in", sids)
        problems = Counter(entry.message_sid for entry in self._context.store.find(DebuggerEntry, is_about))
        return [self._message(each, problems[each.message.sid]) for each in placed]

    def message(self, placed: Placed) -> Document:
        """Return the document of a message."""
        return self.messages([placed])[0]

    def _message(self, placed: Placed, problems: int) -> Document:
        n, message = placed
        return {
            "sid": message.sid,
            "n": n,
            "direction": message.direction,
            "contact": message.contact,
            "number": message.number,
            "body": message.body,
            "date": message.date_created,
            "status": message.status,
            "error": error_document(message.error_code),
            "num_segments": message.num_segments,
            "encoding": segment(message.body).encoding,
            "media": [*self._media(message)],
            "in_reply_to": message.in_reply_to,
            "send_at": message.send_at,
            "can": possible_actions(message),
            "problems": problems,
        }

    def _media(self, message: MessageRecord) -> Iterator[Document]:
        if not message.num_media:
            return
        for media in self._context.media_of(message.sid):
            yield media_document(media, len(self._context.store.read_bytes(media.sid) or b""))

    def conversation(self, pair: Pair, last: Document) -> Document:
        """Return the document of a conversation."""
        return {
            "contact": pair.contact,
            "number": pair.number,
            "channel": pair.contact.partition(":")[0] if ":" in pair.contact else "sms",
            "last": last,
            "is_opted_out": self.is_opted_out(pair),
        }

    def is_opted_out(self, pair: Pair) -> bool:
        """Return whether a contact gets nothing from a number."""
        return self._opt_outs.has(pair.number, pair.contact)

    def account_sid(self) -> str:
        """Return the sid of the main account."""
        return next(each.sid for each in self._context.store.find(Account, oldest_first=True, limit=1))

    def numbers(self) -> list[Document]:
        """Return the documents of our numbers, oldest first."""
        numbers = self._context.store.find(IncomingNumber, oldest_first=True, limit=_MAX_PHONES)
        return [_number_document(each) for each in numbers]

    def phone(self, contact: str) -> Document | None:
        """Return the document of a phone; None if it has no settings."""
        settings = self._context.store.get(PhoneSettings, contact)
        return phone_document(settings) if settings else None

    def phones(self) -> list[Document]:
        """Return the documents of the phones that have settings."""
        return [phone_document(each) for each in self._context.store.find(PhoneSettings, limit=_MAX_PHONES)]

    def faults(self) -> list[Document]:
        """Return the documents of the faults that were asked for, oldest first."""
        return [fault_document(rule) for rule in self._context.faults.all()]

    def find_entry(self, sid: str) -> DebuggerEntry | None:
        """Return an entry of the debugger."""
        return self._context.store.get(DebuggerEntry, sid)

    def clock(self) -> Document:
        """Return the document of the clock."""
        clock = self._context.clock
        return {
            "kind": clock.kind,
            "now": clock.now(),
            "speed": clock.speed,
            "can_advance": can_advance(clock),
        }


def can_advance(clock: Clock) -> bool:
    """Return whether a clock can be moved."""
    return clock.kind != "real"


def possible_actions(message: MessageRecord) -> list[str]:
    """Return what can be done with a message now."""
    if message.is_inbound:
        return ["again", "duplicate"]
    if message.status in _IN_TRANSIT:
        return ["delivered", "failed", "opted_out"]
    return ["read"] if message.status == "delivered" and ":" in message.to else []


def has_ended(message: MessageRecord) -> bool:
    """Return whether the delivery of a message has ended."""
    return message.status not in (*_BEFORE, *_IN_TRANSIT)


def error_document(code: int | None) -> Document | None:
    """Return the document of an error code: what it means, and what to do."""
    if not code:
        return None
    return {"code": code, "text": error_message(code) or f"Error {code}", "advice": _advice(code)}


def error_codes() -> list[Document]:
    """Return the documents of the error codes with which messages fail."""
    found = (error_document(code) for code in sorted({*_REFUSED, *ERROR_CODES}))
    return [each for each in found if each]


def _advice(code: int) -> str:
    known = error_code(code)
    return what_to_do(code) or (
        _ADVICE[known.advice] if known else f"See https://www.twilio.com/docs/api/errors/{code}."
    )


def media_document(media: MediaRecord, size: int) -> Document:
    """Return the document of a media file."""
    return {
        "url": f"{BASE}/media/{media.sid}",
        "content_type": media.content_type,
        "is_image": media.content_type in PICTURES,
        "bytes": size,
    }


def phone_document(phone: PhoneSettings) -> Document:
    """Return the document of a phone."""
    return {
        "contact": phone.sid,
        "outcome": phone.status,
        "error_code": phone.error_code,
        "takes_media": phone.takes_media,
    }


def fault_document(rule: FaultRule) -> Document:
    """Return the document of a fault that was asked for."""
    return {"id": rule.id, **asdict(rule.fault), "happened": rule.happened, "left": rule.left}


def fault_kinds() -> list[Document]:
    """Return the documents of the kinds of faults."""
    return [
        {
            "name": kind.name,
            "place": kind.place,
            "summary": kind.summary,
            "options": {
                "error_code": kind.error_code,
                "status": kind.status,
                "seconds": kind.seconds,
                "text": kind.text,
            },
        }
        for kind in FAULT_KINDS.values()
    ]


def entry_document(entry: DebuggerEntry) -> Document:
    """Return the document of an entry in the debugger."""
    return {
        "date": entry.date_created,
        "code": entry.code,
        "level": entry.level,
        "text": entry.text,
        "url": entry.url,
    }


def _number_document(number: IncomingNumber) -> Mapping[str, object]:
    is_answered = bool(number.sms_url or number.sms_application_sid)
    return {
        "number": number.phone_number,
        "name": number.friendly_name,
        "url": without_userinfo(number.sms_url) if urlsplit(number.sms_url).netloc else "",
        "is_answered": is_answered,
    }
