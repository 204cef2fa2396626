"""Every command on a journal of two million exchanges, while a server answers webhooks from the same journal.

One line per command: its seconds as a process, the slowest answer to a webhook meanwhile, and the slowest in an equally
long time without a command. ``python -m benchmarks.large_journal FOLDER`` keeps the filled journal for the next run.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Self

from benchmarks.journal_rows import build_indexes, fill
from twiml_app.caller.forms import inbound_form
from twiml_app.config import Settings
from twiml_app.journal import open_engine
from twiml_app.journal.engine import Engine
from twiml_app.logs import format_time
from twiml_app.webhook import FORM_TYPE

ROOT = Path(__file__).parent.parent
CREDENTIALS = "large:quite-long-enough"
HANDLERS = '''
from twiml_app import InboundMessage, Router, StatusCallback

router = Router()


@router.default
def answer(message: InboundMessage) -> str:
    """Answer at once."""
    return "Thanks!"


@router.status("failed", "undelivered", "sent", "delivered")
def track(status: StatusCallback) -> None:
    """Fail, so that the next run can retry the same events."""
    raise ValueError("no such order")


routers = [router]
'''
_CLI = "from twiml_app.cli import main; main()"
_STOPPED_S = 3.0
_SHORTEST_S = 0.5
#: Between two messages: enough to leave a core to the command.
_PAUSE_S = 0.005
_WARM_UP = 50
Span = tuple[float, float]


class Client(threading.Thread):
    """Sends messages one after another over one connection, and records when each was sent and answered."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._is_done = threading.Event()
        self.answers: list[Span] = []
        self.errors: list[str] = []

    def __enter__(self) -> Self:
        self.start()
        while len(self.answers) < _WARM_UP:
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_done.set()
        self.join()

    def run(self) -> None:
        """Send until the end, and reconnect if the server closes the connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self._is_done.is_set():
            began = time.monotonic()
            try:
                self._send(connection, len(self.answers))
            except (OSError, http.client.HTTPException) as error:
                self.errors.append(repr(error))
                connection.close()
            self.answers.append((began, time.monotonic()))
            time.sleep(_PAUSE_S)
        connection.close()

    def _send(self, connection: http.client.HTTPConnection, count: int) -> None:
        form = inbound_form("order 2 coffee", from_=f"+1500{count % 10**7:07}")
        basic = "Basic " + base64.b64encode(CREDENTIALS.encode()).decode()
        connection.request(
            "POST", "/message", form.encode().encode(), {"Content-Type": FORM_TYPE, "Authorization": basic}
        )
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.HTTPStatus.OK:
            self.errors.append(f"answered with {answer.status}")

    def slowest_ms(self, span: Span) -> float:
        """Return how long the slowest answer took that was not there yet when a span of time began."""
        times = [ended - began for began, ended in self.answers if ended > span[0] and began < span[1]]
        return max(times, default=0.0) * 1000


class Measurement:
    """Runs commands as processes, and prints a line for each."""

    def __init__(self, folder: Path, environment: dict[str, str], client: Client) -> None:
        self._folder = folder
        self._environment = environment
        self._client = client

    def run(self, arguments: Sequence[str], *, stop_after_s: float = 0.0, label: str = "") -> float:
        """Measure one command, and return its seconds; with ``stop_after_s``, it is stopped for a while."""
        began = time.monotonic()
        process = self._start(arguments)
        if stop_after_s:
            time.sleep(stop_after_s)
            _pause(process)
        output, _ = process.communicate()
        span = (began, time.monotonic())
        time.sleep(max(span[1] - began, _SHORTEST_S))  # without a command
        idle = (span[1] + 0.01, time.monotonic())
        seconds = span[1] - began
        slowest = f"{self._client.slowest_ms(span):9.1f}{self._client.slowest_ms(idle):9.1f}"
        last = output.decode().strip().rpartition("\n")[2][:60]
        print(f"{label or ' '.join(arguments):58}{seconds:8.2f}{slowest}  {process.returncode} {last}", flush=True)
        return seconds

    def _start(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", _CLI, *arguments],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )


def _pause(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGSTOP)
        time.sleep(_STOPPED_S)
        process.send_signal(signal.SIGCONT)


@contextmanager
def served(folder: Path, environment: dict[str, str]) -> Iterator[int]:
    """Serve the handlers with two workers of four threads, and yield the port."""
    (folder / "wsgi.py").write_text("from twiml_app.app import create_app\napp = create_app()\n")
    options = ["--workers", "2", "--threads", "4", "--worker-class", "gthread", "--log-level", "critical"]
    with socket.create_server(("127.0.0.1", 0)) as listener:  # handed over, so that nothing else gets its port
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # gunicorn sets it only on its own sockets
        command = [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", f"fd://{listener.fileno()}", *options]
        server = subprocess.Popen(
            command, cwd=folder, env=environment, pass_fds=[listener.fileno()], stdout=subprocess.DEVNULL
        )
        try:
            yield listener.getsockname()[1]
        finally:
            server.terminate()
            server.wait(60)


def commands(engine: Engine, folder: Path) -> Iterator[list[str]]:
    """Yield the commands, about rows that the journal contains."""
    row = "SELECT id, sid, contact, received_at FROM exchanges WHERE id > ? AND kind = ? ORDER BY id LIMIT 1"
    count = engine.read(lambda execute: execute("SELECT count(*) FROM exchanges"))[0][0]
    place = int(time.time()) % (count // 3)  # another contact in every run, as its rows are erased
    exchange, sid, contact, _ = engine.read(lambda execute: execute(row, (count // 3 + place, "status")))[0]
    half = engine.read(lambda execute: execute(row, (count // 2, "status")))[0][3]
    newest = engine.read(lambda execute: execute(row, (count // 1000 * 999, "status")))[0][3]
    yield ["--version"]
    yield ["overview"]
    for filters in (*FILTERS, ["--contact", contact], ["--sid", sid], ["--contact", contact, "--failed"]):
        yield ["journal", "list", *filters]
    yield ["journal", "show", str(exchange)]
    yield ["ledger", sid]
    yield ["journal", "export", str(folder / "hour.jsonl"), "--since", format_time(newest - 3600)]
    yield ["journal", "export", str(folder / "orders.jsonl"), "--handler", "handler_19"]
    yield ["journal", "import", str(folder / "orders.jsonl")]
    yield ["journal", "erase", contact, "--yes"]
    yield ["journal", "retry", "--since", format_time(half), "--outcome", "failed"]
    yield ["explain", "--last"]


FILTERS: tuple[list[str], ...] = (
    [],
    ["--since", "1h"],
    ["--failed"],
    ["--failed", "--since", "1h"],
    ["--status", "delivered"],
    ["--status", "failed"],
    ["--status", "unknown"],
    ["--handler", "handler_00"],
    ["--handler", "handler_19"],
    ["--handler", "unknown"],
    ["--outcome", "replied"],
    ["--outcome", "looping"],
    ["--outcome", "unknown"],
    ["--outcome", "apologized"],
    ["--handler", "handler_00", "--outcome", "looping"],
    ["--handler", "handler_19", "--outcome", "silent"],
    ["--handler", "handler_00", "--status", "delivered"],
    ["--status", "delivered", "--outcome", "failed"],
    ["--failed", "--handler", "handler_19"],
)


def measure(url: str, folder: Path) -> None:
    """Serve the journal, and run every command while a client sends messages."""
    (folder / "large_handlers.py").write_text(HANDLERS)
    settings = {"TWIML_CREDENTIALS": CREDENTIALS, "TWIML_HANDLERS": "large_handlers", "TWIML_DATABASE_URL": url}
    environment = os.environ | settings | {"PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "TWIML_LOOP_LIMIT": "1000000"}
    engine = _engine(url, folder)
    print(f"{'':58}{'seconds':>8}{'slowest':>9}{'idle':>9}")
    with served(folder, environment) as port, Client(port) as client:
        measurement = Measurement(folder, environment, client)
        took: dict[str, float] = {}
        for arguments in commands(engine, folder):
            took[arguments[0]] = measurement.run(arguments)
        label = f"overview, stopped for {_STOPPED_S:.0f} s"
        measurement.run(["overview"], stop_after_s=(took["--version"] + took["overview"]) / 2, label=label)
        if url.startswith("sqlite:"):
            print(f"write-ahead log: {Path(url[10:] + '-wal').stat().st_size / 1e6:.1f} MB")
    engine.close()
    print(f"{len(client.answers)} messages, {len(client.errors)} errors {sorted(set(client.errors))}")


def _engine(url: str, folder: Path) -> Engine:
    engine = open_engine(Settings.read({"TWIML_CREDENTIALS": CREDENTIALS, "TWIML_DATABASE_URL": url}), folder)
    assert engine is not None
    return engine


def prepare(url: str, folder: Path, rows: int) -> None:
    """Fill the journal, or remove what an earlier run added to it."""
    engine = _engine(url, folder)
    engine.check()
    engine.run(lambda execute: execute("DELETE FROM exchanges WHERE id > ?", (rows,)), wait_s=600)
    engine.forget()
    if not engine.read(lambda execute: execute("SELECT 1 FROM exchanges LIMIT 1")):
        started = time.perf_counter()
        fill(engine, url, rows)
        print(f"{rows} rows filled in {time.perf_counter() - started:.0f} s")
        for name, seconds in build_indexes(engine):
            print(f"{name:58}{seconds:8.2f}")
    engine.close()


def main() -> None:
    """Fill the journal and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="keeps the journal; default: a temporary folder")
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--url", default="", help="a PostgreSQL database; default: a SQLite file in the folder")
    given = parser.parse_args()
    with nullcontext(given.folder) if given.folder else tempfile.TemporaryDirectory() as name:
        folder = Path(name).absolute()
        url = given.url or f"sqlite:///{folder}/large-{given.rows}.db"
        prepare(url, folder, given.rows)
        measure(url, folder)


if __name__ == "__main__":
    main()
