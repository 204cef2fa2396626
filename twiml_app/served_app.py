"""A served application: its URLs with credentials, and how to call it as Twilio does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from flask import Flask

from .app import state_of
from .caller import (
    ACCOUNT_SID,
    NUMBER,
    Caller,
    CookieJar,
    HttpTransport,
    RoutedTransport,
    Transport,
    Webhook,
    WsgiTransport,
)
from .config import Settings
from .errors import CallError
from .handler_errors import collect_errors, describe_error
from .receiver import ReplayProofs
from .recordings import Destination, Exchange, ProvingTransport, Sender, SendExchange, Sent, local_media
from .sending import TwilioApi
from .webhook import base_of

if TYPE_CHECKING:
    from .emulator import Emulator


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
    """Return target and transport to call an application in this process, at its public URL if it has one.

    Dialogs take every text as an answer from now on, since tests and commands answer in their own time.
    """
    state = state_of(app)
    if state.dialogs:
        state.dialogs.answer_at_once()
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

    Webhooks go through the application's real authentication; the REST API is served on a port, and what the
    application sends first goes there, by the emulator's clock. Entries of the debugger are posted to the application
    if it has handlers of alerts.
    """
    from .emulator import Emulator, EmulatorOptions

    target, transport = in_process(app)
    settings = target.settings
    options = EmulatorOptions(
        account_sid=target.account_sid,
        debugger_url=target.webhook(settings.alert_path).url if state_of(app).router.alert_routes else "",
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
    connect(app, emulator)
    return emulator


def connect(app: Flask, emulator: Emulator) -> None:
    """Let an application download media from an emulator, and send to it by its clock what it sends first."""
    state, sid = state_of(app), emulator.account_sid
    state.media_fetcher.use_api(emulator.url, lambda _account: (emulator.auth_token,))
    if state.sending:
        tokens = {sid: (emulator.auth_token,)}
        settings = replace(state.settings, api_url=emulator.url, account_sid=sid, auth_tokens=tokens)
        state.sending.connect(TwilioApi(settings), emulator.clock.now)
