"""Random bytes on the wire of a gunicorn, and random requests for a receiver in this process.

Prints how often each status came, what the log must not have, and the memory and descriptors of the worker.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from tests.fuzz.raw_requests import raw_request
from tests.fuzz.wire import BASIC, SIGNATURE, TOKEN, Server, Tally, authorized_message, exchange, fuzz, served, statuses
from twiml_app import InboundMessage, Router, StatusCallback
from twiml_app.config import Settings
from twiml_app.errors import RequestRefused
from twiml_app.logs import logger
from twiml_app.receiver import Receiver
from twiml_app.signature import HEADER, sign
from twiml_app.webhook import WebhookRequest, read_form, signed_pairs

SETTINGS = {"basic": BASIC, "signature": SIGNATURE}
FORM = b"MessageSid=SM1&AccountSid=AC1&From=%2B15550001111&Body=menu"
#: The memory of a worker is settled after this share of the requests.
SETTLED = 0.1
ALLOWED_IN_PROCESS = {200, 204, 400, 401, 403, 413}


def main() -> None:
    """Run what the options ask for; exit with 1 if anything forbidden was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=0, help="raw requests over sockets")
    parser.add_argument("--in-process", type=int, default=0, help="requests for a receiver in this process")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    failed = [fuzz_wire(name, options.requests, options.seed) for name in SETTINGS if options.requests]
    failed += [fuzz_receiver(name, options.in_process, options.seed) for name in SETTINGS if options.in_process]
    sys.exit(any(failed))


def fuzz_wire(name: str, requests: int, seed: int) -> bool:
    """Send raw requests to one worker, print what came back, and return whether anything was forbidden."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), settings=SETTINGS[name]) as server:
        started = time.monotonic()
        tally = fuzz(server.port, seed, int(requests * SETTLED))
        before = usage(server)
        rest = fuzz(server.port, seed + 1, requests - int(requests * SETTLED))
        tally = Tally(tally.counts + rest.counts, tally.forbidden | rest.forbidden)
        answer = statuses(exchange(server.port, authorized_message(b"Content-Length: %d" % len(FORM), FORM)))
        alarming = server.alarming_lines()
        print(f"\n{name}: {requests} raw requests in {time.monotonic() - started:.0f} s, seed {seed}\n{tally.table()}")
        print(f"worker: {before} after {SETTLED:.0%}, {usage(server)} at the end")
        print(f"alarming lines in the log: {len(alarming)}; a valid message afterwards: {answer}")
    print(*tally.forbidden.items(), *alarming[:5], sep="\n")
    return bool(tally.forbidden or alarming or answer != [200])


def usage(server: Server) -> str:
    """Return the memory and the descriptors of the workers, as Linux reports them."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    memory = sum(resident_kb(Path(f"/proc/{child}/status").read_text()) for child in children)
    descriptors = sum(len(list(Path(f"/proc/{child}/fd").iterdir())) for child in children)
    return f"{memory / 1024:.1f} MiB and {descriptors} descriptors"


def resident_kb(status: str) -> int:
    """Return the resident memory in a status file of a process."""
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def fuzz_receiver(name: str, requests: int, seed: int) -> bool:
    """Hand random requests to a receiver, print the statuses, and return whether any was forbidden."""
    random, counts = Random(seed), Counter[int]()
    settings = Settings.read(SETTINGS[name])
    receiver, logger.disabled = Receiver(make_router(), settings), True
    started = time.monotonic()
    for _ in range(requests):
        request = webhook(random, settings)
        counts[receiver.handle(request).status] += 1
    print(f"\n{name}: {requests} requests in this process in {time.monotonic() - started:.0f} s, seed {seed}")
    print(*(f"{status:>3} {count:>8}" for status, count in sorted(counts.items())), sep="\n")
    return not counts.keys() <= ALLOWED_IN_PROCESS


def make_router() -> Router:
    """Return handlers that read every part of an event."""
    router = Router()

    @router.message("order <int:count> <item>")
    def order(message: InboundMessage, count: int, item: str) -> str:
        return f"{count} {item}"

    @router.status("delivered", "failed")
    def note(callback: StatusCallback) -> None:
        repr(callback)

    @router.default
    def other(message: InboundMessage) -> str:
        return repr(message)[:1000]

    return router


def webhook(random: Random, settings: Settings) -> WebhookRequest:
    """Return a random request as a server that checks nothing would hand it over, often with a valid signature."""
    head, _, body = raw_request(random).partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    method, target, *_ = [*line.decode("latin-1").split(" "), "", ""]
    headers = {}
    for each in fields:
        name, _, value = each.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    request = WebhookRequest(
        endpoint=random.choice(("message", "status", "fallback")),
        method=method if method in ("POST", "GET", "HEAD") else "POST",
        scheme="http",
        host=headers.get("host", ""),
        target=target if target.startswith("/") else "/message",
        headers=headers,
        body=body,
    )
    if settings.requires_signature and random.random() < 0.7:
        headers[HEADER.lower()] = signature(request, settings)
    return request


def signature(request: WebhookRequest, settings: Settings) -> str:
    """Return the signature of a request; empty if it has no form."""
    try:
        form = read_form(request, max_bytes=settings.max_body_bytes, max_fields=settings.max_fields)
    except RequestRefused:
        return ""
    return sign(request.called_url(), signed_pairs(request, form), TOKEN)


if __name__ == "__main__":
    main()
