"""The log of the requests to the REST API: what was asked, and how it was answered."""

from __future__ import annotations

import pytest

from tests.emulator.rest.asking import NUMBER, START, Client, basic
from twiml_app.emulator import ACCOUNT_SID, AUTH_TOKEN, Emulator
from twiml_app.emulator.rest.request_log import MAX_REQUESTS, LoggedRequest, RequestLog

BASE = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
RIGHT = basic(ACCOUNT_SID, AUTH_TOKEN)


def test_log_says_what_was_asked_and_answered(emulator: Emulator, client: Client) -> None:
    """In the order of the requests, and with the time of the emulator."""
    client.get("Messages.json?PageSize=2&To=")
    emulator.advance(5)
    client.post("Messages", {"From": NUMBER})

    assert emulator.requests == [
        LoggedRequest(date=START, method="GET", path=f"{BASE}/Messages.json?PageSize=2&To=", status=200),
        LoggedRequest(
            date=START + 5,
            method="POST",
            path=f"{BASE}/Messages",
            status=400,
            code=21604,
            message="A 'To' phone number is required.",
        ),
    ]


def test_log_is_of_clients_alone(emulator: Emulator, client: Client) -> None:
    """Whoever looks at the log would find himself in it."""
    client.get("/_emulator/requests")
    client.post("/_emulator/clock", {"Settle": "true"})

    assert emulator.requests == []


def test_log_names_no_credentials(emulator: Emulator, client: Client) -> None:
    """It is shown on a terminal."""
    client.text()

    assert AUTH_TOKEN not in repr(emulator.requests)


def test_log_forgets_the_oldest() -> None:
    """A program that polls all night must not fill the machine."""
    log = RequestLog()
    for n in range(MAX_REQUESTS + 1):
        log.add(LoggedRequest(date=float(n), method="GET", path="/", status=200))

    assert [len(log.all()), log.all()[0].date] == [MAX_REQUESTS, 1.0]


def test_watcher_is_told_of_every_request() -> None:
    """The command line shows them as they come."""
    seen: list[LoggedRequest] = []
    log = RequestLog()
    first, second = (LoggedRequest(date=0.0, method="GET", path=path, status=200) for path in ("/1", "/2"))
    log.add(first)
    log.watcher = seen.append
    log.add(second)
    log.clear()

    assert (seen, log.all()) == ([second], [])


def test_watcher_that_fails_is_in_nobodys_way(
    emulator: Emulator, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The terminal that it writes to may be gone."""

    def fail(request: LoggedRequest) -> None:
        raise BrokenPipeError("nobody reads")

    emulator.watch(fail, print, print)

    assert client.get("Messages.json").status == 200
    assert len(emulator.requests) == 1
    assert "BrokenPipeError: nobody reads" in caplog.text


LONG = "x" * 5000


def test_log_repeats_only_the_beginning_of_what_is_long(emulator: Emulator, client: Client) -> None:
    """A thousand requests of a megabyte each would be a gigabyte."""
    client.send("POST", f"{BASE}/Messages.json?_method={LONG}", f"{LONG}=1".encode(), {"Authorization": RIGHT})
    client.post("Messages.json", {"To": LONG, "From": NUMBER, "Body": "hello"})
    client.get(f"Messages/{LONG}")
    client.request(LONG.upper(), "Messages.json")
    cut = f"{'x' * 57}..."

    assert [request.path for request in emulator.requests] == [
        f"{BASE}/Messages.json?_method={LONG}"[:1997] + "...",
        f"{BASE}/Messages.json",
        f"{BASE}/Messages/{LONG}"[:1997] + "...",
        f"{BASE}/Messages.json",
    ]
    assert emulator.requests[0].hints == (
        f"_method is {cut}: it is PUT or DELETE",
        f"{cut} is no parameter of a message",
    )
    assert [request.message for request in emulator.requests[1:]] == [
        f"The 'To' number {cut} is not a valid phone number.",
        f"The requested resource {f'{BASE}/Messages/{LONG}'[:197]}... was not found",
        f"Method not allowed: {'X' * 57}...",
    ]
    assert emulator.requests[3].method == f"{'X' * 57}..."
