"""10,000 messages through the emulator: sent by REST, queued at one per second, delivered by a stepped clock.

    python -m benchmarks.emulator [MESSAGES]

The limits are 60 seconds for 10,000 messages, and memory that does not grow with their number: the state is a file.
It prints one line per way of sending; ``ratio`` is the time divided by the limit, so below 1 is within it.
"""

from __future__ import annotations

import base64
import http.client
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from twiml_app.emulator import Emulator, EmulatorOptions
from twiml_app.webhook import FORM_TYPE

MESSAGES = 10_000
SENDERS = 10
LIMIT_S_PER_MESSAGE = 60 / 10_000
#: A run that takes longer hangs.
LIMIT_S = 3600


class _Silent(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


def main(messages: int) -> None:
    """Send, deliver, and print time and memory."""
    print(f"{messages} messages from {SENDERS} numbers")
    for name, with_status in (("no status callback", False), ("a callback per status", True)):
        with (
            tempfile.TemporaryDirectory() as folder,
            sink() as sink_url,
            Emulator(EmulatorOptions(state=Path(folder) / "state.db")) as emulator,
        ):
            measure(emulator, name, messages, sink_url if with_status else "")


def measure(emulator: Emulator, name: str, messages: int, status_url: str) -> None:
    """Measure one way of sending."""
    send(emulator, messages // 10, status_url)
    emulator.settle(LIMIT_S)
    before_mb, started = peak_mb(), time.perf_counter()
    send(emulator, messages, status_url)
    sent = time.perf_counter()
    emulator.settle(LIMIT_S)
    done = time.perf_counter()
    delivered = sum(message.status == "delivered" for message in emulator.outbox)
    print(
        f"{name:24} sent {sent - started:5.1f} s, delivered {done - sent:5.1f} s,"
        f" ratio {(done - started) / (LIMIT_S_PER_MESSAGE * messages):.2f},"
        f" {delivered - messages // 10} delivered, peak {before_mb:.0f} MB before and {peak_mb():.0f} MB after"
    )


def send(emulator: Emulator, messages: int, status_url: str) -> None:
    """Send messages as a client that reuses its connection."""
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port)
    pair = base64.b64encode(f"{emulator.account_sid}:{emulator.auth_token}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Content-Type": FORM_TYPE}
    for n in range(messages):
        form = {"To": f"+1555{n:07}", "From": f"+1501712266{n % SENDERS}", "Body": f"message {n}"}
        form |= {"StatusCallback": status_url} if status_url else {}
        path = f"/2010-04-01/Accounts/{emulator.account_sid}/Messages.json"
        connection.request("POST", path, urlencode(form), headers)
        answer = connection.getresponse()
        document = json.loads(answer.read())
        assert answer.status == 201, document
    connection.close()


@contextmanager
def sink() -> Iterator[str]:
    """Serve an app that accepts status callbacks."""

    @Request.application
    def program(request: Request) -> Response:
        assert request.form["MessageStatus"]
        return Response(status=204)

    server = make_server("127.0.0.1", 0, program, threaded=True, request_handler=_Silent)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/status"
    server.shutdown()


def peak_mb() -> float:
    """Return the peak memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES)
