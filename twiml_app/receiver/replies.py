"""Turn a handler's return value into the MessagingResponse that is sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..errors import ConfigurationError, ReplyError, TwimlError
from ..events import InboundMessage
from ..segments import MAX_UNITS, split_text, utf16_units
from ..twiml import MAX_BYTES, MAX_MESSAGES, MessagingResponse
from ..verbs import Body, Comment, Message, Redirect, Sms, Verb, xml_text

_SENDING = (Message, Sms)
_MARKUP = re.compile(r"[\s\ufeff]*<(\?xml|Response\b)")


#: Returns the URL to which Twilio reports the delivery of a message.
StatusUrl = Callable[[Message], str]


def to_response(value: Any, *, handler: str, status_url: StatusUrl | None = None) -> MessagingResponse:
    """Turn a handler's return value into the response that is sent.

    ========================  ==============================================
    None, an empty str        nothing is sent
    str                       one message
    Message                   that message
    a list of these           those messages, in order (a Redirect last)
    MessagingResponse         that response; the official library's as well
    ========================  ==============================================

    ``status_url`` is called for each message without a status URL of its own.

    Raises: ReplyError, naming the handler, for any other value and for one that exceeds Twilio's limits.
    """
    try:
        verbs = [*(_text_message(value, handler) if isinstance(value, str) else _reply_verbs(value, handler))]
    except TwimlError as error:
        raise ReplyError(f"returned TwiML that Twilio would not accept: {error}", handler=handler) from error
    _check_messages(verbs, handler)
    if status_url is not None:
        verbs = [_with_status_url(verb, status_url) for verb in verbs]
    return MessagingResponse(*verbs)


def to_document(response: MessagingResponse, *, handler: str) -> bytes:
    """Return the bytes of a response.

    Raises: ReplyError, if they are more than Twilio reads.
    """
    document = response.to_bytes()
    if len(document) > MAX_BYTES:
        raise ReplyError(f"returned {len(document)} bytes of TwiML: Twilio reads at most {MAX_BYTES}", handler=handler)
    return document


def _reply_verbs(value: Any, handler: str) -> Iterator[Verb]:
    if value is None:
        return
    if isinstance(value, list | tuple):
        _refuse_status(value, handler)
        yield from _in_order(value, handler)
    elif isinstance(value, str):
        yield from _text_message(value, handler)
    elif isinstance(value, Message):
        yield from _split_message(value)
    elif isinstance(value, Redirect | Sms | Comment):
        yield value
    elif isinstance(value, MessagingResponse):
        for verb in value.verbs:
            yield from _reply_verbs(verb, handler)
    elif _is_official(value):
        yield from _reply_verbs(MessagingResponse.parse(xml_text(str(value))), handler)
    else:
        raise ReplyError(
            f"returned {_type_name(value)}: return a str, a Message, a list of these or a MessagingResponse",
            handler=handler,
        )


def _refuse_status(value: list[Any] | tuple[Any, ...], handler: str) -> None:
    """Refuse a reply with an HTTP status or headers, as Flask's views return them."""
    if isinstance(value, tuple) and any(isinstance(each, int | dict) for each in value):
        raise ReplyError(
            'returned a tuple with an HTTP status or headers: return only the reply, such as "Hi", not ("Hi", 200).'
            " The status is 200, or 500 if the handler raises",
            handler=handler,
        )


def _in_order(values: Iterable[Any], handler: str) -> Iterator[Verb]:
    redirected = False
    for value in values:
        for verb in _reply_verbs(value, handler):
            if redirected:
                raise ReplyError("returned a verb after a Redirect; it would never be executed", handler=handler)
            redirected = isinstance(verb, Redirect)
            yield verb


def _text_message(text: str, handler: str) -> Iterator[Verb]:
    if _MARKUP.match(text):
        raise ReplyError(
            "returned a str that looks like markup: a str is sent as plain text, so return a MessagingResponse,"
            " or MessagingResponse.parse(document)",
            handler=handler,
        )
    message = Message(text)
    if message.text.strip():
        yield message


def _split_message(message: Message) -> Iterator[Message]:
    """Yield a message, split into several if its text is too long and it may be split; its media go with the first."""
    if not message.split or utf16_units(message.text) <= MAX_UNITS:
        yield message
        return
    first, *others = split_text(message.text, MAX_UNITS)
    yield message.with_nouns(first, *(noun for noun in message.nouns if not isinstance(noun, Body)))
    for text in others:
        yield message.with_nouns(text)


def _is_official(value: Any) -> bool:
    kind = type(value)
    return kind.__name__ == "MessagingResponse" and kind.__module__.startswith("twilio.")


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _check_messages(verbs: list[Verb], handler: str) -> None:
    messages = [verb for verb in verbs if isinstance(verb, _SENDING)]
    if len(messages) > MAX_MESSAGES:
        raise ReplyError(
            f"returned {len(messages)} messages: Twilio sends at most {MAX_MESSAGES} per inbound message",
            handler=handler,
        )
    for message in messages:
        text = message.text
        units = utf16_units(text)
        if units > MAX_UNITS:
            raise ReplyError(
                f"returned text of {units} UTF-16 units: Twilio sends at most {MAX_UNITS},"
                " and Message(text, split=True) splits it into several messages",
                handler=handler,
            )
        if not text.strip() and not (isinstance(message, Message) and message.media):
            kind = type(message).__name__
            raise ReplyError(f"returned a {kind} with neither text nor media", handler=handler)


def _with_status_url(verb: Verb, status_url: StatusUrl) -> Verb:
    if not isinstance(verb, Message) or verb.action or verb.status_callback:
        return verb
    return verb.with_status_url(status_url(verb))


def read_apology(text: str) -> MessagingResponse:
    """Return the apology as a response.

    Raises: ConfigurationError, for text that Twilio would not send.
    """
    try:
        return to_response(text, handler="TWIML_APOLOGY")
    except ReplyError as error:
        raise ConfigurationError("TWIML_APOLOGY", str(error).removeprefix("TWIML_APOLOGY ")) from error


def sender_of_replies(message: InboundMessage) -> str:
    """Return the number that answers a message; empty if a messaging service chooses it."""
    return "" if message.messaging_service_sid else message.to


def reply_digest(response: MessagingResponse) -> str:
    """Return a digest of the texts and media that are sent; empty if nothing is sent."""
    parts = [part for each in response.messages for part in (each.text, *getattr(each, "media", ()))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32] if parts else ""
