"""Sends recorded exchanges again, signed and authenticated for their destination, and compares the answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from ..caller import Caller, CookieJar, OutgoingRequest, Session, Transport, Webhook, target_of
from ..errors import CallError
from ..events import TOKEN_PARAMETER
from ..exchanges import Exchange
from ..receiver import EFFECTS_HEADER, REPLAY_HEADER, ReplayProofs
from ..webhook import Endpoint, Form, WebhookResponse
from .comparison import differences, effect_differences, with_host_of
from .url_secrets import without_secrets


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of sending an exchange: the answer, whatever its status."""

    response: WebhookResponse
    #: The URL that answered, without credentials.
    url: str = ""
    #: Lines that may explain a difference, such as the exception of a handler.
    notes: tuple[str, ...] = ()


#: Sends one exchange.
#:
#: Raises: CallError, if there is no answer.
SendExchange = Callable[[Exchange], Sent]


@dataclass(frozen=True, slots=True)
class Replayed:
    """An exchange that was sent again: the new answer, and its differences from the recorded one."""

    exchange: Exchange
    answer: WebhookResponse | None
    #: The lines of a diff, and notes that explain it.
    differences: tuple[str, ...]
    #: The URL that answered.
    url: str = ""
    #: What the handlers asked for now.
    effects: tuple[Mapping[str, Any], ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether the new answer agrees with the recorded one."""
        return not self.differences

    def updated(self) -> Exchange:
        """Return the exchange with the new answer if it differs, without secrets and on the recorded host."""
        if self.agrees or self.answer is None:
            return self.exchange
        body = without_secrets(self.answer.body.decode("utf-8", "replace"))
        body = with_host_of(self.exchange.url, body, answered_url=self.url)
        effects = None if self.exchange.effects is None else self.effects
        return replace(self.exchange, answer=replace(self.answer, body=body.encode()), effects=effects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """The application that exchanges are sent to: its paths, under a base URL that may contain credentials."""

    base_url: str
    paths: Mapping[Endpoint, str]
    #: The account to send instead of the recorded one; empty to send the recorded one.
    account_sid: str = ""

    def send(self, caller: Caller, exchange: Exchange, session: Session | None = None) -> Sent:
        """Send an exchange to its URL at this application; a session keeps the login.

        Raises: CallError, if there is no answer.
        """
        form = exchange.form
        if self.account_sid:
            pairs = [(name, self.account_sid if name == "AccountSid" else value) for name, value in form.pairs]
            form = Form(pairs)
        webhook = Webhook(url=self._url(exchange), method=exchange.method)
        try:
            call = caller.call(webhook, form, session=session)
        except CallError as error:
            if not error.status:
                raise
            answer = WebhookResponse(status=error.status, content_type=error.content_type, body=error.body)
            return Sent(answer, error.url)
        return Sent(call.response, call.url)

    def _url(self, exchange: Exchange) -> str:
        query = urlsplit(exchange.url).query if exchange.method == "POST" else ""
        kept = [pair for pair in Form.read(query, max_fields=500, strict=False).pairs if pair[0] != TOKEN_PARAMETER]
        path = self.paths[exchange.endpoint]
        return f"{self.base_url}{path}{'?' + urlencode(kept) if kept else ''}#rc=0"


class ProvingTransport:
    """Sends each request with a proof that it is a replay, made with the key of its application."""

    def __init__(self, transport: Transport, proofs: ReplayProofs) -> None:
        self._transport = transport
        self._proofs = proofs

    def __call__(self, request: OutgoingRequest) -> WebhookResponse:
        """Send a request.

        Raises: whatever the transport raises.
        """
        proof = self._proofs.make(request.method, target_of(urlsplit(request.url)), request.body)
        return self._transport(replace(request, headers=(*request.headers, (REPLAY_HEADER, proof))))


class Sender:
    """Sends exchanges with one caller, so that cookies are kept per contact and number.

    Cookies expire by the recorded times, as they did when the exchanges were recorded. Each thread logs in only once.
    """

    def __init__(self, destination: Destination, new_caller: Callable[[CookieJar], Caller]) -> None:
        self._destination = destination
        self._now = 0.0
        self._of_thread = threading.local()
        self._caller = new_caller(CookieJar(lambda: self._now))

    def __call__(self, exchange: Exchange) -> Sent:
        """Send an exchange.

        Raises: CallError, if there is no answer.
        """
        self._now = exchange.received_at
        session = vars(self._of_thread).setdefault("session", Session())
        return self._destination.send(self._caller, exchange, session)


def replay(
    exchanges: Sequence[Exchange],
    send: SendExchange,
    *,
    pace: float = 0.0,
    parallel: int = 1,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[Replayed]:
    """Send exchanges in order, and yield their results in the same order.

    ``pace`` keeps the recorded intervals: 1 as recorded, 10 ten times as fast, 0 as fast as possible. ``parallel`` is
    the number of exchanges that are sent at once.
    """
    if parallel == 1:
        yield from (_send_one(exchange, send) for exchange in _paced(exchanges, pace, sleep))
        return
    with ThreadPoolExecutor(parallel) as pool:
        pending = [pool.submit(_send_one, exchange, send) for exchange in _paced(exchanges, pace, sleep)]
        yield from (future.result() for future in pending)


def _paced(exchanges: Sequence[Exchange], pace: float, sleep: Callable[[float], object]) -> Iterable[Exchange]:
    before = exchanges[0].received_at if exchanges else 0.0
    for exchange in exchanges:
        gap = exchange.received_at - before
        before = max(before, exchange.received_at)
        if pace and gap > 0:
            sleep(gap / pace)
        yield exchange


def _send_one(exchange: Exchange, send: SendExchange) -> Replayed:
    try:
        sent = send(exchange)
    except CallError as error:
        return Replayed(exchange, None, (f"no answer: {error.problem}",))
    urls = {"recorded_url": exchange.url, "answered_url": sent.url}
    found, effects = differences(exchange.answer, sent.response, **urls), _effects_of(sent.response)
    if exchange.effects is not None:  # a file of schema 1 does not say what was asked for
        found += effect_differences(exchange.effects, effects, **urls)
    return Replayed(exchange, sent.response, (*found, *(sent.notes if found else ())), sent.url, effects)


def _effects_of(response: WebhookResponse) -> tuple[Mapping[str, Any], ...]:
    """Return what a replayed handler asked for; nothing if the header is missing or not ours."""
    try:
        effects = json.loads(response.header(EFFECTS_HEADER) or "[]")
    except ValueError:
        return ()
    return tuple(each for each in effects if isinstance(each, dict)) if isinstance(effects, list) else ()
