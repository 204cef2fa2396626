"""A text that comes in: recorded, its opt-out words answered, and handed to the program that its number names.

https://www.twilio.com/docs/messaging/twiml and https://www.twilio.com/docs/messaging/services
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import ConfigurationError
from .alerts import Debugger
from .composing import Composer
from .context import Context
from .delivery import Delivery
from .execution import Execution, Route
from .media import FetchedMedia
from .opt_outs import OptOuts
from .resources import Application, DebuggerEntry, IncomingNumber, Message, MessagingService


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A text that came in, and what the program sent in answer to it, in the order of its document."""

    inbound: Message
    replies: tuple[Message, ...]
    #: What the debugger says of it.
    problems: tuple[DebuggerEntry, ...] = ()

    @property
    def bodies(self) -> list[str]:
        """The text of every reply."""
        return [reply.body for reply in self.replies]

    @property
    def reply(self) -> str:
        """The text of the first reply; empty if there is none."""
        return next(iter(self.bodies), "")


class Receiving:
    """Takes what people text to our numbers."""

    def __init__(
        self,
        context: Context,
        debugger: Debugger,
        composer: Composer,
        delivery: Delivery,
        opt_outs: OptOuts,
        execution: Execution,
    ) -> None:
        self._context = context
        self._debugger = debugger
        self._composer = composer
        self._delivery = delivery
        self._opt_outs = opt_outs
        self._execution = execution

    def receive(self, *, from_: str, to: str, body: str, media: Sequence[FetchedMedia] = ()) -> Turn:
        """Take a message, and let the program answer it.

        Raises: ConfigurationError, for a number that is not ours.
        """
        number = self._find_number(to)
        service = self._context.find_service(number)
        inbound = self._record(number, service, from_=from_, body=body, media=media)
        answer = self._opt_outs.note(body, contact=from_, number=to, account_sid=number.account_sid)
        if answer:
            self._answer(inbound, answer)
        route = self._route(number, service)
        if route is None or self._context.account(number.account_sid).status != "active":
            return Turn(inbound=inbound, replies=())
        replies = self._execution.answer(inbound, route)
        return Turn(inbound=inbound, replies=replies, problems=tuple(self._debugger.entries_of(inbound.sid)))

    def _find_number(self, phone_number: str) -> IncomingNumber:
        number = self._context.find_number(phone_number)
        if number is None:
            raise ConfigurationError("number", f"{phone_number} is no number of ours: add it, with its Message URL")
        return number

    def _record(
        self,
        number: IncomingNumber,
        service: MessagingService | None,
        *,
        from_: str,
        body: str,
        media: Sequence[FetchedMedia],
    ) -> Message:
        now = self._context.clock.now()
        draft = Message(
            sid="",
            account_sid=number.account_sid,
            date_created=now,
            date_updated=now,
            to=number.phone_number,
            from_=from_,
            body=body,
            status="received",
            direction="inbound",
            date_sent=now,
            api_version="2008-08-01" if self._context.profile.parameters == "2008" else "2010-04-01",
            messaging_service_sid=service.sid if service else "",
        )
        return self._composer.receive(draft, media)

    def _answer(self, inbound: Message, text: str) -> None:
        """Send what Twilio itself answers; nothing keeps it back."""
        now = self._context.clock.now()
        draft = Message(
            sid="",
            account_sid=inbound.account_sid,
            date_created=now,
            date_updated=now,
            to=inbound.from_,
            from_=inbound.to,
            body=text,
            status="queued",
            direction="outbound-reply",
            api_version=inbound.api_version,
            in_reply_to=inbound.sid,
        )
        self._delivery.begin(self._composer.compose(draft, ()))

    def _route(self, number: IncomingNumber, service: MessagingService | None) -> Route | None:
        """Return where a message goes: a service hides the URL of its numbers, and drops what comes in without one."""
        if service and not service.use_inbound_webhook_on_number:
            return _route(
                service.inbound_request_url, service.inbound_method, service.fallback_url, service.fallback_method
            )
        application = self._context.store.get(Application, number.sms_application_sid)
        owner = application or number
        return _route(owner.sms_url, owner.sms_method, owner.sms_fallback_url, owner.sms_fallback_method)


def _route(url: str, method: str, fallback_url: str, fallback_method: str) -> Route | None:
    if not url:
        return None
    return Route(url=url, method=method, fallback_url=fallback_url, fallback_method=fallback_method)
