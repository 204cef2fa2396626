"""What programs are tested with: a phone that texts an application through its real authentication."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from flask import Flask

from .app import state_of
from .caller import (
    ACCOUNT_SID,
    CONTACT,
    NUMBER,
    Call,
    Caller,
    HttpTransport,
    OutgoingRequest,
    Session,
    Transport,
    Webhook,
    WsgiTransport,
    inbound_form,
    random_sid,
    resolve,
    status_form,
)
from .config import Settings
from .errors import CallError
from .receiver import REPLAY_HEADER
from .recordings import Destination, SendExchange
from .twiml import MessagingResponse
from .verbs import Message, Redirect, Sms, Verb
from .webhook import Form, WebhookResponse, base_of

if TYPE_CHECKING:
    from .emulator import Emulator

_MAX_REDIRECTS = 10


@dataclass(frozen=True, slots=True)
class ServedApp:
    """Where an application is called: its base URL without credentials, and what authenticates there."""

    base_url: str
    settings: Settings

    def webhook(self, path: str, fallback_path: str = "") -> Webhook:
        """Return a URL of the application as it is given to Twilio, credentials in it."""
        return Webhook(
            url=self._with_credentials(path), fallback_url=fallback_path and self._with_credentials(fallback_path)
        )

    @property
    def token(self) -> str:
        """What signs for that account: a token, or the secret of the shared key; empty if none is configured."""
        secrets = (*self.settings.tokens_for(self.account_sid), *self.settings.shared_keys.values())
        return next(iter(secrets), "")

    @property
    def key_id(self) -> str:
        """The shared key that signs, where there is no token."""
        return "" if self.settings.auth_tokens else next(iter(self.settings.shared_keys), "")

    def caller(self, transport: Transport, *headers: tuple[str, str]) -> Caller:
        """Return who calls there as Twilio does, and signs."""
        return Caller(transport, token=self.token, key_id=self.key_id, headers=headers)

    def destination(self) -> Destination:
        """Return where recorded exchanges are sent to: here, as an account that is served."""
        named = self.settings.accounts or any(self.settings.auth_tokens)
        return Destination(
            base_url=self._with_credentials(""),
            paths=self.settings.paths,
            account_sid=self.account_sid if named else "",
        )

    @property
    def account_sid(self) -> str:
        """An account that is served."""
        accounts = sorted(self.settings.accounts)
        named = [sid for sid in self.settings.auth_tokens if sid and (not accounts or sid in accounts)]
        return next(iter([*named, *accounts]), ACCOUNT_SID)

    def _with_credentials(self, path: str) -> str:
        if not self.settings.credentials:
            return self.base_url + path
        scheme, _, rest = self.base_url.partition("://")
        pair = self.settings.credentials[0]
        user, password = quote(pair.user, safe=""), quote(pair.password, safe="")
        return f"{scheme}://{user}:{password}@{rest}{path}"


def in_process(app: Flask) -> tuple[ServedApp, WsgiTransport]:
    """Return how an application is called in this process, at its public URL if it has one."""
    state = state_of(app)
    base_url = base_of(state.settings.public_url or "http://localhost", state.url_prefix)
    transport = WsgiTransport(app, mount=urlsplit(base_url).path, prefix=state.url_prefix)
    return ServedApp(base_url, state.settings), transport


def sender(app: Flask) -> SendExchange:
    """Return what sends recorded exchanges to an application in this process, as a replay that leaves no trace."""
    target, transport = in_process(app)
    caller, destination = target.caller(transport, (REPLAY_HEADER, "1")), target.destination()
    return lambda exchange: destination.send(caller, exchange)


class _RoutedTransport:
    """Sends to an application in this process what is meant for its host, and the rest over the network.

    What takes the application longer than the request allows counts as no answer, as it does over the network.
    """

    def __init__(
        self, base_url: str, inside: Transport, outside: Transport, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._host = urlsplit(base_url)[:2]
        self._inside = inside
        self._outside = outside
        self._clock = clock

    def __call__(self, request: OutgoingRequest) -> WebhookResponse:
        """Send a request.

        Raises: ConnectFailed; ProtocolViolation; OSError.
        """
        if urlsplit(request.url)[:2] != self._host:
            return self._outside(request)
        began = self._clock()
        response = self._inside(request)
        if self._clock() - began > request.read_timeout_s:
            raise TimeoutError("timed out")
        return response


def emulator_for(app: Flask, *, number: str = NUMBER) -> Emulator:
    """Return an emulator, not started yet, that has one number: its Message URL is the application in this process.

    Webhooks go through the application's real authentication; the REST API is served on a port.
    """
    from .emulator import Emulator, EmulatorOptions

    target, transport = in_process(app)
    settings = target.settings
    options = EmulatorOptions(
        account_sid=target.account_sid,
        auth_token="" if target.key_id else target.token,  # a shared key signs, and opens no REST API
    )
    emulator = Emulator(
        options,
        transport=_RoutedTransport(target.base_url, transport, HttpTransport()),
    )
    if target.key_id:
        emulator.sign_with(target.key_id, target.token)
    webhook = target.webhook(settings.message_path, settings.fallback_path)
    emulator.add_number(number, webhook.url, fallback_url=webhook.fallback_url)
    return emulator


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back to the phone."""

    call: Call
    verbs: tuple[Verb, ...]
    #: What ``Phone.report`` reported, by the place of the message.
    reported: dict[int, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def messages(self) -> tuple[Message | Sms, ...]:
        """Every message that is sent, Redirects followed."""
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
        return [self.reported.get(place, "queued") for place in range(len(self.messages))]

    @property
    def media(self) -> list[str]:
        """The address of every picture, resolved as Twilio resolves it."""
        return [
            resolve(self.call.url, url) for each in self.messages if isinstance(each, Message) for url in each.media
        ]

    @property
    def twiml(self) -> str:
        """The document as it came."""
        return self.call.response.body.decode()


class Phone:
    """A phone that texts an application in this process, as Twilio would pass it on.

    Every request goes through the authentication that the application is configured with.
    """

    def __init__(
        self,
        app: Flask,
        *,
        contact: str = CONTACT,
        number: str = NUMBER,
        new_sid: Callable[[str], str] = random_sid,
    ) -> None:
        self._target, transport = in_process(app)
        self._caller = self._target.caller(transport)
        self._new_sid = new_sid
        self.contact = contact
        self.number = number

    def text(self, body: str, **fields: str) -> Reply:
        """Send a text; keyword arguments are parameters of the webhook, such as ``ProfileName="Ann"``.

        Raises: CallError, if the application answers with an error.
        """
        return self._send(body, {}, fields)

    def image(self, url: str, body: str = "", *, content_type: str = "image/jpeg", **fields: str) -> Reply:
        """Send a picture, with a text or without.

        Raises: CallError, if the application answers with an error.
        """
        return self._send(body, {url: content_type}, fields)

    def status(
        self, message_sid: str, message_status: str, *, error_code: int | None = None, **fields: str
    ) -> WebhookResponse:
        """Tell the application how far the delivery of a message is.

        Raises: CallError, if the application answers with an error.
        """
        webhook = self._target.webhook(self._target.settings.status_path)
        return self._report(webhook, message_sid, message_status, error_code, fields)

    def report(
        self, reply: Reply, message_status: str, *, error_code: int | None = None, **fields: str
    ) -> WebhookResponse:
        """Tell the application how far the delivery of a reply is, at the status URL that the reply carries.

        Raises: CallError, if the application answers with an error, or the reply carries no status URL.
        """
        followed = ((place, each) for place, each in enumerate(reply.messages) if each.action or each.status_callback)
        place, message = next(followed, (0, None))
        if message is None:
            raise CallError("the reply carries no status URL: register a status handler", url=reply.call.url)
        reply.reported[place] = message_status
        url = message.action or message.status_callback or ""
        webhook = Webhook(url=resolve(reply.call.url, url), method=message.method or "POST")
        return self._report(webhook, self._new_sid("SM"), message_status, error_code, fields)

    def _send(self, body: str, media: Mapping[str, str], fields: Mapping[str, str]) -> Reply:
        form = inbound_form(
            body,
            from_=self.contact,
            to=self.number,
            media=media,
            message_sid=self._new_sid("MM" if media else "SM"),
            account_sid=self._target.account_sid,
            fields=fields,
        )
        return read_reply(self._caller, self._target.webhook(self._target.settings.message_path), form)

    def _report(
        self, webhook: Webhook, sid: str, status: str, error_code: int | None, fields: Mapping[str, str]
    ) -> WebhookResponse:
        form = status_form(
            sid,
            status,
            error_code=error_code,
            from_=self.number,
            to=self.contact,
            account_sid=self._target.account_sid,
            fields=fields,
        )
        return self._caller.call(webhook, form).response


def read_reply(caller: Caller, webhook: Webhook, form: Form) -> Reply:
    """Call a Message URL and follow the Redirects of its answer.

    Raises: CallError; TwimlError, for an answer that Twilio would not execute.
    """
    verbs: list[Verb] = []
    session = Session()
    for _ in range(_MAX_REDIRECTS):
        call = caller.call(webhook, form, session=session)
        answer = MessagingResponse.parse(call.response.body) if call.response.body else MessagingResponse()
        redirect = next((verb for verb in answer.verbs if isinstance(verb, Redirect)), None)
        if redirect is None:
            return Reply(call, (*verbs, *answer.verbs))
        verbs += answer.verbs[: answer.verbs.index(redirect)]
        there = resolve(call.url, redirect.url)
        webhook = Webhook(url=resolve(webhook.url, there), method=redirect.method or "POST")
    raise CallError("one Redirect after the other", url=call.url, code=14106)
