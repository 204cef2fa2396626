"""The load generator, wrk: find it, run it, read its report. ``python -m benchmarks.wrk`` says whether it is there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

MISSING = "wrk, the load generator, is not installed: apt-get install wrk, or brew install wrk"
_SCRIPT = Path(__file__).parent / "load.lua"


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk reports about one round."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    #: Answers with another status than a success, and connections that broke.
    refused: int
    broken: int


@dataclass(frozen=True, slots=True)
class RequestFile:
    """Requests of the same length, one after another in a file."""

    path: Path
    request_bytes: int
    count: int


def find_wrk(path: str | None = None) -> str:
    """Return the path of wrk; without it, exit with 2 and say how to install it."""
    found = shutil.which("wrk", path=path)
    if not found:
        print(MISSING, file=sys.stderr)
        raise SystemExit(2)
    return found


def run_wrk(
    port: int, requests: RequestFile, *, seconds: int, connections: int, cores: frozenset[int], path: str = "/message"
) -> Load:
    """Send requests over keep-alive connections from one thread on the given cores."""
    url = f"http://127.0.0.1:{port}{path}"
    options = ["--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--timeout", "20s"]
    script = ["--script", str(_SCRIPT), url, "--", str(requests.path), str(requests.request_bytes)]
    done = subprocess.run(
        [find_wrk(), *options, *script],
        capture_output=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    return _read(done.stdout.decode())


def _read(output: str) -> Load:
    report = json.loads(output.strip().rpartition("\n")[2])
    per_second = report["requests"] / (report["microseconds"] / 1e6)
    p50_ms, p99_ms = report["p50_us"] / 1000, report["p99_us"] / 1000
    return Load(report["requests"], per_second, p50_ms, p99_ms, report["refused"], report["broken"])


if __name__ == "__main__":
    find_wrk()
