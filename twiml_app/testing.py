"""Test helpers: a phone that texts an application through its real authentication."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
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
    CookieJar,
    HttpTransport,
    RoutedTransport,
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
from .handler_errors import collect_errors, describe_error, handler_as_cause
from .receiver import ReplayProofs
from .recordings import Destination, Exchange, ProvingTransport, Sender, SendExchange, Sent, local_media
from .twiml import MessagingResponse
from .verbs import Message, Redirect, Sms, Verb
from .webhook import Form, WebhookResponse, base_of

if TYPE_CHECKING:
    from .emulator import Emulator

_MAX_REDIRECTS = 10
_MAX_FIELDS = 10_000


@dataclass(frozen=True, slots=True)
class ServedApp:
    """How to call an application: its base URL without credentials, and the settings that authenticate."""

    base_url: str
    settings: Settings

    def webhook(self, path: str, fallback_path: str = "") -> Webhook:
        """Return a URL of the application as configured at Twilio, credentials in it."""
        return Webhook(
            url=self._with_credentials(path), fallback_url=fallback_path and self._with_credentials(fallback_path)
        )

    @property
    def token(self) -> str:
        """The secret that signs for the account: an auth token or a shared key; empty if none is configured."""
        secrets = (*self.settings.tokens_for(self.account_sid), *self.settings.shared_keys.values())
        return next(iter(secrets), "")

    @property
    def key_id(self) -> str:
        """The id of the shared key that signs; empty if an auth token signs."""
        return "" if self.settings.auth_tokens else next(iter(self.settings.shared_keys), "")

    def caller(self, transport: Transport, *, cookies: CookieJar | None = None) -> Caller:
        """Return a caller that calls and signs as Twilio does."""
        return Caller(transport, token=self.token, key_id=self.key_id, cookies=cookies)

    def destination(self) -> Destination:
        """Return this application as the destination of recordings, with an account that it serves."""
        named = self.settings.accounts or any(self.settings.auth_tokens)
        return Destination(
            base_url=self._with_credentials(""),
            paths=self.settings.paths,
            account_sid=self.account_sid if named else "",
        )

    @property
    def account_sid(self) -> str:
        """An account that the application serves."""
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
    """Return target and transport to call an application in this process, at its public URL if it has one."""
    state = state_of(app)
    base_url = base_of(state.settings.public_url or "http://localhost", state.url_prefix)
    transport = WsgiTransport(app, mount=urlsplit(base_url).path, prefix=state.url_prefix)
    return ServedApp(base_url, state.settings), transport


def sender(app: Flask, recording: Path | None = None) -> SendExchange:
    """Return a function that sends the exchanges of a recording to an application in this process, past its journal.

    Cookies are kept, and media files next to the recording are served. Exceptions of handlers are noted.
    """
    target, transport = in_process(app)
    proving = ProvingTransport(transport, ReplayProofs(target.settings.secret_keys))
    send_one = Sender(target.destination(), lambda cookies: target.caller(proving, cookies=cookies))

    def send(exchange: Exchange) -> Sent:
        with collect_errors(app) as errors, local_media(exchange, recording) as media:
            try:
                sent = send_one(media.exchange)
            except CallError:
                raise
            except Exception as error:  # Flask passes on exceptions if the application is in testing mode
                raise CallError(" ".join(map(str.strip, describe_error(error))), url=exchange.url) from error
        notes = (*(line for error in errors for line in describe_error(error)), *media.notes)
        return replace(sent, response=media.restored(sent.response), notes=notes)

    return send


def emulator_for(app: Flask, *, number: str = NUMBER) -> Emulator:
    """Return an emulator, not started yet, with one number whose Message URL is the application in this process.

    Webhooks go through the application's real authentication; the REST API is served on a port.
    """
    from .emulator import Emulator, EmulatorOptions

    target, transport = in_process(app)
    settings = target.settings
    options = EmulatorOptions(
        account_sid=target.account_sid,
        auth_token="" if target.key_id else target.token,  # a shared key only signs: it gives no access to the REST API
    )
    emulator = Emulator(
        options,
        transport=RoutedTransport(target.base_url, transport, HttpTransport()),
    )
    if target.key_id:
        emulator.sign_with(target.key_id, target.token)
    webhook = target.webhook(settings.message_path, settings.fallback_path)
    emulator.add_number(number, webhook.url, fallback_url=webhook.fallback_url)
    return emulator


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

    def image(self, url: str, body: str = "", *, content_type: str = "image/jpeg", **fields: str) -> Reply:
        """Send a picture, with or without text.

        Raises: CallError, if the application answers with an error; its cause is the exception of the handler.
        """
        __tracebackhide__ = True
        return self._send(body, {url: content_type}, fields)

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
