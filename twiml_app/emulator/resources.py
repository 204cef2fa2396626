"""What the emulator knows of: accounts, numbers, messages and the rest, as plain frozen data.

Dates are seconds since the epoch; how they are shown is the matter of ``rest.representations``. Every resource has a
``sid`` under which it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

#: The two versions of the API.
API_2010, API_2008 = "2010-04-01", "2008-08-01"

#: After these a message may be deleted, and cannot be canceled.
FINISHED = frozenset({"sent", "delivered", "undelivered", "failed", "canceled", "received", "read"})

#: What may become of what is sent to a phone: the status that it ends with.
DELIVERY_OUTCOMES = ("delivered", "undelivered", "failed", "sent", "read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What every resource has."""

    sid: str
    account_sid: str
    date_created: float
    date_updated: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(Resource):
    """An account or a subaccount; ``account_sid`` is its parent, itself for one that has none."""

    auth_token: str
    friendly_name: str = ""
    #: active, suspended or closed.
    status: str = "active"
    #: Full or Trial.
    type: str = "Full"
    #: What a trial account may send to.
    verified: tuple[str, ...] = ()
    #: Media for a phone that takes none becomes a link.
    mms_as_link: bool = True
    #: The shared key that signs webhooks by HMAC-SHA256 instead of the token.
    signing_key: str = ""
    signing_secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingNumber(Resource):
    """A number of ours: where what comes in is posted to."""

    phone_number: str
    friendly_name: str = ""
    sms_url: str = ""
    sms_method: str = "POST"
    sms_fallback_url: str = ""
    sms_fallback_method: str = "POST"
    sms_application_sid: str = ""
    #: For calls alone: a message's status never goes there.
    status_callback: str = ""
    status_callback_method: str = "POST"
    sms: bool = True
    mms: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Application(Resource):
    """A TwiML application: URLs under one name."""

    friendly_name: str = ""
    sms_url: str = ""
    sms_method: str = "POST"
    sms_fallback_url: str = ""
    sms_fallback_method: str = "POST"
    sms_status_callback: str = ""
    message_status_callback: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagingService(Resource):
    """A pool of numbers with one inbound URL and one status callback."""

    friendly_name: str = ""
    inbound_request_url: str = ""
    inbound_method: str = "POST"
    fallback_url: str = ""
    fallback_method: str = "POST"
    status_callback: str = ""
    use_inbound_webhook_on_number: bool = False
    sticky_sender: bool = True
    smart_encoding: bool = True
    mms_converter: bool = True
    validity_period: int = 36000
    usecase: str = "undeclared"
    #: The sids of its numbers.
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MessageRecord(Resource):
    """A message that came in or goes out."""

    to: str
    from_: str
    body: str
    status: str
    #: inbound, outbound-api or outbound-reply.
    direction: str
    num_segments: int = 1
    num_media: int = 0
    price: float | None = None
    price_unit: str = "USD"
    error_code: int | None = None
    date_sent: float | None = None
    #: When it reached the phone.
    date_delivered: float | None = None
    messaging_service_sid: str = ""
    api_version: str = API_2010
    #: Where its status goes, and in which words: ``message``, or ``sms`` for the legacy resource and applications.
    status_url: str = ""
    status_method: str = "POST"
    status_words: str = "message"
    #: Only sent or failed are posted, as the documents of the legacy resources have it.
    status_brief: bool = False
    #: A scheduled message leaves then.
    send_at: float | None = None
    #: Seconds it may wait in the queue, and since when it does.
    validity_s: int | None = None
    date_queued: float | None = None
    max_price: float | None = None
    discards_body: bool = False
    obfuscates_to: bool = False
    #: The inbound message that a reply answers.
    in_reply_to: str = ""

    def __repr__(self) -> str:
        error = f" {self.error_code}" if self.error_code else ""
        media = f", {self.num_media} media" if self.num_media else ""
        return f"<{self.sid} {self.direction} {self.status}{error}: {self.from_} to {self.to}, {self.body!r}{media}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRecord(Resource):
    """A picture or another file of a message; its bytes lie beside it in the store."""

    parent_sid: str
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLink(Resource):
    """A short link to a media, sent to a phone that takes none; ``sid`` is the path's last part."""

    media_sid: str
    expires: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneSettings(Resource):
    """Somebody's phone, and what becomes of what is sent to it; ``sid`` is its number."""

    #: The status that a message to it ends with: one of ``FATE_STATUSES``.
    status: str = "delivered"
    error_code: int | None = None
    #: None: as its country has it.
    takes_media: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut(Resource):
    """Somebody who wants nothing more from a number or a service; ``sid`` joins the two."""

    sender: str
    contact: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DebuggerEntry(Resource):
    """What Twilio would complain about in its debugger."""

    code: int
    #: error or warning.
    level: str
    #: What is wrong, and what to do about it.
    text: str
    message_sid: str = ""
    url: str = ""

    def __repr__(self) -> str:
        return f"<{self.level} {self.code} {self.url} {self.text}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback(Resource):
    """What the sender says became of a message; ``sid`` is the message's."""

    message_sid: str
    outcome: str
