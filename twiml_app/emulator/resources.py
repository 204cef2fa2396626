"""The resources of the emulator (accounts, numbers, messages and so on) as frozen dataclasses.

Dates are seconds since the epoch; ``rest.representations`` formats them. A resource is stored under its ``sid``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin

#: The two versions of the API.
API_2010, API_2008 = "2010-04-01", "2008-08-01"

#: A message with one of these statuses can be deleted, but no longer canceled.
FINISHED = frozenset({"sent", "delivered", "undelivered", "failed", "canceled", "received", "read"})

#: The delivery outcomes that can be chosen for a phone: the final status of messages to it.
DELIVERY_OUTCOMES = ("delivered", "undelivered", "failed", "sent", "read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """The fields that every resource has."""

    sid: str
    account_sid: str
    date_created: float
    date_updated: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(Resource):
    """An account or a subaccount; ``account_sid`` is the parent account, or the account itself if it has none."""

    auth_token: str = field(repr=False)
    friendly_name: str = ""
    #: active, suspended or closed.
    status: str = "active"
    #: Full or Trial.
    type: str = "Full"
    #: The numbers that a trial account may send to.
    verified: tuple[str, ...] = ()
    #: Send a link instead of media to phones that do not accept media.
    mms_as_link: bool = True
    #: Id of a shared key that signs webhooks with HMAC-SHA256 instead of the token; empty for none.
    signing_key: str = ""
    signing_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingNumber(Resource):
    """One of our numbers, with the URLs to which its inbound messages are posted."""

    phone_number: str
    friendly_name: str = ""
    sms_url: str = field(default="", repr=False)
    sms_method: str = "POST"
    sms_fallback_url: str = field(default="", repr=False)
    sms_fallback_method: str = "POST"
    sms_application_sid: str = ""
    #: For calls only: message statuses are never posted here.
    status_callback: str = field(default="", repr=False)
    status_callback_method: str = "POST"
    sms: bool = True
    mms: bool = True
    address_sid: str = ""

    @property
    def is_short(self) -> bool:
        """Whether it is a short code."""
        return not self.phone_number.startswith("+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalAddress(Resource):
    """A postal address, which numbers refer to."""

    customer_name: str
    street: str
    city: str
    region: str
    postal_code: str
    iso_country: str
    street_secondary: str = ""
    friendly_name: str = ""
    emergency_enabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Application(Resource):
    """A TwiML application: a named set of URLs."""

    friendly_name: str = ""
    sms_url: str = field(default="", repr=False)
    sms_method: str = "POST"
    sms_fallback_url: str = field(default="", repr=False)
    sms_fallback_method: str = "POST"
    sms_status_callback: str = field(default="", repr=False)
    message_status_callback: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagingService(Resource):
    """A pool of numbers with one inbound URL and one status callback."""

    friendly_name: str = ""
    inbound_request_url: str = field(default="", repr=False)
    inbound_method: str = "POST"
    fallback_url: str = field(default="", repr=False)
    fallback_method: str = "POST"
    status_callback: str = field(default="", repr=False)
    use_inbound_webhook_on_number: bool = False
    sticky_sender: bool = True
    smart_encoding: bool = True
    mms_converter: bool = True
    validity_period: int = 36000
    usecase: str = "undeclared"
    #: The sids of its numbers.
    numbers: tuple[str, ...] = ()
    #: The name that sends to countries which allow names; empty for none.
    alpha_sender: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MessageRecord(Resource):
    """An inbound or outbound message."""

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
    #: When the message reached the phone.
    date_delivered: float | None = None
    messaging_service_sid: str = ""
    api_version: str = API_2010
    #: The status callback URL, and its parameters: ``message``, or ``sms`` for legacy resources and applications.
    status_url: str = ""
    status_method: str = "POST"
    status_words: str = "message"
    #: Post only sent and failed, as documented for the legacy resources.
    status_brief: bool = False
    #: When a scheduled message is to be sent.
    send_at: float | None = None
    #: How many seconds the message may wait in the queue, and when it was queued.
    validity_s: int | None = None
    date_queued: float | None = None
    max_price: float | None = None
    discards_body: bool = False
    obfuscates_to: bool = False
    #: The sid of the inbound message that this one replies to.
    in_reply_to: str = ""
    #: The template that it is made from; its content is not emulated.
    content_sid: str = ""

    @property
    def is_inbound(self) -> bool:
        """Whether it was sent to one of our numbers."""
        return self.direction == "inbound"

    @property
    def contact(self) -> str:
        """The other person's address."""
        return self.from_ if self.is_inbound else self.to

    @property
    def number(self) -> str:
        """Our number; empty while a service has not chosen its sender."""
        return self.to if self.is_inbound else self.from_

    def __repr__(self) -> str:
        error = f" {self.error_code}" if self.error_code else ""
        media = f", {self.num_media} media" if self.num_media else ""
        return f"<{self.sid} {self.direction} {self.status}{error}: {self.from_} to {self.to}, {self.body!r}{media}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRecord(Resource):
    """A media file of a message; the store keeps its bytes separately."""

    parent_sid: str
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLink(Resource):
    """A short link to a media file, sent to phones that do not accept media; ``sid`` is the last part of its path."""

    media_sid: str
    expires: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneSettings(Resource):
    """A person's phone and the delivery outcome of messages to it; ``sid`` is the contact."""

    #: The final status of messages to it: one of ``DELIVERY_OUTCOMES``.
    status: str = "delivered"
    error_code: int | None = None
    #: None means that it depends on the country.
    takes_media: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut(Resource):
    """A contact who opted out of messages from a number or a service; ``sid`` combines the two."""

    sender: str
    contact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppContact(Resource):
    """A contact who has texted one of our WhatsApp senders, last at ``date_updated``; ``sid`` combines the two."""

    #: Since when the contact is in the sandbox, if this is its number.
    joined: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DebuggerEntry(Resource):
    """An error or warning that Twilio would show in its debugger."""

    code: int
    #: error or warning.
    level: str
    #: What is wrong, and how to fix it.
    text: str
    message_sid: str = ""
    url: str = ""

    def __repr__(self) -> str:
        return f"<{self.level} {self.code} {self.url} {self.text}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback(Resource):
    """The delivery outcome that the sender reports for a message; ``sid`` is that of the message."""

    message_sid: str
    outcome: str


def is_of_type(value: object, wanted: Any) -> bool:
    """Return whether a value from JSON or TOML has the type of a field; in Python, True is an int."""
    if isinstance(wanted, UnionType):
        return any(is_of_type(value, each) for each in get_args(wanted))
    if get_origin(wanted) is tuple:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return type(value) in ((int, float) if wanted is float else (wanted,))


ResourceT = TypeVar("ResourceT", bound=Resource)


def dump(resource: Resource) -> str:
    """Return a resource as JSON."""
    return json.dumps({field.name: getattr(resource, field.name) for field in fields(resource)})


def load(kind: type[ResourceT], data: str) -> ResourceT:
    """Return a resource that was dumped."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(data).items()
    }
    return kind(**values)
