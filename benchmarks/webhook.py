"""One signed and authenticated message under gunicorn: twiml_app, Flask with the official library, and a constant.

All are served at the same time, with one threaded worker per contestant. Rounds alternate between them, so a change in
the speed of the machine affects all of them. The result is the worker's CPU time per request, as the kernel reports it.
"""

from __future__ import annotations

import base64
import http.client
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from twiml_app.caller.forms import inbound_form
from twiml_app.signature import HEADER, sign
from twiml_app.webhook import FORM_TYPE

ROOT = Path(__file__).parent.parent
CREDENTIALS, TOKEN = "bench:quite-long-enough", "0123456789abcdef0123456789abcdef"
HANDLERS = "benchmarks.order_handlers"
ROUNDS, REQUESTS, CONNECTIONS, FIRST_PORT = 9, 400, 4, 18710

CONTESTANTS = {
    "a constant (gunicorn itself)": ("benchmarks.rivals:constant", "off"),
    "Flask and the official library": ("benchmarks.rivals:app", "off"),
    "twiml_app without a journal": ("wsgi:app", "off"),
    "twiml_app, each answer stored": ("wsgi:app", "sqlite"),
}


def serve(target: str, port: int, database_url: str) -> subprocess.Popen[bytes]:
    """Start one worker."""
    settings = {"TWIML_CREDENTIALS": CREDENTIALS, "TWILIO_AUTH_TOKEN": TOKEN, "TWIML_HANDLERS": HANDLERS}
    settings |= {"TWIML_DATABASE_URL": database_url}
    environment = os.environ | settings | {"PYTHONPATH": str(ROOT)}
    options = ["--workers", "1", "--threads", "4", "--log-level", "error", "--bind", f"127.0.0.1:{port}"]
    command = [sys.executable, "-m", "gunicorn", target, *options]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)


def wait(port: int) -> None:
    """Wait until a port answers."""
    while True:
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=1).connect()
        except OSError:
            time.sleep(0.1)
        else:
            return


def cpu_s(parent: int) -> float:
    """Return the CPU time of all threads of a gunicorn's workers."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    threads = [task for child in children for task in Path(f"/proc/{child}/task").iterdir()]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in threads) / 1e9


def load(port: int) -> None:
    """Send requests over a few persistent connections."""
    threads = [threading.Thread(target=send, args=(port, REQUESTS // CONNECTIONS)) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def send(port: int, count: int) -> None:
    """Send messages one after another, each with its own SID."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    url = f"http://127.0.0.1:{port}/message"
    basic = "Basic " + base64.b64encode(CREDENTIALS.encode()).decode()
    for _ in range(count):
        form = inbound_form("order 2 coffee", from_=f"+1500{random.randrange(10**7):07}")
        headers = {"Content-Type": FORM_TYPE, "Authorization": basic, HEADER: sign(url, form.pairs, TOKEN)}
        connection.request("POST", "/message", form.encode().encode(), headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (port, answer.status, body)
    connection.close()


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        urls = {"off": "off", "sqlite": f"sqlite:///{folder}/twiml.db"}
        servers = {
            name: serve(target, FIRST_PORT + place, urls[journal])
            for place, (name, (target, journal)) in enumerate(CONTESTANTS.items())
        }
        report(measure(servers))


def measure(servers: dict[str, subprocess.Popen[bytes]]) -> dict[str, list[float]]:
    """Return the CPU microseconds per request, for each round."""
    ports = dict(zip(CONTESTANTS, range(FIRST_PORT, FIRST_PORT + 10), strict=False))
    figures: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    try:
        for port in ports.values():
            wait(port)
            load(port)
        for _ in range(ROUNDS):
            for name, server in servers.items():
                before = cpu_s(server.pid)
                load(ports[name])
                figures[name].append((cpu_s(server.pid) - before) / REQUESTS * 1e6)
    finally:
        for server in servers.values():
            server.terminate()
            server.wait()
    return figures


def report(figures: dict[str, list[float]]) -> None:
    """Print the medians of the times, and the medians of each round's ratios."""
    rival = figures["Flask and the official library"]
    floor = figures["a constant (gunicorn itself)"]
    print(f"{'':34}{'CPU us/request':>15}{'x constant':>12}{'x by hand':>11}")
    for name, rows in figures.items():
        to_floor = statistics.median(row / other for row, other in zip(rows, floor, strict=True))
        to_rival = statistics.median(row / other for row, other in zip(rows, rival, strict=True))
        print(f"{name:34}{statistics.median(rows):15.0f}{to_floor:12.2f}{to_rival:11.2f}")
    print(f"\nmedians of {ROUNDS} rounds of {REQUESTS} requests, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
