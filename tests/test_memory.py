"""Memory: nothing that a request contains stays in the process after its answer."""

from __future__ import annotations

import gc
import logging
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from twiml_app import InboundMessage, Router
from twiml_app.app import build_app
from twiml_app.caller.forms import inbound_form
from twiml_app.served_app import in_process
from twiml_app.webhook import Form

#: It drives many requests.
pytestmark = pytest.mark.slow

SETTINGS = {"TWIML_CREDENTIALS": "sms:quite-long-enough", "TWIML_DATABASE_URL": "off", "TWIML_LOOP_LIMIT": "1000000"}
REQUESTS = 2_000
#: The requests that fill caches and lists with a limit.
FIRST = 1_000
LONG = 2_000
#: If every request left one of its values, it would be ten times as much.
MOST_BYTES = 200_000


def answer(message: InboundMessage, item: str) -> str:
    """Answer an order."""
    return f"{len(item)} characters for {len(message.from_)}"


def grown(act: Callable[[int], object]) -> int:
    """Return how many bytes remain after the later ones of many requests."""
    tracemalloc.start()
    try:
        for number in range(FIRST):
            act(number)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(FIRST, REQUESTS):
            act(number)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


@pytest.mark.filterwarnings("ignore:.* is not a MessageStatus")
def test_memory_does_not_grow_with_the_number_of_requests(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A worker that grows with every distinct value is killed after some days, in the middle of an answer."""
    caplog.set_level(logging.CRITICAL, logger="twiml_app")
    router = Router()
    router.message("order <item> now")(answer)
    target, transport = in_process(build_app(SETTINGS, tmp_path, router=router))
    # Segments are counted once: for each text that would take longer than the request.
    usual = dict(inbound_form("order x now", account_sid=target.account_sid).pairs)
    message_caller, webhook, status_url = (
        target.caller(transport),
        target.webhook("/message"),
        target.webhook("/status"),
    )

    def send(number: int) -> None:
        long = f"{number}x" + "y" * LONG
        sid = {"MessageSid": f"SM{number:032x}"}
        if number % 2:
            body = f"order {long} now" if number % 4 == 1 else long
            message_caller.call(webhook, Form((usual | sid | {"Body": body, "From": f"+1{number:010}"}).items()))
        else:
            status = sid | {"MessageStatus": long, "AccountSid": target.account_sid}
            message_caller.call(status_url, Form(status.items()))

    assert grown(send) < MOST_BYTES
