"""The events that webhooks carry: inbound messages, status callbacks, alerts, and unknown ones.

The parameters are those of https://www.twilio.com/docs/messaging/guides/webhook-request and
https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks, and of the two generations
before them. Attributes are named after the parameters, in snake case; ``form`` keeps every parameter as received.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from math import isfinite
from typing import Any, TypeVar

from .alerts import Alert, is_alert, parse_alert
from .inbound_media import InboundMedia as InboundMedia
from .inbound_media import MediaSource, from_source
from .reactions import Reaction, parse_reaction
from .webhook import Form


@dataclass(frozen=True, kw_only=True)
class _Event:
    """The attributes of every webhook."""

    #: Every parameter as received, including unknown ones.
    form: Form = field(repr=False)
    #: The query parameters of the URL that was called; they identify a Redirect back to this application.
    query: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    account_sid: str = ""  #: The sid of the Twilio account.
    api_version: str = ""  #: The version of Twilio's API.
    #: Whether the event is a recording that is replayed: do not charge anybody twice.
    replayed: bool = False


@dataclass(frozen=True, kw_only=True)
class _MessageEvent(_Event):
    """The attributes of every webhook about a message."""

    #: The sid of the message; older webhooks send it as ``SmsSid``.
    message_sid: str = ""
    messaging_service_sid: str = ""  #: The sid of the messaging service, if the message used one.
    from_: str = ""  #: The address of the sender, such as ``+15005550001`` or ``whatsapp:+15005550001``.
    to: str = ""  #: The address of the recipient.
    error_code: int | None = None  #: Twilio's error code, of a failed delivery or of a URL that failed.

    @property
    def channel(self) -> str:
        """``sms`` (also for MMS), or the prefix of an address: ``whatsapp``, ``rcs``, ``messenger``."""
        for address in (self.from_, self.to):
            prefix, colon, _ = address.partition(":")
            if colon:
                return prefix.lower()
        return "sms"


@dataclass(frozen=True, kw_only=True)
class InboundMessage(_MessageEvent):
    """A message that a contact sent to one of our numbers.

    Without a value from Twilio, strings are empty and numbers are None.
    """

    body: str = ""  #: The text; empty for an image-only message.
    media: tuple[InboundMedia, ...] = ()  #: The media files, in order.
    num_segments: int | None = None  #: The number of segments in which the message was sent.
    #: In a request to the fallback URL, together with ``error_code``: the URL that failed.
    error_url: str = ""
    #: ``STOP``, ``START`` or ``HELP``; only sent with Advanced Opt-Out.
    opt_out_type: str = ""

    from_city: str = ""  #: The city of the sender's number, if Twilio knows it.
    from_state: str = ""  #: The state or province of the sender's number.
    from_zip: str = ""  #: The postal code of the sender's number.
    from_country: str = ""  #: The country of the sender's number.
    to_city: str = ""  #: The city of our number.
    to_state: str = ""  #: The state or province of our number.
    to_zip: str = ""  #: The postal code of our number.
    to_country: str = ""  #: The country of our number.

    latitude: float | None = None  #: WhatsApp: the latitude of a shared location.
    longitude: float | None = None  #: WhatsApp: the longitude of a shared location.
    address: str = ""  #: WhatsApp: the address of a shared location.
    label: str = ""  #: WhatsApp: the name of a shared location.

    button_text: str = ""  #: The text of the quick reply button that was tapped.
    button_payload: str = ""  #: The payload of the button that was tapped.
    button_type: str = ""  #: The type of the button that was tapped, such as ``REPLY``.
    interactive_data: str = ""  #: WhatsApp: the answer to an interactive message, as JSON.
    flow_data: str = ""  #: WhatsApp: the answers of a completed Flow, as JSON.
    channel_metadata: str = ""  #: Data that is specific to the channel, as JSON.
    message_type: str = ""  #: WhatsApp: the type of the message, such as ``text`` or ``location``.

    profile_name: str = ""  #: WhatsApp: the contact's name in the profile.
    wa_id: str = ""  #: WhatsApp: the contact's id, usually the phone number without a plus sign.
    external_user_id: str = ""  #: WhatsApp: an id of the contact that does not show the phone number.
    forwarded: bool = False  #: WhatsApp: whether the message was forwarded.
    frequently_forwarded: bool = False  #: WhatsApp: whether the message was forwarded many times.
    original_replied_message_sender: str = ""  #: The sender of the message that this one quotes.
    original_replied_message_sid: str = ""  #: The sid of the message that this one quotes.

    referral_body: str = ""  #: Click to WhatsApp: the text of the ad or post.
    referral_headline: str = ""  #: Click to WhatsApp: the headline of the ad or post.
    referral_source_id: str = ""  #: Click to WhatsApp: the id of the ad or post.
    referral_source_type: str = ""  #: Click to WhatsApp: ``ad`` or ``post``.
    referral_source_url: str = ""  #: Click to WhatsApp: the URL of the ad or post.
    referral_media_id: str = ""  #: Click to WhatsApp: the id of the media file in the ad or post.
    referral_media_content_type: str = ""  #: Click to WhatsApp: the type of the media file.
    referral_media_url: str = ""  #: Click to WhatsApp: the URL of the media file.
    referral_ctwa_clid: str = ""  #: Click to WhatsApp: the id of the click.

    @property
    def reaction(self) -> Reaction | None:
        """The reaction that a phone sent as this text, such as ``Liked “See you at noon”``; None for other messages."""
        found = parse_reaction(self.body)
        if found is None or self.channel not in ("sms", "rcs") or (self.media and found.kind != "sticker"):
            return None
        return found

    @property
    def num_media(self) -> int:
        """The number of media files."""
        return len(self.media)

    @property
    def contact(self) -> str:
        """The other person's address."""
        return self.from_

    @property
    def number(self) -> str:
        """Our phone number."""
        return self.to


@dataclass(frozen=True, kw_only=True)
class StatusCallback(_MessageEvent):
    """A report on the delivery of a message that we sent."""

    #: The delivery status, such as ``sent``, ``delivered`` or ``failed``; the ``send`` of 2008 becomes ``sent``.
    message_status: str = ""
    #: When the message arrived, according to the carrier: ``YYMMDDhhmm``, in an unspecified time zone.
    raw_dlr_done_date: str = ""
    channel_install_sid: str = ""  #: The sid of the installed channel that sent the message, if any.
    channel_status_message: str = ""  #: The error message of the channel, if the delivery failed.
    channel_prefix: str = ""  #: The prefix of the channel, such as ``whatsapp``.
    channel_to_address: str = ""  #: The address of the recipient on the channel, partly masked.
    structured_message: bool = False  #: Whether the message was a structured one, such as a WhatsApp template.
    event_type: str = ""  #: ``READ`` when the contact has read the message, if the channel reports it.
    #: The sid of the inbound message that this message answered; empty if it was sent through the REST API.
    in_reply_to: str = ""
    #: The send of this program that the message belongs to; empty for every other message.
    send_id: str = ""
    #: What the program gave to ``send`` as ``metadata``; empty for every other message.
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)
    #: Whether a later status was already known when this one arrived.
    late: bool = False

    @property
    def contact(self) -> str:
        """The other person's address."""
        return self.to

    @property
    def number(self) -> str:
        """Our phone number."""
        return self.from_


@dataclass(frozen=True, kw_only=True)
class UnknownEvent(_Event):
    """A webhook of an unknown kind, which no handler receives."""

    @property
    def kind(self) -> str:
        """What kind of webhook it seems to be, for the log."""
        if "CallSid" in self.form:
            return "voice webhook"
        return "webhook of an unknown kind"


def with_media_source(message: InboundMessage, source: MediaSource) -> InboundMessage:
    """Return a message whose media files come from this source."""
    return replace(message, media=tuple(from_source(each, source) for each in message.media))


Event = InboundMessage | StatusCallback | Alert | UnknownEvent
EventT = TypeVar("EventT", InboundMessage, StatusCallback, UnknownEvent)

#: The query parameters of the status URLs of this package: of a reply, of a message that it sent first, and of both.
REPLY_PARAMETER = "in_reply_to"
SEND_PARAMETER = "send"
TOKEN_PARAMETER = "token"  # noqa: S105 - a name, not a secret


def parse_event(form: Form, query: Mapping[str, str] | None = None) -> Event:
    """Parse the parameters of a webhook of any generation.

    Only the status identifies a status callback: an image-only message has an empty body and is still a message.
    """
    query = query or {}
    status = form.get("MessageStatus") or form.get("SmsStatus") or ""
    if status not in ("", "received", "receiving") and "CallSid" not in form:
        return _event(StatusCallback, _status_attributes(form, query, status))
    if form.get("From") and "CallSid" not in form and (status or "Body" in form or "NumMedia" in form):
        return _event(InboundMessage, _message_attributes(form, query))
    if is_alert(form):
        return parse_alert(form, query)
    return _event(UnknownEvent, _attributes(form, query, UnknownEvent))


def _event(kind: type[EventT], attributes: Mapping[str, Any]) -> EventT:
    """Return an event with these attributes; the others keep the defaults of its class, which has no slots for this.

    The constructor takes ten times as long, because it sets up to 50 attributes one by one.
    """
    event = kind.__new__(kind)
    event.__dict__.update(attributes)
    return event


def _message_attributes(form: Form, query: Mapping[str, str]) -> dict[str, Any]:
    given = _attributes(form, query, InboundMessage)
    given["message_sid"] = _message_sid(form)
    given["media"] = _read_media(form)
    return given


def _status_attributes(form: Form, query: Mapping[str, str], status: str) -> dict[str, Any]:
    given = _attributes(form, query, StatusCallback)
    given["message_sid"] = _message_sid(form)
    given["send_id"] = send_id = query.get(SEND_PARAMETER, "")
    given["metadata"] = {}
    given["in_reply_to"] = "" if send_id else query.get(REPLY_PARAMETER, "")
    given["message_status"] = "sent" if status == "send" else status
    return given


def parameter_name(attribute: str) -> str:
    """Return the parameter of an attribute: ``MessageSid`` for ``message_sid``."""
    return "".join(word.capitalize() for word in attribute.split("_"))


def _message_sid(form: Form) -> str:
    return form.get("MessageSid") or form.get("SmsSid") or form.get("SmsMessageSid") or ""


def _read_media(form: Form) -> tuple[InboundMedia, ...]:
    """Return the media by their numbered parameters; unlike these, NumMedia is sometimes missing."""
    media: list[InboundMedia] = []
    while url := form.get(f"MediaUrl{len(media)}"):
        media.append(InboundMedia(url, form.get(f"MediaContentType{len(media)}", "")))
    return tuple(media)


def _to_integer(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


def _to_float(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _to_flag(value: str) -> bool:
    return value.lower() == "true"


#: The attributes that are not strings, and the functions that read them from their parameters.
_READERS: dict[str, Callable[[str], object]] = {
    "error_code": _to_integer,
    "num_segments": _to_integer,
    "latitude": _to_float,
    "longitude": _to_float,
    "forwarded": _to_flag,
    "frequently_forwarded": _to_flag,
    "structured_message": _to_flag,
}
_KINDS: tuple[type[_Event], ...] = (InboundMessage, StatusCallback, UnknownEvent)
#: The attributes of each kind, by the names of their parameters.
_PARAMETERS = {
    kind: {parameter_name(each.name): each.name for each in fields(kind) if each.type == "str" or each.name in _READERS}
    for kind in _KINDS
}


def _attributes(form: Form, query: Mapping[str, str], kind: type[_Event]) -> dict[str, Any]:
    """Return the form, the query, and the attributes of an event that are in the form."""
    names = _PARAMETERS[kind]
    given: dict[str, Any] = {names[parameter]: value for parameter, value in form.items() if parameter in names}
    for name in _READERS.keys() & given.keys():
        given[name] = _READERS[name](given[name])
    given["form"], given["query"] = form, query
    return given
