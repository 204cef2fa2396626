"""The emulator as a whole: its parts, put together, and what a test or a developer does with them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Self

from ..calls import Transport, is_http_url
from ..errors import ConfigurationError
from ..forms import random_sid
from ..transports import HttpTransport
from .assembly import Parts
from .clocks import Clock, make_clock
from .context import Context
from .handsets import Handset
from .numbers import read_sender
from .profiles import find_profile
from .resources import Account, DebuggerEntry, IncomingNumber, Message
from .rest.request_log import LoggedRequest
from .seeds import Seed, Sower, read_seed
from .server import Certificates, Server
from .store import MEMORY, Condition, Store

if TYPE_CHECKING:
    from twilio.rest import Client

#: The account of an emulator that is told of none.
ACCOUNT_SID = "AC0123456789abcdef0123456789abcdef"
AUTH_TOKEN = "fedcba9876543210fedcba9876543210"  # noqa: S105  it opens nothing but an emulator
#: Requests that an account may have running at once, before 429.
CONCURRENCY = 100

#: What a state remembers beside its resources.
_NOW = "now"
_NAMES_SENDERS = "names senders"


class Emulator:
    """A Twilio on this machine: the REST API on a port, and the calls of webhooks; a context manager.

    ``state`` is a file that outlives it; ``seed`` a file, or what would be in it; ``clock`` is ``step`` (moved by
    ``advance`` and ``settle``), ``fast`` or ``real``; ``profile`` is ``current``, ``2014`` or ``2008``.

    Raises: ConfigurationError.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        state: str | Path = MEMORY,
        seed: str | Path | Seed | None = None,
        clock: str = "step",
        profile: str = "current",
        account_sid: str = "",
        auth_token: str = "",
        fetch: bool = False,
        tls: bool = False,
        concurrency: int = CONCURRENCY,
        transport: Transport | None = None,
        new_sid: Callable[[str], str] = random_sid,
        start: float | None = None,
    ) -> None:
        _require_tools()
        self.account_sid = account_sid or os.environ.get("TWILIO_ACCOUNT_SID") or ACCOUNT_SID
        self.auth_token = auth_token or os.environ.get("TWILIO_AUTH_TOKEN") or AUTH_TOKEN
        self._seed = read_seed(Path(seed)) if isinstance(seed, str | Path) else seed
        self._numbers: dict[str, IncomingNumber] = {}
        self._signing = ("", "")
        with ExitStack() as opened:  # closed again, if anything is refused
            self._store = Store(state)
            opened.callback(self._store.close)
            self._certificates = Certificates() if tls else None
            if self._certificates:
                opened.callback(self._certificates.remove)
            self._server = Server(host, port, self._certificates)
            opened.callback(self._server.stop)
            self.context = Context(
                store=self._store,
                clock=make_clock(clock, max(time.time() if start is None else start, self._store.read(_NOW))),
                profile=find_profile(profile),
                base_url=self._server.url,
                new_sid=new_sid,
                random=Random(self.account_sid),  # noqa: S311  the same disorder every time
                any_sender=self._takes_any_sender(state),
            )
            self._parts = Parts(
                self.context, transport or HttpTransport(), fetch=fetch, concurrency=concurrency, reset=self.reset
            )
            self._sow()
            opened.pop_all()

    def _takes_any_sender(self, state: str | Path) -> bool:
        """Tell whether every sender counts as owned: a seed with numbers says which do; a state goes on as it began.

        Raises: ConfigurationError, for a state of another account, and a seed for a state that began without.
        """
        names_senders = bool(self._seed and self._seed.get("numbers"))
        account = next((each for each in self._store.find(Account) if each.sid == each.account_sid), None)
        if account is None:
            self._store.write(_NAMES_SENDERS, names_senders)
            return not names_senders
        if account.sid != self.account_sid:
            raise ConfigurationError("state", f"{state} is that of {account.sid}: set TWILIO_ACCOUNT_SID to it")
        if names_senders and not self._store.read(_NAMES_SENDERS):
            raise ConfigurationError("seed", f"{state} began without it: leave the seed out, or name another state")
        return not self._store.read(_NAMES_SENDERS)

    def _sow(self) -> None:
        """Make the account, unless the state has it already, and what the seed names; a token may have changed."""
        known = self._store.get(Account, self.account_sid)
        if known:
            self._store.save(replace(known, auth_token=self.auth_token))
            return
        now = self.context.clock.now()
        self._store.save(
            Account(
                sid=self.account_sid,
                account_sid=self.account_sid,
                date_created=now,
                date_updated=now,
                auth_token=self.auth_token,
                friendly_name="Emulator",
            )
        )
        if self._seed is None:
            return
        try:
            Sower(self.context, self.account_sid).sow(self._seed)
        except ConfigurationError:  # a state without the account is one that the next seed counts for
            self._store.delete(Account, self.account_sid)
            raise

    def start(self) -> Self:
        """Serve, and let the clock run if it does so by itself."""
        self._parts.schedule.start()
        self._parts.delivery.resume()
        self._server.start(self._parts.api)
        return self

    def stop(self) -> None:
        """Stop serving; a state that is a file can be taken up again."""
        self._server.stop()
        self._parts.schedule.stop()
        self._store.write(_NOW, self.context.clock.now())
        self._store.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where clients reach it: scheme, host and port."""
        return self._server.url

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    @property
    def ca_file(self) -> Path | None:
        """The certificates that clients have to trust, with TLS."""
        return self._certificates.ca_file if self._certificates else None

    @property
    def clock(self) -> Clock:
        """The time of the emulator."""
        return self.context.clock

    def client(self) -> Client:
        """Return the official client of this account; every product of it comes here.

        Raises: ConfigurationError, where the library is not installed.
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
        """Take a number, or change what is named here of the one there is.

        Raises: ConfigurationError, for what is no number, or no http URL.
        """
        changes: dict[str, Any] = {
            "sms_url": _checked_url(message_url),
            "sms_method": method,
            "sms_fallback_url": _checked_url(fallback_url),
            "sms_fallback_method": fallback_method,
            "sms_application_sid": application_sid,
            "mms": mms,
        }
        known = self._number(_read_number(phone_number))
        number = replace(known, **{name: value for name, value in changes.items() if value is not None})
        self._numbers[number.sid] = number
        return self._store.save(number)

    def _number(self, digits: str) -> IncomingNumber:
        """Return a number of ours, or a new one."""
        now = self.context.clock.now()
        return self.context.find_number(digits) or IncomingNumber(
            sid=self.context.new_sid("PN"),
            account_sid=self.account_sid,
            date_created=now,
            date_updated=now,
            phone_number=digits,
            friendly_name=digits,
        )

    def sign_with(self, key_id: str, secret: str) -> None:
        """Sign webhooks with a shared key, by HMAC-SHA256, instead of the token."""
        self._signing = (key_id, secret)
        self._apply_signing()

    def _apply_signing(self) -> None:
        key_id, secret = self._signing
        account = self.context.account(self.account_sid)
        self._store.save(replace(account, signing_key=key_id, signing_secret=secret))

    def handset(self, number: str) -> Handset:
        """Return somebody's phone.

        Raises: ConfigurationError, for what is no number.
        """
        return Handset(
            self.context, self._parts.handsets, self._parts.receiving, self._parts.fetcher, _read_number(number)
        )

    @property
    def outbox(self) -> list[Message]:
        """What was sent from our numbers, the oldest first."""
        return self._store.find(Message, Condition("direction", "like", "outbound%"), oldest_first=True)

    @property
    def debugger(self) -> list[DebuggerEntry]:
        """What Twilio would complain about, the oldest first."""
        return self._parts.debugger.entries()

    @property
    def requests(self) -> list[LoggedRequest]:
        """The requests of clients, the oldest first."""
        return self._parts.log.all()

    def advance(self, seconds: float) -> None:
        """Move a clock that is stepped, and let happen what becomes due on the way."""
        self._parts.schedule.advance(seconds)

    def settle(self, timeout_s: float = 30.0) -> bool:
        """Bring everything to its end that is on its way, but what is scheduled; tells whether nothing is left."""
        return self._parts.schedule.settle(timeout_s)

    def fail_next(self, requests: int) -> None:
        """Answer the next requests to the REST API with 503."""
        self._parts.access.fail_next(requests)

    def watch(self, on_request: Callable[[LoggedRequest], None], on_entry: Callable[[DebuggerEntry], None]) -> None:
        """Tell of every request of a client, and of every entry of the debugger, as it happens."""
        self._parts.log.watcher, self._parts.debugger.watcher = on_request, on_entry

    def reset(self) -> None:
        """Begin anew, with the seed and the numbers that were added here."""
        self._parts.clear()
        self._store.clear()
        self._sow()
        if any(self._signing):
            self._apply_signing()
        for number in self._numbers.values():
            self._store.save(number)


def _require_tools() -> None:
    """Raises: ConfigurationError, where the extra ``dev`` is not installed."""
    if not find_spec("phonenumbers"):
        raise ConfigurationError("emulator", "it needs more than the receiver: pip install 'twiml-app[dev]'")


def _read_number(text: str) -> str:
    """Return a number as Twilio writes it.

    Raises: ConfigurationError.
    """
    address = read_sender(text)
    if address is None or address.kind == "name":
        raise ConfigurationError("number", f"{text!r} is no number: write it as +15558675310")
    return address.text


def _checked_url(url: str | None) -> str | None:
    """Return a URL that can be called, or an empty one.

    Raises: ConfigurationError.
    """
    if url and not is_http_url(url):
        raise ConfigurationError("number", "its URL begins with http:// or https://, and names a host")
    return url
