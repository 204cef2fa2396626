"""No bytes on the wire lead to a server error, a traceback, or a worker that dies."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from tests.fuzz.raw_requests import whole
from tests.fuzz.wire import ALLOWED, BASIC, SIGNATURE, Server, authorized_message, exchange, fuzz, served, statuses

pytestmark = pytest.mark.slow

REQUESTS, SEED = 1500, 20


@pytest.fixture(scope="module", params=[pytest.param(BASIC, id="basic"), pytest.param(SIGNATURE, id="signature")])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gunicorn with one worker, for each way to authenticate."""
    with served(tmp_path_factory.mktemp("fuzz"), settings=request.param) as running:
        yield running


def test_random_bytes_get_only_the_answers_of_the_table(server: Server) -> None:
    """Whoever finds the URL can send anything, before any authentication."""
    tally = fuzz(server.port, SEED, REQUESTS)
    print(tally.table())

    assert tally.forbidden == {}
    assert {200, 400, 404, 405, 417, 431, 501} <= tally.counts.keys(), "the requests are not strange enough"
    assert server.alarming_lines() == []


@pytest.mark.parametrize("seed", [pytest.param(4, id="length"), pytest.param(8, id="chunks")])
def test_request_may_be_cut_off_at_every_byte(server: Server, seed: int) -> None:
    """A sender may hang up at any moment."""
    raw = whole(Random(seed))
    seen = {status for end in range(len(raw)) for status in statuses(exchange(server.port, raw[:end]))}

    assert seen <= ALLOWED.keys()
    assert server.alarming_lines() == []


@pytest.mark.parametrize("resets", [False, True], ids=["ends", "resets"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"zz\r\nBody=a\r\n0\r\n\r\n", id="size"),
        pytest.param(b"6;\x00\r\nBody=a\r\n0\r\n\r\n", id="extension"),
        pytest.param(b"6\r\nBody=axx0\r\n\r\n", id="end of a chunk"),
        pytest.param(b"6\r\nBody=a\r\n0\r\nA b\r\n\r\n", id="trailer"),
        pytest.param(b"6\r\nBody=a\r\n0\r\nA: b\n\r\n\r\n", id="end of a trailer"),
        pytest.param(b"6\r\nBo", id="cut off"),
    ],
)
def test_malformed_chunks_are_refused_and_the_connection_is_closed(server: Server, body: bytes, resets: bool) -> None:
    """After a malformed body nobody knows where the next request starts."""
    message = authorized_message(b"Transfer-Encoding: chunked", body)
    received = exchange(server.port, message + authorized_message(b"Content-Length: 0", b""), resets=resets)

    assert resets or statuses(received) == [400]
    assert resets or b"\r\nConnection: close\r\n" in received
    assert resets or received.endswith(b"\r\n\r\nthe body is cut off or malformed\n")
    assert server.alarming_lines() == []


def test_valid_message_is_answered_after_everything_else(server: Server) -> None:
    """A worker that lost its threads would pass every other test."""
    form = b"MessageSid=SM1&AccountSid=AC1&From=%2B15550001111&To=%2B15550002222&Body=menu"
    length = b"Content-Length: %d" % len(form)
    received = exchange(server.port, authorized_message(length, form))

    assert statuses(received) == [200]
    assert b"<Response>" in received
