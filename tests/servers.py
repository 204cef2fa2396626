"""Real servers for tests, on free ports of the loopback interface, stopped at the end of the test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: Nothing in a test takes this many seconds, unless it hangs.
LIMIT_S = 600.0


def find_program(name: str) -> str:
    """Return the path of a program of the system.

    Without one, the test is skipped; in CI it fails.
    """
    found = shutil.which(name)
    if not found:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is not installed")
    return found


def clean_environment(**settings: str) -> dict[str, str]:
    """Return the environment without the settings of the developer and of make, with the given ones added."""
    left_out = ("TWIML_", "TWILIO_", "COV_", "MAKE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return kept | settings


@contextmanager
def refusing_port() -> Iterator[int]:
    """Hold a port of the loopback interface that refuses connections: nothing else can listen on it meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def free_port() -> int:
    """Return a port of the loopback interface on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def copy_sources(target: Path) -> Path:
    """Copy the current sources to a folder, as a clone would have them."""
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    for name in files.stdout.decode().split():
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes((ROOT / name).read_bytes())
    return target


@contextmanager
def gunicorn(
    settings: Mapping[str, str],
    *,
    folder: Path = ROOT,
    python: str = sys.executable,
    workers: int = 1,
    log: list[str] | None = None,
) -> Iterator[str]:
    """Serve ``wsgi:app`` of a folder with the folder's own gunicorn.conf.py, and yield the base URL.

    What it prints is added to ``log`` when it has stopped.
    """
    environment = clean_environment(**settings, WEB_CONCURRENCY=str(workers))
    with socket.create_server(("127.0.0.1", 0)) as listener:  # handed over, so that nothing else gets its port
        port = listener.getsockname()[1]
        server = subprocess.Popen(
            [python, "-m", "gunicorn", "wsgi:app", "--bind", f"fd://{listener.fileno()}"],
            cwd=folder,
            env=environment,
            pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for_workers(server)
        _wait_for_an_answer(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        output = server.communicate(timeout=LIMIT_S)[0]
        if log is not None:
            log += output.decode().splitlines()


def _wait_for_workers(server: subprocess.Popen[bytes]) -> None:
    """Read the output of gunicorn until it has booted a worker."""
    assert server.stdout
    output = b""
    for line in server.stdout:
        output += line
        if b"Booting worker" in line:
            return
    raise AssertionError(f"gunicorn did not start: {output.decode()}")


def _wait_for_an_answer(port: int) -> None:
    """Wait until a worker has imported the application: until then a webhook would run into its time limit."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)) as connection:
        connection.request("GET", "/healthz")
        connection.getresponse().read()
