"""kill -9: gunicorn under load from clients that retry as Twilio does, with workers killed at random.

Three promises are checked: no acknowledged exchange is missing from the journal, no finished event ran twice, and every
retry got the bytes of the first reply. ``python benchmarks/kill.py --kills 200`` is the long form; the tests run a
short one.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from twiml_app.caller.caller import Caller
from twiml_app.caller.forms import inbound_form, random_sid
from twiml_app.caller.transports import HttpTransport
from twiml_app.caller.types import OutgoingRequest, Webhook
from twiml_app.config import Settings
from twiml_app.errors import CallError
from twiml_app.journal import open_engine
from twiml_app.journal.archive import Archive, Filter
from twiml_app.webhook import WebhookResponse

ROOT = Path(__file__).parent.parent
CREDENTIALS = "kill:quite-long-enough"
CLIENTS = 6
#: Without an answer for so long, a client gives up: a killed worker is replaced much sooner.
LIMIT_S = 600
#: How long the journal may make a request wait: TWIML_WAIT_S of the server, in seconds.
WAIT_S = 10

HANDLERS = '''
import os, time
from pathlib import Path
from twiml_app import InboundMessage, Router

router = Router()
RUNS = os.open(os.environ["RUNS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


@router.default
def answer(message: InboundMessage) -> str:
    """Write a mark that survives a kill, wait a little, and return a text that is different for every run."""
    run = f"{time.time_ns()}-{os.getpid()}"
    os.write(RUNS, f"{message.message_sid} {run}\\n".encode())
    time.sleep(0.005)
    return f"run {run}"


routers = [router]
'''


@dataclass
class Tally:
    """What the clients received, compared with the journal."""

    answers: dict[str, list[bytes]] = field(default_factory=dict)
    gave_up: int = 0
    kills: int = 0
    missing: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    ran_again: list[str] = field(default_factory=list)
    #: Events whose handler ran again, because it was killed before it had answered.
    restarted: int = 0
    #: How long each request took until its answer, or until its connection broke, in seconds.
    seconds: list[float] = field(default_factory=list)

    @property
    def slowest_s(self) -> float:
        """The time of the slowest request."""
        return max(self.seconds, default=0.0)

    def stuck(self, wait_s: int = WAIT_S) -> int:
        """Return how many requests took longer than the journal may make them wait, and a second."""
        return sum(each > wait_s + 1 for each in self.seconds)

    @property
    def is_kept(self) -> bool:
        """Whether every promise was kept."""
        return not (self.missing or self.differing or self.ran_again)


class TimedTransport:
    """Sends requests, and records how long each took."""

    def __init__(self, tally: Tally) -> None:
        self._send = HttpTransport()
        self._tally = tally

    def __call__(self, request: OutgoingRequest) -> WebhookResponse:
        """Send the request."""
        began_at = time.monotonic()
        try:
            return self._send(request)
        finally:
            self._tally.seconds.append(time.monotonic() - began_at)


def run(url: str, kills: int, folder: Path, seed: int = 0, *, events: int = 0) -> Tally:
    """Put load on a gunicorn whose journal is at a database URL, kill its workers, and count broken promises.

    It ends after so many kills, and so many events that clients have sent.
    """
    dice = random.Random(seed)

    def kill_workers(server: int, tally: Tally) -> None:
        answered = 0
        while tally.kills < kills or len(tally.answers) < events:
            time.sleep(dice.uniform(0.05, 0.4))
            if len(tally.answers) > answered:  # otherwise all workers are still starting, which takes long when busy
                answered = len(tally.answers)
                tally.kills += kill_one(server, dice)

    return run_under_load(url, folder, kill_workers, seed)


def run_under_load(
    url: str, folder: Path, disturb: Callable[[int, Tally], None], seed: int = 0, *, wait_s: int = WAIT_S
) -> Tally:
    """Put load on a gunicorn while something disturbs it, and count broken promises.

    ``disturb`` is called with the process id of gunicorn; the load ends a second after it has returned.
    """
    (folder / "kill_handlers.py").write_text(HANDLERS)
    runs = folder / "runs"
    tally, stop = Tally(), threading.Event()
    with served(url, folder, runs, wait_s) as (server, base_url):
        clients = [threading.Thread(target=talk, args=(base_url, tally, stop, seed + n)) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        disturb(server.pid, tally)
        time.sleep(1)
        stop.set()
        for client in clients:
            client.join()
    judge(tally, url, folder, runs)
    return tally


@contextmanager
def served(url: str, folder: Path, runs: Path, wait_s: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Serve the handlers with several workers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings = {"TWIML_CREDENTIALS": CREDENTIALS, "TWIML_HANDLERS": "kill_handlers", "TWIML_DATABASE_URL": url}
    settings |= {
        "TWIML_WAIT_S": str(wait_s),
        "RUNS": str(runs),
        "TWIML_LOOP_LIMIT": "1000000",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}",
    }
    (folder / "wsgi.py").write_text("from twiml_app.app import create_app\napp = create_app()\n")
    options = ["--workers", "3", "--threads", "8", "--worker-class", "gthread", "--log-level", "critical"]
    command = [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", f"127.0.0.1:{port}", *options]
    server = subprocess.Popen(command, cwd=folder, env=os.environ | settings, stdout=subprocess.DEVNULL)
    try:
        wait_until_served(server, port)
        yield server, f"http://{CREDENTIALS}@127.0.0.1:{port}/message"
    finally:
        server.terminate()
        server.wait(60)


def wait_until_served(server: subprocess.Popen[bytes], port: int) -> None:
    """Wait until a worker answers: how long the start takes is not measured.

    Raises: RuntimeError, if the server has ended instead.
    """
    while server.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise RuntimeError("gunicorn did not start")


def kill_one(parent: int, dice: random.Random) -> int:
    """Kill one worker; return 1, or 0 if there was none to kill."""
    workers = workers_of(parent)
    if not workers:
        return 0
    try:
        os.kill(dice.choice(workers), signal.SIGKILL)
    except ProcessLookupError:
        return 0
    return 1


def workers_of(parent: int) -> list[int]:
    """Return the process ids of the workers."""
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def talk(url: str, tally: Tally, stop: threading.Event, seed: int, *, token: str = "") -> None:
    """Send messages: retry each until it is answered, and sometimes once more after that."""
    dice = random.Random(seed)
    caller = Caller(TimedTransport(tally), token=token)
    webhook = Webhook(url=f"{url}#rc=5&rp=all&ct=2000")
    while not stop.is_set():
        form = inbound_form("hello", message_sid=random_sid())
        wanted, seen, deadline = dice.choice((1, 1, 2)), list[bytes](), time.monotonic() + LIMIT_S
        while len(seen) < wanted and time.monotonic() < deadline:
            try:
                seen.append(caller.call(webhook, form).response.body)
            except CallError:
                time.sleep(0.05)
        tally.answers[form["MessageSid"]] = seen
        tally.gave_up += len(seen) < wanted


def judge(tally: Tally, url: str, folder: Path, runs: Path) -> None:
    """Compare what the clients received with the journal and with the marks of the handlers."""
    engine = open_engine(Settings.read({"TWIML_CREDENTIALS": CREDENTIALS, "TWIML_DATABASE_URL": url}), folder)
    assert engine is not None
    kept = {each.sid: each for each in Archive(engine).all(Filter()) if each.state == "done"}
    engine.close()
    ran: dict[str, list[str]] = {}
    for line in runs.read_text().splitlines():
        ran.setdefault(line.split()[0], []).append(line.split()[1])
    for sid, seen in tally.answers.items():
        stored = kept[sid].exchange if sid in kept else None
        if seen and stored is None:
            tally.missing.append(sid)
        elif stored and any(body != stored.answer.body for body in seen):
            tally.differing.append(sid)
        begun = ran.get(sid, [])
        tally.restarted += len(begun) > 1
        if stored and f"run {begun[-1]}<".encode() not in stored.answer.body:
            tally.ran_again.append(sid)


def main() -> None:
    """Run the long form and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--url", default="", help="a PostgreSQL database; default: a SQLite file in a temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        tally = run(given.url or f"sqlite:///{name}/twiml.db", given.kills, Path(name))
    answered = sum(1 for seen in tally.answers.values() if seen)
    print(f"workers killed               {tally.kills}")
    print(f"events answered              {answered}")
    print(f"retries after an answer      {sum(len(seen) - 1 for seen in tally.answers.values() if seen)}")
    print(f"restarted after a kill       {tally.restarted}")
    print(f"never answered               {tally.gave_up}")
    print(f"acknowledged but missing     {len(tally.missing)}")
    print(f"retries with other bytes     {len(tally.differing)}")
    print(f"finished but run again       {len(tally.ran_again)}")
    print(f"stuck                        {tally.stuck()}")
    print(f"slowest answer               {tally.slowest_s:.2f} s")
    sys.exit(0 if tally.is_kept else 1)


if __name__ == "__main__":
    main()
