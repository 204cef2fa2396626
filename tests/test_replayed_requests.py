"""Replays over HTTP: only a command with the application's key runs a handler again."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask

from tests.cli.projects import served
from tests.recordings.exchanges import exchange
from tests.servers import LIMIT_S
from tests.webhook_requests import BASIC, SIGNED, TOKEN
from twiml_app import InboundMessage, Router
from twiml_app.app import Twiml
from twiml_app.caller import Caller, HttpTransport, OutgoingRequest, Transport
from twiml_app.config import Settings
from twiml_app.receiver import REPLAY_HEADER, ReplayProofs
from twiml_app.recordings import Destination, ProvingTransport, Sender, replay
from twiml_app.webhook import WebhookResponse


class Shop:
    """An application with a journal, served over HTTP, and the requests that were captured on the way to it."""

    def __init__(self, folder: Path) -> None:
        self.orders: list[bool] = []
        self.captured: list[OutgoingRequest] = []
        self.app = Flask("shop")
        self.app.config.update(BASIC | SIGNED | {"TWIML_DATABASE_URL": f"sqlite:///{folder}/twiml.db"})
        router = Router()

        @router.default
        def order(message: InboundMessage) -> str:
            self.orders.append(message.replayed)
            return f"order {len(self.orders)}"

        Twiml(self.app, router=router)

    def capture(self, request: OutgoingRequest) -> WebhookResponse:
        """Send a request, and keep a copy."""
        self.captured.append(request)
        return HttpTransport()(request)

    def call(self, url: str, wrap: Callable[[Transport], Transport] = lambda transport: transport) -> None:
        """Send a recorded order to the application, as Twilio or as the command does."""
        destination = Destination(base_url=url, paths=Settings.read(BASIC).paths)
        transport = wrap(self.capture)
        (result,) = replay([exchange()], Sender(destination, lambda _: Caller(transport, token=TOKEN)))
        assert result.answer


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return a shop without orders."""
    return Shop(tmp_path)


def send(request: OutgoingRequest, **headers: str) -> tuple[int, bytes]:
    """Send a captured request again, over a connection of its own."""
    parts = urlsplit(request.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=LIMIT_S)
    given = dict(request.headers) | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(request.method, parts.path, request.body, given)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


def test_captured_request_with_the_header_runs_no_handler_again(shop: Shop) -> None:
    """Somebody who captured one order of a customer could otherwise order without end."""
    with served(shop.app) as url:
        shop.call(url)
        answers = [send(shop.captured[-1], X_Twiml_Replay="1") for _ in range(50)]

    assert shop.orders == [False]
    assert {status for status, _ in answers} == {200}
    assert len({body for _, body in answers}) == 1


def test_captured_replay_runs_no_handler_again_past_the_journal(shop: Shop) -> None:
    """The proof of a replay is used up: sent again, the request is the event itself, which is handled once."""
    key = ReplayProofs(Settings.read(BASIC | SIGNED).secret_keys)
    with served(shop.app) as url:
        shop.call(url, lambda transport: ProvingTransport(transport, key))
        proven = shop.captured[-1]
        answers = [send(proven) for _ in range(50)]

    assert REPLAY_HEADER in dict(proven.headers)
    assert shop.orders == [True, False]
    assert {status for status, _ in answers} == {200}
