"""The log of requests to the REST API, and of their responses."""

from __future__ import annotations

import pytest

from tests.emulator.rest.asking import NUMBER, START, Client, basic
from twiml_app.emulator import ACCOUNT_SID, AUTH_TOKEN, Emulator
from twiml_app.emulator.rest.request_log import MAX_REQUESTS, LoggedRequest, RequestLog

BASE = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
RIGHT = basic(ACCOUNT_SID, AUTH_TOKEN)


def test_log_has_the_requests_and_their_results(emulator: Emulator, client: Client) -> None:
    """Entries are in the order of the requests, with the emulator's time."""
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


def test_log_has_only_requests_of_clients(emulator: Emulator, client: Client) -> None:
    """Otherwise reading the log would change it."""
    client.get("/_emulator/requests")
    client.post("/_emulator/clock", {"Settle": "true"})

    assert emulator.requests == []


def test_log_has_no_credentials(emulator: Emulator, client: Client) -> None:
    """The log is shown in a terminal."""
    client.text()

    assert AUTH_TOKEN not in repr(emulator.requests)


def test_log_drops_the_oldest_entries() -> None:
    """An app that polls all night must not fill the memory."""
    log = RequestLog()
    for n in range(MAX_REQUESTS + 1):
        log.add(LoggedRequest(date=float(n), method="GET", path="/", status=200))

    assert [len(log.all()), log.all()[0].date] == [MAX_REQUESTS, 1.0]


def test_watcher_is_called_with_every_request() -> None:
    """The command line prints them as they arrive."""
    seen: list[LoggedRequest] = []
    log = RequestLog()
    first, second = (LoggedRequest(date=0.0, method="GET", path=path, status=200) for path in ("/1", "/2"))
    log.add(first)
    log.watcher = seen.append
    log.add(second)
    log.clear()

    assert (seen, log.all()) == ([second], [])


def test_exception_in_the_watcher_does_not_affect_the_response(
    emulator: Emulator, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The terminal that the watcher writes to may be closed."""

    def fail(request: LoggedRequest) -> None:
        raise BrokenPipeError("nobody reads")

    emulator.watch(fail, print, print)

    assert client.get("Messages.json").status == 200
    assert len(emulator.requests) == 1
    assert "BrokenPipeError: nobody reads" in caplog.text


LONG = "x" * 5000


def test_log_repeats_only_the_start_of_long_values(emulator: Emulator, client: Client) -> None:
    """A thousand requests of a megabyte each would need a gigabyte."""
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
        f"_method is {cut}: it must be PUT or DELETE",
        f"{cut} is not a parameter of a message",
    )
    assert [request.message for request in emulator.requests[1:]] == [
        f"The 'To' number {cut} is not a valid phone number.",
        f"The requested resource {f'{BASE}/Messages/{LONG}'[:197]}... was not found",
        f"Method not allowed: {'X' * 57}...",
    ]
    assert emulator.requests[3].method == f"{'X' * 57}..."
