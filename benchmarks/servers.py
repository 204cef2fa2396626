"""Servers for the length of a measurement: started on a core, ready when they answer, stopped at the end."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import ROOT
from benchmarks.plan import NotMeasured

_START_S = 60.0
_STOP_S = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers on a port of this machine."""

    name: str
    port: int
    pid: int


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def started(
    name: str, command: Sequence[str], port: int, settings: Mapping[str, str], folder: Path, cores: frozenset[int]
) -> Iterator[Server]:
    """Start a server in a folder of its own, and stop it at the end.

    Raises: NotMeasured, if it does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(settings),
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
    try:
        _wait(name, process, port, log)
        yield Server(name, port, process.pid)
    finally:
        _stop(process)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the settings of other projects, with the given ones.

    Python may keep compiled modules: those of what is installed are compiled, and ours must not be compiled again.
    """
    dropped = ("TWIML_", "TWILIO_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {"PYTHONPATH": str(ROOT)} | dict(settings)


def _wait(name: str, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends_at = time.monotonic() + _START_S
    while time.monotonic() < ends_at and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_START_S)
            connection.request("GET", "/")
            connection.getresponse().read()
            connection.close()
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        else:
            return
    last = log.read_text(errors="replace").strip().rpartition("\n")[2]
    raise NotMeasured(f"{name} did not start: {last}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
