"""Test helpers: a phone that texts an application through its real authentication."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask

from .app import state_of
from .caller import (
    CONTACT,
    NUMBER,
    Call,
    Caller,
    Session,
    Webhook,
    inbound_form,
    random_sid,
    resolve,
    status_form,
)
from .errors import CallError
from .handler_errors import handler_as_cause
from .journal import SendArchive
from .media import local_files
from .served_app import in_process
from .twiml import MessagingResponse
from .verbs import Message, Redirect, Sms, Verb
from .webhook import Form, WebhookResponse

_MAX_REDIRECTS = 10
_MAX_FIELDS = 10_000


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a text from the phone."""

    call: Call
    verbs: tuple[Verb, ...]
    #: The statuses reported by ``Phone.report``, by index of the message.
    reported: dict[int, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def messages(self) -> tuple[Message | Sms, ...]:
        """All messages that are sent, including those after a Redirect."""
        return tuple(verb for verb in self.verbs if isinstance(verb, Message | Sms))

    @property
    def texts(self) -> list[str]:
        """The text of every message."""
        return [message.text for message in self.messages]

    @property
    def text(self) -> str:
        """The text of the first message; empty if there is none."""
        return next(iter(self.texts), "")

    @property
    def statuses(self) -> list[str]:
        """The delivery status of every message: ``queued``, or what ``Phone.report`` reported last."""
        return [self.reported.get(index, "queued") for index in range(len(self.messages))]

    @property
    def media(self) -> list[str]:
        """The URLs of all media files, resolved as Twilio resolves them."""
        return [
            resolve(self.call.url, url) for each in self.messages if isinstance(each, Message) for url in each.media
        ]

    @property
    def twiml(self) -> str:
        """The TwiML document as received."""
        return self.call.response.body.decode()


class Phone:
    """A phone whose texts go to an application in this process as Twilio would send them.

    Every request goes through the application's own authentication.
    """

    def __init__(
        self,
        app: Flask,
        *,
        contact: str = CONTACT,
        number: str = NUMBER,
        new_sid: Callable[[str], str] = random_sid,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._target, transport = in_process(app)
        self._caller = self._target.caller(transport)
        self._new_sid = new_sid
        self._clock = clock
        self.contact = contact
        self.number = number

    def text(self, body: str, **fields: str) -> Reply:
        """Send a text message; keyword arguments set fields of the webhook, such as ``ProfileName="Ann"``.

        Raises: CallError, if the application answers with an error; its cause is the exception of the handler.
        """
        __tracebackhide__ = True  # pytest shows the line of the test
        return self._send(body, {}, fields)

    def image(self, url: str | Path, body: str = "", *, content_type: str = "image/jpeg", **fields: str) -> Reply:
        """Send a picture, with or without text: its URL, or a local file, which handlers can open and save.

        Raises: CallError, if the application answers with an error; its cause is the exception of the handler.
        """
        __tracebackhide__ = True
        if isinstance(url, str):
            return self._send(body, {url: content_type}, fields)
        made_up = f"https://api.twilio.com/{self._new_sid('ME')}"
        with local_files({made_up: url}):
            return self._send(body, {made_up: content_type}, fields)

    def run_work(self, *, within_s: float = 0) -> int:
        """Run the work that is due now, or within so many seconds, and return how many times functions were run.

        It runs in this thread, in the order in which it is due, and functions see the real time. A function that fails
        is run again if its next attempt is due within that time.

        Raises: the exception of a function whose last attempt failed; CallError, if the application has no journal.
        """
        __tracebackhide__ = True
        work = state_of(self._app).work
        if work is None:
            raise CallError("the application has no journal, so it has no work", url="")
        return work.run_until(self._clock() + within_s)

    @property
    def sends(self) -> list[str]:
        """The texts of the messages that the program has asked for to this phone, apart from replies, oldest first.

        They need not have left: without the emulator, a test sends nothing.

        Raises: CallError, if the application has no journal.
        """
        engine = state_of(self._app).engine
        if engine is None:
            raise CallError("the application has no journal, so it sends nothing first", url="")
        return [row.body for row in SendArchive(engine).all_to(self.contact)]

    def status(
        self, message_sid: str, message_status: str, *, error_code: int | None = None, **fields: str
    ) -> WebhookResponse:
        """Send a status callback for a message to the application's status URL.

        Raises: CallError, if the application answers with an error.
        """
        __tracebackhide__ = True
        webhook = self._target.webhook(self._target.settings.status_path)
        return self._report(webhook, message_sid, message_status, error_code, fields)

    def report(
        self, reply: Reply, message_status: str, *, error_code: int | None = None, **fields: str
    ) -> WebhookResponse:
        """Send a status callback for a reply to the status URL in that reply.

        Raises: CallError, if the application answers with an error, or the reply has no status URL.
        """
        __tracebackhide__ = True
        followed = ((index, each) for index, each in enumerate(reply.messages) if each.action or each.status_callback)
        index, message = next(followed, (0, None))
        if message is None:
            raise CallError("the reply has no status URL: register a status handler", url=reply.call.url)
        reply.reported[index] = message_status
        url = message.action or message.status_callback or ""
        webhook = Webhook(url=resolve(reply.call.url, url), method=message.method or "POST")
        addresses = _addresses_of(message, reply.call)
        return self._report(webhook, self._new_sid("SM"), message_status, error_code, addresses | fields)

    def _send(self, body: str, media: Mapping[str, str], fields: Mapping[str, str]) -> Reply:
        __tracebackhide__ = True
        form = inbound_form(
            body,
            from_=self.contact,
            to=self.number,
            media=media,
            message_sid=self._new_sid("MM" if media else "SM"),
            account_sid=self._target.account_sid,
            fields=fields,
        )
        with handler_as_cause(self._app):
            return read_reply(self._caller, self._target.webhook(self._target.settings.message_path), form)

    def _report(
        self, webhook: Webhook, sid: str, status: str, error_code: int | None, fields: Mapping[str, str]
    ) -> WebhookResponse:
        __tracebackhide__ = True
        form = status_form(
            sid,
            status,
            error_code=error_code,
            done_at=self._clock() if status in ("delivered", "undelivered") and ":" not in self.contact else None,
            from_=self.number,
            to=self.contact,
            account_sid=self._target.account_sid,
            fields=fields,
        )
        with handler_as_cause(self._app):
            return self._caller.call(webhook, form).response


def _addresses_of(message: Message | Sms, call: Call) -> dict[str, str]:
    """Return To and From of a message that was sent in answer to a call; a messaging service sends from the number."""
    request = call.attempts[-1].request
    encoded = request.body.decode() or urlsplit(request.url).query
    inbound = Form.read(encoded, max_fields=_MAX_FIELDS, strict=False)
    from_ = "" if (message.from_ or "").startswith("MG") else message.from_
    return {"To": message.to or inbound.get("From", ""), "From": from_ or inbound.get("To", "")}


def read_reply(caller: Caller, webhook: Webhook, form: Form) -> Reply:
    """Call a Message URL and follow the Redirects of its answer.

    Raises: CallError; TwimlError, if Twilio would not execute the answer.
    """
    __tracebackhide__ = True
    verbs: list[Verb] = []
    session = Session()
    for _ in range(_MAX_REDIRECTS):
        call = caller.call(webhook, form, session=session)
        answer = MessagingResponse.parse(call.response.body) if call.response.body else MessagingResponse()
        redirect = next((verb for verb in answer.verbs if isinstance(verb, Redirect)), None)
        if redirect is None:
            return Reply(call, (*verbs, *answer.verbs))
        verbs += answer.verbs[: answer.verbs.index(redirect)]
        target = resolve(call.url, redirect.url)
        webhook = Webhook(url=resolve(webhook.url, target), method=redirect.method or "POST")
    raise CallError("too many TwiML Redirects", url=call.url, code=14106)
