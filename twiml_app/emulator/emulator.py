"""The emulator as a whole: the interface for tests and for the command line."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Self

from ..caller import HttpTransport, Transport, random_sid
from ..errors import ConfigurationError
from .alerts import require_debugger_url
from .clocks import Clock, make_clock
from .context import Context
from .database import UNREADABLE, state_error
from .faults import Faults
from .numbers import formatted, require_number
from .options import ACCOUNT_SID, AUTH_TOKEN, EmulatorOptions
from .parts import NOW, Parts, begin_at, keep_account, require_tools, require_url, takes_any_sender
from .phones import EmulatedPhone
from .profiles import find_profile
from .resources import DebuggerEntry, IncomingNumber, MessageRecord
from .rest.request_log import LoggedRequest
from .seed_reader import read_seed
from .server import Certificates, Server
from .state_check import check_state
from .store import Condition, ResourceStore
from .webhook_log import LoggedWebhook

if TYPE_CHECKING:
    from twilio.rest import Client


@dataclass(slots=True)
class _Added:
    """A number that was added with ``add_number``: as it was first added, and all fields given since."""

    number: IncomingNumber
    changes: dict[str, Any] = field(default_factory=dict)


class Emulator:
    """A local Twilio: serves the REST API and calls webhooks; a context manager.

    Raises: ConfigurationError.
    """

    def __init__(
        self,
        options: EmulatorOptions | None = None,
        *,
        transport: Transport | None = None,
        new_sid: Callable[[str], str] = random_sid,
    ) -> None:
        require_tools()
        options = options or EmulatorOptions()
        self.account_sid = options.account_sid or os.environ.get("TWILIO_ACCOUNT_SID") or ACCOUNT_SID
        self.auth_token = options.auth_token or os.environ.get("TWILIO_AUTH_TOKEN") or AUTH_TOKEN
        self._seed = read_seed(Path(options.seed)) if isinstance(options.seed, str | Path) else options.seed
        self._added: dict[str, _Added] = {}
        self._signing = ("", "")
        self._is_started = self._is_stopped = False
        try:
            self._set_up(options, transport or HttpTransport(), new_sid)
        except UNREADABLE as error:
            raise state_error(options.state, error) from error

    def _set_up(self, options: EmulatorOptions, transport: Transport, new_sid: Callable[[str], str]) -> None:
        """Open everything and connect the parts.

        Raises: ConfigurationError; sqlite3.Error; UnicodeDecodeError.
        """
        require_debugger_url(options.debugger_url)
        with ExitStack() as opened:  # closed again if anything raises
            self._open(options, opened)
            self._context = self._make_context(options, new_sid)
            self._parts = Parts(self._context, transport, options, reset=self.reset)
            keep_account(self._context, self.account_sid, self.auth_token, self._seed)
            self._parts.alerts.send_to(options.debugger_url)
            self._parts.delivery.resume()
            opened.pop_all()

    def _open(self, options: EmulatorOptions, opened: ExitStack) -> None:
        """Open the state and the port."""
        self._store = ResourceStore(options.state)
        opened.callback(self._store.close)
        check_state(self._store.database, options.state)
        self._certificates = Certificates() if options.tls else None
        if self._certificates:
            opened.callback(self._certificates.remove)
        self._server = Server(options.host, options.port, self._certificates)
        opened.callback(self._server.stop)

    def _make_context(self, options: EmulatorOptions, new_sid: Callable[[str], str]) -> Context:
        return Context(
            store=self._store,
            clock=make_clock(options.clock, begin_at(self._store, options.start)),
            profile=find_profile(options.profile),
            base_url=self._server.url,
            new_sid=new_sid,
            random=Random(self.account_sid),  # noqa: S311  the same sequence on every run
            any_sender=takes_any_sender(self._store, options.state, self._seed, self.account_sid),
        )

    def start(self) -> Self:
        """Start serving and start a running clock. Idempotent.

        Raises: ConfigurationError, if the emulator was stopped.
        """
        if self._is_stopped:
            raise ConfigurationError("emulator", "it was stopped and cannot be started again: create a new one")
        if not self._is_started:
            self._is_started = True
            self._parts.schedule.start()
            self._server.start(self._parts.page.application)
        return self

    def stop(self) -> None:
        """Stop serving and close the state, which can be used again if it is a file. Idempotent."""
        if self._is_stopped:
            return
        self._is_stopped = True
        self.faults.stop()
        self._parts.page.stop()
        self._server.stop()
        self._parts.schedule.stop()
        self._store.write(NOW, self._context.clock.now())
        self._store.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The URL for clients: scheme, host and port."""
        return self._server.url

    @property
    def port(self) -> int:
        """The port that the emulator listens on."""
        return self._server.port

    @property
    def ca_file(self) -> Path | None:
        """With TLS, the certificate file that clients must trust."""
        return self._certificates.ca_file if self._certificates else None

    @property
    def clock(self) -> Clock:
        """The clock of the emulator."""
        return self._context.clock

    def client(self) -> Client:
        """Return the official client for this account, with every product pointed at the emulator.

        Raises: ConfigurationError, if the library is not installed.
        """
        try:
            from .client import make_client
        except ImportError as error:
            raise ConfigurationError("client", "it needs the official library: pip install twilio") from error
        return make_client(self.url, self.account_sid, self.auth_token, self.ca_file)

    def add_number(
        self,
        phone_number: str,
        message_url: str | None = None,
        *,
        method: str | None = None,
        fallback_url: str | None = None,
        fallback_method: str | None = None,
        application_sid: str | None = None,
        mms: bool | None = None,
    ) -> IncomingNumber:
        """Add a number, or update the given fields of an existing one.

        Raises: ConfigurationError, for an invalid number or URL.
        """
        changes: dict[str, Any] = {
            "sms_url": require_url(message_url),
            "sms_method": method,
            "sms_fallback_url": require_url(fallback_url),
            "sms_fallback_method": fallback_method,
            "sms_application_sid": application_sid,
            "mms": mms,
        }
        digits = require_number(phone_number)
        with self._context.lock:
            known = self._context.find_number(digits) or self._new_number(digits)
            added = self._added.setdefault(digits, _Added(known))
            added.changes |= (named := {name: value for name, value in changes.items() if value is not None})
            return self._store.save(replace(known, **named))

    def _new_number(self, digits: str) -> IncomingNumber:
        now = self._context.clock.now()
        return IncomingNumber(
            sid=self._context.new_sid("PN"),
            account_sid=self.account_sid,
            date_created=now,
            date_updated=now,
            phone_number=digits,
            friendly_name=formatted(digits),
        )

    def sign_with(self, key_id: str, secret: str) -> None:
        """Sign webhooks with a shared key and HMAC-SHA256 instead of the token."""
        self._signing = (key_id, secret)
        self._apply_signing()

    def _apply_signing(self) -> None:
        key_id, secret = self._signing
        account = self._context.account(self.account_sid)
        self._store.save(replace(account, signing_key=key_id, signing_secret=secret))

    def phone(self, contact: str, *, number: str = "") -> EmulatedPhone:
        """Return the phone of a contact; it texts ``number``, by default the only one of ours.

        Raises: ConfigurationError, for an invalid phone number.
        """
        parts = self._parts
        named = require_number(number) if number else ""
        return EmulatedPhone(self._context, parts.phones, parts.inbound, parts.fetcher, require_number(contact), named)

    @property
    def numbers(self) -> list[IncomingNumber]:
        """The numbers of every account, oldest first."""
        return self._store.find(IncomingNumber, oldest_first=True)

    @property
    def outbox(self) -> list[MessageRecord]:
        """The messages sent from our numbers, oldest first."""
        return self._store.find(MessageRecord, Condition("direction", "like", "outbound%"), oldest_first=True)

    @property
    def debugger(self) -> list[DebuggerEntry]:
        """The errors and warnings in Twilio's debugger, oldest first."""
        return self._parts.debugger.entries()

    @property
    def requests(self) -> list[LoggedRequest]:
        """The requests of clients, oldest first."""
        return self._parts.log.all()

    def advance(self, seconds: float) -> None:
        """Move a stepped or a fast clock forward, and run everything that becomes due on the way."""
        self._parts.clock_control.advance(seconds)

    def switch_clock(self, kind: str) -> None:
        """Go on with a clock that is ``real``, ``fast`` or ``step``; nothing that is pending is lost.

        Raises: ConfigurationError.
        """
        self._parts.clock_control.switch(kind)

    def settle(self, timeout_s: float = 30.0) -> bool:
        """Process everything in transit except scheduled messages; return True if nothing is left."""
        return self._parts.schedule.settle(timeout_s)

    def fail_next(self, requests: int) -> None:
        """Answer the next requests to the REST API with 503: the fault ``api-503``, instead of earlier ones.

        Raises: ConfigurationError, for a negative number.
        """
        self.faults.repeat("api-503", requests)

    @property
    def faults(self) -> Faults:
        """What should go wrong: add rules here."""
        return self._context.faults

    @property
    def webhooks(self) -> list[LoggedWebhook]:
        """The requests to the program, oldest first."""
        return self._parts.webhook_log.all()

    def watch(
        self,
        on_request: Callable[[LoggedRequest], None],
        on_entry: Callable[[DebuggerEntry], None],
        on_webhook: Callable[[LoggedWebhook], None],
    ) -> None:
        """Call these functions with every request of a client, debugger entry, and request to the program."""
        parts = self._parts
        parts.log.watcher, parts.debugger.watcher, parts.webhook_log.watcher = on_request, on_entry, on_webhook

    def reset(self) -> None:
        """Return to the initial state: the seed, and the numbers that were added with ``add_number``."""
        # The lock of the context is always taken first. Clients wait, so they never see an emulator without an account.
        with self._context.lock, self._store.exclusively():
            self._parts.clear()
            self._store.clear()
            keep_account(self._context, self.account_sid, self.auth_token, self._seed)
            if any(self._signing):
                self._apply_signing()
            for digits, added in self._added.items():
                self._store.save(replace(self._context.find_number(digits) or added.number, **added.changes))
