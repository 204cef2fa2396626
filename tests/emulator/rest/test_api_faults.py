"""Faults of the REST API: refused, late, or cut off, with the official client and over plain HTTP."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException

import pytest
import requests
from twilio.base.exceptions import TwilioRestException

from tests.emulator.rest.asking import NUMBER, PHONE, Client, basic
from tests.servers import LIMIT_S
from twiml_app.emulator import Emulator, EmulatorOptions, Fault
from twiml_app.emulator.faults import MAX_SECONDS
from twiml_app.errors import ConfigurationError

TEXT = {"To": PHONE, "From": NUMBER, "Body": "hello"}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator that accepts any sender."""
    with Emulator() as running:
        yield running


def create(emulator: Emulator, to: str = PHONE) -> object:
    """Send a message with the official client."""
    return emulator.client().messages.create(to=to, from_=NUMBER, body="hello")


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        pytest.param("api-404", 404, 20404, id="404"),
        pytest.param("api-429", 429, 20429, id="429"),
        pytest.param("api-500", 500, 20500, id="500"),
        pytest.param("api-503", 503, 20503, id="503"),
        pytest.param("api-status", 502, 20502, id="502"),
    ],
)
def test_request_is_refused_and_not_carried_out(emulator: Emulator, kind: str, status: int, code: int) -> None:
    """A client has to try again after these, and may do so without a second message."""
    emulator.faults.add(Fault(kind, count=1))
    with pytest.raises(TwilioRestException) as refused:
        create(emulator)

    assert (refused.value.status, refused.value.code) == (status, code)
    assert emulator.outbox == []
    assert create(emulator)
    assert [(request.status, request.hints) for request in emulator.requests] == [
        (status, (f"this is the fault {kind}, which was asked for",)),
        (201, ()),
    ]


@pytest.mark.parametrize("status", [400, 401, 405, 418, 500, 599])
def test_any_status_can_be_asked_for(emulator: Emulator, status: int) -> None:
    """Proxies and gateways have their own."""
    emulator.faults.add(Fault("api-status", status=status, count=1))
    with pytest.raises(TwilioRestException) as refused:
        create(emulator)

    assert (refused.value.status, refused.value.code) == (status, 20_000 + status)
    assert emulator.outbox == []


@pytest.mark.parametrize(
    ("kind", "sent"), [pytest.param("api-cut-before", 0, id="before"), pytest.param("api-cut-after", 1, id="after")]
)
def test_connection_is_cut_before_or_after_the_request_is_carried_out(emulator: Emulator, kind: str, sent: int) -> None:
    """A client cannot know which of the two it was: whoever just tries again may send twice."""
    emulator.faults.add(Fault(kind, count=1))
    with pytest.raises(requests.ConnectionError):
        create(emulator)

    assert len(emulator.outbox) == sent
    assert [(request.method, request.status) for request in emulator.requests] == [("POST", 0)]
    assert create(emulator)


@pytest.mark.parametrize("head", [b"Connection: close\r\n", b"", b"Transfer-Encoding: chunked\r\n"])
def test_connection_ends_without_a_byte(emulator: Emulator, head: bytes) -> None:
    """However a client sends its request, it gets no part of an answer, and does not wait for one."""
    emulator.faults.add(Fault("api-cut-after", count=1))
    authorization = basic(emulator.account_sid, emulator.auth_token).encode()
    body = b"0\r\n\r\n" if b"chunked" in head else b""
    target = f"/2010-04-01/Accounts/{emulator.account_sid}/Messages.json".encode()
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=LIMIT_S) as connection:
        connection.sendall(
            b"GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: %s\r\n%s\r\n%s" % (target, authorization, head, body)
        )
        answer = connection.recv(1)

    assert answer == b""


def test_refused_request_is_cut_too(emulator: Emulator) -> None:
    """The client does not learn that its request was wrong."""
    emulator.faults.add(Fault("api-cut-after", count=1))
    with pytest.raises(ConnectionError):
        Client(emulator).post("Messages.json", {})

    assert [(request.status, request.code) for request in emulator.requests] == [(0, 21604)]


def test_answer_is_late(emulator: Emulator) -> None:
    """A client that gives up waiting cannot know either whether its message was sent."""
    emulator.faults.add(Fault("api-slow", count=1, seconds=0.05))
    began = time.monotonic()

    assert create(emulator)
    assert time.monotonic() - began >= 0.05


def test_stop_does_not_wait_for_a_late_answer() -> None:
    """A test ends when it is done."""
    emulator = Emulator(EmulatorOptions()).start()
    emulator.faults.add(Fault("api-slow", seconds=MAX_SECONDS))
    client = Client(emulator)

    def send() -> None:
        with suppress(HTTPException, OSError):  # the answer is sent or the connection closed, whichever is first
            client.post("Messages.json", TEXT)

    sending = threading.Thread(target=send, daemon=True)
    sending.start()
    while not emulator.outbox:
        time.sleep(0.001)
    began = time.monotonic()
    emulator.stop()
    sending.join(MAX_SECONDS)

    assert not sending.is_alive()
    assert time.monotonic() - began < MAX_SECONDS


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        pytest.param(Fault("api-503", contact="555 867 5310"), [503, 201, 200], id="contact"),
        pytest.param(Fault("api-503", number="+15017122662"), [201, 201, 200], id="another number"),
        pytest.param(Fault("api-503", path="GET"), [201, 201, 503], id="reading"),
        pytest.param(Fault("api-503", path="POST"), [503, 503, 200], id="writing"),
        pytest.param(Fault("api-503", account_sid="AC0123456789abcdef0123456789abcdef"), [503] * 3, id="account"),
        pytest.param(Fault("api-503", account_sid="AC" + "2" * 32), [201, 201, 200], id="another account"),
    ],
)
def test_fault_can_be_for_some_requests(emulator: Emulator, fault: Fault, statuses: list[int]) -> None:
    """Sending fails while reading still works, or for one recipient only."""
    client = Client(emulator)
    emulator.faults.add(fault)
    replies = [
        client.post("Messages.json", TEXT),
        client.post("Messages.json", {**TEXT, "To": "+15558675311"}),
        client.get("Messages.json"),
    ]

    assert [reply.status for reply in replies] == statuses


def test_faults_end_with_a_reset(emulator: Emulator) -> None:
    """The next test starts without them."""
    emulator.faults.add("api-503")
    emulator.reset()

    assert create(emulator)
    assert emulator.faults.all() == []


def test_unknown_fault_is_refused(emulator: Emulator) -> None:
    """A misspelled fault that is accepted would make its test pass for nothing."""
    with pytest.raises(ConfigurationError, match="'api-504' is not one of"):
        emulator.faults.add("api-504")
