"""Twilio's REST API through the official library: one call for each attempt, and what its answer means."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import urlsplit

from ..addresses import is_service
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from ..config import Settings
    from ..journal import SendRow

#: How long one call may take until it is connected, and between two parts of the answer, in seconds.
TIMEOUT_S = 15.0
#: Twilio's limits of a ValidityPeriod, in seconds.
_MAX_VALIDITY_S = 36_000
#: An idle connection is not used again after this time, in seconds: the other side may have closed it.
_IDLE_CONNECTION_S = 5.0
#: Too many requests at once, and a full queue of the sender: both pass, https://www.twilio.com/docs/api/errors.
_BUSY_CODES = (20429, 21611)
_HINT = "it needs the official library: pip install 'twiml-app[send]'"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one call.

    ``accepted``; ``failed`` for good; ``busy``, to be tried again after ``wait_s``; ``not sent``, to be tried again;
    ``unknown`` if there may be a message.
    """

    kind: Literal["accepted", "failed", "busy", "not sent", "unknown"]
    message_sid: str = ""
    #: MessageStatus.
    status: str = ""
    error_code: int | None = None
    problem: str = ""
    #: How long Twilio asks to wait, in seconds; 0 if it does not say.
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message in Twilio's list."""

    sid: str
    to: str
    from_: str
    service: str
    body: str
    #: In seconds since 1970, without fractions.
    created_at: float


class Api(Protocol):
    """What the dispatcher needs of Twilio."""

    def require(self) -> None:
        """Check that messages can be sent.

        Raises: ConfigurationError.
        """

    def create(self, row: SendRow, status_url: str, now: float) -> Answer:
        """Create a message; nothing makes this raise."""

    def messages_to(self, row: SendRow) -> list[SentMessage]:
        """Return the latest messages to the contact of a send.

        Raises: OSError, if Twilio does not answer with a list.
        """


class TwilioApi:
    """Calls the API of ``TWIML_API_URL`` with the credentials of each message's account.

    ``timeout_s`` is how long one call may take until it is connected, and between two parts of the answer.
    """

    def __init__(
        self, settings: Settings, monotonic: Callable[[], float] = time.monotonic, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._timeout_s = timeout_s
        self._local = threading.local()

    def require(self) -> None:
        """Check that the official library is installed.

        Raises: ConfigurationError.
        """
        try:
            import twilio.rest  # noqa: F401
        except ImportError as error:
            raise ConfigurationError("send", _HINT) from error

    def create(self, row: SendRow, status_url: str, now: float) -> Answer:
        """Create a message; nothing makes this raise."""
        account, token = credentials_of(row.account, self._settings)
        if not token:
            named = f" of {account}" if account else ""
            problem = f"there is no token{named}: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or TWIML_AUTH_TOKENS"
            return Answer("failed", problem=problem)
        client, http = self._client(account, token)
        try:
            url = status_url if _can_call(self._settings.api_url, status_url) else ""
            message = client.messages.create(**_parameters(row, url, now))
            return Answer("accepted", str(message.sid), str(message.status)) if message.sid else _NO_SID
        except Exception as error:
            return answer_of(error, http.retry_after)

    def messages_to(self, row: SendRow) -> list[SentMessage]:
        """Return the latest messages to the contact of a send.

        Raises: OSError, if Twilio does not answer with a list.
        """
        client, _ = self._client(*credentials_of(row.account, self._settings))
        try:
            return [_sent_message(each) for each in client.messages.list(to=row.contact, limit=200, page_size=200)]
        except Exception as error:  # whatever it is, there is no list
            raise OSError(f"the messages at Twilio cannot be listed: {type(error).__name__}") from error

    def _client(self, account: str, token: str) -> tuple[Any, Any]:
        """Return the client of this thread for an account, and its connections."""
        from .http_client import ToApi

        clients: dict[object, tuple[Any, Any]] = self._local.__dict__.setdefault("clients", {})
        key = os.getpid(), account, token  # connections are not shared with a forked child
        if key not in clients:
            from twilio.rest import Client

            http = ToApi(self._settings.api_url, _quiet_logger(), self._timeout_s)
            clients[key] = Client(account, token, http_client=http), http
        client, http = clients[key]
        http.close_if_idle(self._monotonic(), _IDLE_CONNECTION_S)
        return client, http


_NO_SID = Answer("unknown", problem="the answer of the API has no sid")


def credentials_of(account: str, settings: Settings) -> tuple[str, str]:
    """Return the account that sends and its token; an empty token if there is none."""
    sid = account or settings.account_sid or next((each for each in settings.auth_tokens if each), "")
    return sid, next(iter(settings.tokens_for(sid)), "") if sid else ""


def can_send(settings: Settings, account: str = "") -> bool:
    """Return whether messages can be sent: the token of the account, or any, is set, and the library installed."""
    return bool(settings.tokens_for(account)) and find_spec("twilio") is not None  # the import would take long


def _can_call(api_url: str, status_url: str) -> bool:
    """Return whether the API can call a URL: Twilio refuses messages whose status URL is on this machine (21609)."""
    local = ("localhost", "127.0.0.1", "::1")
    return urlsplit(status_url).hostname not in local or urlsplit(api_url).hostname in local


def _parameters(row: SendRow, status_url: str, now: float) -> dict[str, Any]:
    """Return the parameters of a message, https://www.twilio.com/docs/messaging/api/message-resource."""
    sender = "messaging_service_sid" if is_service(row.number) else "from_"
    parameters: dict[str, Any] = {"to": row.contact, sender: row.number}
    given = {
        "body": row.body,
        "media_url": json.loads(row.media),
        "content_sid": row.template,
        "content_variables": row.variables,
        "status_callback": status_url,
    }
    parameters |= {name: value for name, value in given.items() if value}
    if row.expires_at is not None and (left_s := int(row.expires_at - now)) < _MAX_VALIDITY_S:
        parameters["validity_period"] = max(1, left_s)
    return parameters


def _sent_message(message: Any) -> SentMessage:
    created = message.date_created.timestamp() if message.date_created else 0.0
    service = message.messaging_service_sid or ""
    return SentMessage(message.sid, message.to or "", message.from_ or "", service, message.body or "", created)


def answer_of(error: Exception, retry_after: str = "") -> Answer:
    """Return what an exception of the official library means for the message."""
    status, code = getattr(error, "status", None), getattr(error, "code", None)
    if not isinstance(status, int):
        is_sent = not any(_happened_before_sending(each) for each in _causes(error))
        return Answer("unknown" if is_sent else "not sent", problem=f"the API was not reached: {type(error).__name__}")
    known = code if isinstance(code, int) and code != status else None
    said = f"{getattr(error, 'msg', '')}".removeprefix("Unable to create record: ")
    problem = f"the API answered {status}: {said}"
    if status == 429 or known in _BUSY_CODES:
        return Answer("busy", error_code=known, problem=problem, wait_s=_seconds(retry_after))
    if status >= 500:
        return Answer("not sent", error_code=known, problem=problem)
    return Answer("unknown" if status < 400 or status == 408 else "failed", error_code=known, problem=problem)


def _seconds(retry_after: str) -> float:
    """Return the seconds of a Retry-After header, at most an hour; 0 for a date, and without one."""
    return min(float(retry_after), 3600.0) if retry_after.isascii() and retry_after.isdigit() else 0.0


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, and those that it was made of."""
    pending: list[Any] = [error]
    seen: set[int] = set()
    while pending:
        each = pending.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            pending += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]


def _happened_before_sending(error: BaseException) -> bool:
    """Return whether an exception means that no connection was made, so that nothing was sent."""
    from ssl import SSLCertVerificationError

    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    refused = (NewConnectionError, ConnectTimeoutError, ConnectionRefusedError, SSLCertVerificationError)
    return isinstance(error, refused)


def _quiet_logger() -> logging.Logger:
    """Return a logger that drops everything: the library would log numbers and texts."""
    quiet = logging.getLogger("twiml_app.api")
    quiet.disabled = True
    return quiet
