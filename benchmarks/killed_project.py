"""A project whose handlers ask for work and for messages, served by gunicorn and ``twiml-app worker``, and killed."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.kill import CREDENTIALS, ROOT, wait_until_served, workers_of
from twiml_app.caller import ACCOUNT_SID
from twiml_app.emulator import Emulator, EmulatorOptions

TOKEN = "0123456789abcdef0123456789abcdef"
SHORT_CODE = "40404"
WEB_WORKERS, WORKERS = 2, 2
#: How long the processes have to stop, in seconds.
_STOP_S = 60

HANDLERS = '''
import os, time
from twiml_app import InboundMessage, Router, enqueue, send

router = Router()
RUNS = os.open(os.environ["RUNS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def work(sid: str, contact: str, *, attempt: int) -> None:
    """Write a mark that survives a kill, wait a little, and send a message that has a key."""
    os.write(RUNS, f"{sid} {attempt}\\n".encode())
    time.sleep(0.02)
    send(contact, f"done {sid}", from_="40404", key=f"done:{sid}")


@router.default
def answer(message: InboundMessage) -> str:
    """Ask for work and for a message to one of many contacts."""
    contact = f"+1555{int(message.message_sid[2:], 16) % 10**7:07}"
    enqueue(work, message.message_sid, contact)
    send(contact, f"text {message.message_sid}", from_="40404")
    time.sleep(0.02)
    return "ok"


routers = [router]
'''


class Project:
    """The processes of the project in a folder; ``settings`` are its environment."""

    def __init__(self, folder: Path, settings: dict[str, str], seed: int) -> None:
        self._folder = folder
        self._environment = os.environ | settings
        self._dice = random.Random(seed)
        self._workers: list[subprocess.Popen[bytes]] = []
        self._server: subprocess.Popen[bytes] | None = None
        self.message_url = ""
        self.kills = 0

    def serve(self, port: int) -> None:
        """Start gunicorn with the settings that every project has."""
        self.message_url = f"http://{CREDENTIALS}@127.0.0.1:{port}/message"
        (self._folder / "wsgi.py").write_text("from twiml_app.app import create_app\napp = create_app()\n")
        config = str(ROOT / "gunicorn.conf.py")
        command = ["-m", "gunicorn", "wsgi:app", "-c", config, "--bind", f"127.0.0.1:{port}"]
        self._server = self._start(*command, "--workers", str(WEB_WORKERS), "--log-level", "critical")
        wait_until_served(self._server, port)

    def start_worker(self) -> None:
        """Start one process more that runs work and sends."""
        self._workers.append(self._start("-c", "from twiml_app.cli import main; main()", "worker", "--threads", "2"))

    def command(self, *arguments: str) -> None:
        """Run a command of ``twiml-app``."""
        command = [sys.executable, "-c", "from twiml_app.cli import main; main()", *arguments]
        subprocess.run(command, cwd=self._folder, env=self._environment, check=True, stdout=subprocess.DEVNULL)

    def kill_one(self) -> None:
        """Kill a worker of gunicorn, which replaces it, or another worker, which is replaced here."""
        victims = [*self._workers, *(workers_of(self._server.pid) if self._server else ())]
        victim = self._dice.choice(victims)
        if isinstance(victim, int):
            os.kill(victim, signal.SIGKILL)
        else:
            self._workers.remove(victim)
            victim.kill()
            victim.wait()
            self.start_worker()
        self.kills += 1

    def pause_between_kills(self) -> None:
        """Wait for a random time, long enough for a new process to begin something."""
        time.sleep(self._dice.uniform(0.1, 1.0))

    def stop(self) -> None:
        """Stop every process."""
        processes = [*self._workers, *([self._server] if self._server else [])]
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(_STOP_S)

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command, quiet = [sys.executable, *arguments], subprocess.DEVNULL
        return subprocess.Popen(command, cwd=self._folder, env=self._environment, stdout=quiet, stderr=quiet)


@contextmanager
def running(url: str, folder: Path, *, web: bool, seed: int = 0, pace: int = 100) -> Iterator[tuple[Project, Emulator]]:
    """Run the project on a journal, next to an emulator with a real clock; ``pace`` is in segments per second."""
    (folder / "killed_handlers.py").write_text(HANDLERS)
    options = EmulatorOptions(account_sid=ACCOUNT_SID, auth_token=TOKEN, clock="real", concurrency=1000)
    with ExitStack() as stack:
        twilio = stack.enter_context(Emulator(options))
        port = free_port()
        settings = settings_of(url, twilio.url, pace) | {"RUNS": str(folder / "runs")}
        settings |= {"TWIML_PUBLIC_URL": f"http://127.0.0.1:{port}"} if web else {}
        project = Project(folder, settings, seed)
        stack.callback(project.stop)
        if web:
            project.serve(port)
        for _ in range(WORKERS if web else 2 * WORKERS):
            project.start_worker()
        yield project, twilio


def settings_of(url: str, api_url: str, pace: int) -> dict[str, str]:
    """Return the settings of the project."""
    return {
        "TWIML_CREDENTIALS": CREDENTIALS,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWIML_DATABASE_URL": url,
        "TWIML_API_URL": api_url,
        "TWIML_HANDLERS": "killed_handlers",
        "TWIML_LOOP_LIMIT": "1000000",
        "TWIML_PACE": f'{{"{SHORT_CODE}": {pace}}}',
        "PYTHONPATH": str(ROOT),
    }


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
