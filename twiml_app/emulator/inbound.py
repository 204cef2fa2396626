"""Inbound messages: store them, answer opt-out words, and call the webhook of the number.

https://www.twilio.com/docs/messaging/twiml and https://www.twilio.com/docs/messaging/services
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..caller import Call
from ..errors import ConfigurationError
from .composing import Composer
from .context import Context
from .debugger import Debugger
from .delivery import Delivery
from .media import FetchedMedia
from .opt_outs import OptOuts
from .resources import Application, DebuggerEntry, IncomingNumber, MessageRecord, MessagingService
from .text_faults import Text, arriving
from .twiml_execution import Route, TwimlExecution


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EmulatedReply:
    """An inbound message, and the messages that the program sent in answer to it, in document order."""

    inbound: MessageRecord
    #: The replies of the program, as they were when it answered.
    messages: list[MessageRecord] = field(default_factory=list)
    #: Twilio's own answer to an opt-out word.
    twilio_says: str = ""
    #: Why no webhook was called; empty if one was.
    unrouted: str = ""
    #: The replies to more messages that a fault has made of this one.
    further: list[EmulatedReply] = field(default_factory=list)
    #: The entries of the debugger about this message.
    problems: list[DebuggerEntry] = field(default_factory=list)
    #: Gives access to the current statuses and to media.
    _context: Context = field(compare=False)

    def __repr__(self) -> str:
        said = f", Twilio says {self.twilio_says!r}" if self.twilio_says else ""
        why = f", no webhook was called: {self.unrouted}" if self.unrouted else ""
        return f"<EmulatedReply {self.inbound.body!r} -> {self.texts}{said}{why}, problems: {self.problems}>"

    @property
    def texts(self) -> list[str]:
        """The text of every message."""
        return [message.body for message in self.messages]

    @property
    def text(self) -> str:
        """The text of the first message; empty if there is none."""
        return next(iter(self.texts), "")

    @property
    def media(self) -> list[str]:
        """The URLs of all media, as served by the emulator."""
        return [url for message in self.messages for url in self._context.media_urls(message)]

    @property
    def statuses(self) -> list[str]:
        """The current delivery status of every message; empty for a message that was deleted."""
        found = (self._context.store.get(MessageRecord, message.sid) for message in self.messages)
        return [message.status if message else "" for message in found]


class Inbound:
    """Receives the messages that people send to our numbers."""

    def __init__(
        self,
        context: Context,
        debugger: Debugger,
        composer: Composer,
        delivery: Delivery,
        opt_outs: OptOuts,
        execution: TwimlExecution,
    ) -> None:
        self._context = context
        self._debugger = debugger
        self._composer = composer
        self._delivery = delivery
        self._opt_outs = opt_outs
        self._execution = execution

    def receive(self, *, contact: str, number: str, body: str, media: Sequence[FetchedMedia] = ()) -> EmulatedReply:
        """Store a message, and let the program answer it; a fault may make several messages of it.

        Raises: ConfigurationError, if the number is not ours.
        """
        self._find_number(number)
        text = Text(contact=contact, number=number, body=body, media=media)
        reply, *further = [self._receive(each) for each in arriving(self._context, text)]
        return replace(reply, further=further) if further else reply

    def repeat(self, inbound: MessageRecord) -> Call:
        """Call the program with a message that it has already received; Twilio would use its first answer.

        Raises: ConfigurationError, if no URL answers the number; CallError.
        """
        route = self.route_of(inbound)
        if isinstance(route, str):
            raise ConfigurationError("number", route)
        return self._execution.ask_again(inbound, route)

    def route_of(self, inbound: MessageRecord) -> Route | str:
        """Return the URLs that answer a message, or why there are none.

        Raises: ConfigurationError, if the number is not ours any more.
        """
        owner = self._find_number(inbound.to)
        return self._route(owner, self._context.find_service(owner))

    def _receive(self, text: Text) -> EmulatedReply:
        owner = self._find_number(text.number)
        service = self._context.find_service(owner)
        inbound = self._record(owner, service, text)
        answer = self._opt_outs.note(text.body, contact=text.contact, number=text.number, account_sid=owner.account_sid)
        if answer:
            self._answer(inbound, answer)
        route = self._route(owner, service)
        if isinstance(route, str):
            return EmulatedReply(inbound=inbound, twilio_says=answer, unrouted=route, _context=self._context)
        replies = self._execution.answer(inbound, route)
        problems = self._debugger.entries_of(inbound.sid)
        return EmulatedReply(
            inbound=inbound, messages=[*replies], twilio_says=answer, problems=problems, _context=self._context
        )

    def _find_number(self, phone_number: str) -> IncomingNumber:
        number = self._context.find_number(phone_number)
        if number is None:
            raise ConfigurationError(
                "number", f"{phone_number} is not one of your numbers: add it with its Message URL"
            )
        return number

    def _record(self, number: IncomingNumber, service: MessagingService | None, text: Text) -> MessageRecord:
        draft = self._composer.draft(
            number.account_sid,
            to=number.phone_number,
            from_=text.contact,
            body=text.body,
            status="received",
            direction="inbound",
            date_sent=self._context.clock.now(),
            api_version=self._context.profile.api_version,
            messaging_service_sid=service.sid if service else "",
        )
        return self._composer.receive(draft, text.media)

    def _answer(self, inbound: MessageRecord, text: str) -> None:
        """Send Twilio's own answer, which nothing can block."""
        draft = self._composer.draft(
            inbound.account_sid,
            to=inbound.from_,
            from_=inbound.to,
            body=text,
            status="queued",
            direction="outbound-reply",
            api_version=inbound.api_version,
            in_reply_to=inbound.sid,
        )
        self._delivery.begin(self._composer.compose(draft, ()))

    def _route(self, number: IncomingNumber, service: MessagingService | None) -> Route | str:
        """Return the URLs to call for a message, or why there are none.

        The inbound URL of a service overrides the URLs of its numbers; a service without one drops the message.
        """
        if self._context.account(number.account_sid).status != "active":
            return f"the account {number.account_sid} is not active"
        if service and not service.use_inbound_webhook_on_number:
            if not service.inbound_request_url:
                return f"{number.phone_number} is in the service {service.sid}, which has no inbound URL"
            return Route(
                url=service.inbound_request_url,
                method=service.inbound_method,
                fallback_url=service.fallback_url,
                fallback_method=service.fallback_method,
            )
        owner = self._context.store.get(Application, number.sms_application_sid) or number
        if not owner.sms_url:
            return f"{number.phone_number} has no Message URL"
        return Route(
            url=owner.sms_url,
            method=owner.sms_method,
            fallback_url=owner.sms_fallback_url,
            fallback_method=owner.sms_fallback_method,
        )
