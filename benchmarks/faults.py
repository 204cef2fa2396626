"""Faults under load: suspended processes, a locked database, a full disk; ``python -m benchmarks.faults``.

The load and the promises are those of ``benchmarks/kill.py``, here with TWIML_WAIT_S=2. Each fault lasts longer than
that, and occurs three times. It prints one row per fault.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks.kill import CREDENTIALS, ROOT, Tally, run, run_under_load, workers_of

TIMES = 3
FAULT_S = 5.0
PAUSE_S = 2.0
WAIT_S = 2
#: Larger than the file in which the handlers of the benchmark record their runs.
FULL_AT_BYTES = 400_000

READ = """
import sqlite3, sys, time
cursor = sqlite3.connect(sys.argv[1]).execute("SELECT * FROM exchanges")
cursor.fetchone()
print(flush=True)
time.sleep(600)
"""
LOCK = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
connection.execute("BEGIN EXCLUSIVE")
print(flush=True)
time.sleep(600)
"""
WRITE = f"""
import sys, time
from twiml_app.config import Settings
from twiml_app.journal import open_engine
settings = {{"TWIML_CREDENTIALS": "{CREDENTIALS}", "TWIML_DATABASE_URL": "sqlite:///" + sys.argv[1]}}
open_engine(Settings.read(settings), "/").run(lambda _: (print(flush=True), time.sleep(600)), wait_s=60)
"""
Fault = Callable[[int], AbstractContextManager[None]]


@contextmanager
def other_process(script: str, path: Path) -> Iterator[None]:
    """Run a script on the journal, suspend it when it has printed a line, and kill it at the end of the block."""
    command = [sys.executable, "-c", script, str(path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    try:
        process.send_signal(signal.SIGSTOP)
        yield
    finally:
        process.kill()
        process.communicate()


@contextmanager
def full_disk(server: int) -> Iterator[None]:
    """Let the workers write no file beyond a size, which they meet as they would a full disk."""
    workers = workers_of(server)
    for pid in workers:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (FULL_AT_BYTES, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        for pid in workers:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextmanager
def suspended_backends(url: str) -> Iterator[None]:
    """Suspend the server's processes for the connections that the workers have."""
    import psycopg

    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'twiml_app'").fetchall()
    try:
        for (pid,) in rows:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for (pid,) in rows:
            os.kill(pid, signal.SIGCONT)


def disturb_with(fault: Fault) -> Callable[[int, Tally], None]:
    """Return a function that lets a fault occur several times."""

    def disturb(server: int, tally: Tally) -> None:
        while not tally.answers:
            time.sleep(0.05)
        for _ in range(TIMES):
            time.sleep(PAUSE_S)
            with fault(server):
                time.sleep(FAULT_S)
        time.sleep(PAUSE_S)

    return disturb


def row(name: str, tally: Tally, wait_s: int) -> str:
    """Return a row of the table."""
    counts = (len(tally.missing), len(tally.ran_again), len(tally.differing), tally.stuck(wait_s))
    answered = sum(1 for seen in tally.answers.values() if seen)
    return f"| {name} | {answered} | {' | '.join(map(str, counts))} | {tally.slowest_s:.1f} s |"


def rows(postgres_url: str) -> Iterator[str]:
    """Run everything, and yield the rows of the table."""
    yield "| fault | answered | lost | run twice | other bytes | stuck | slowest answer |"
    yield "|---|---|---|---|---|---|---|"
    with tempfile.TemporaryDirectory() as name:
        yield row("SQLite: 60 workers killed", run(f"sqlite:///{name}/twiml.db", 60, Path(name), events=500), 10)
    sqlite: dict[str, Callable[[Path], Fault]] = {
        "a reader is suspended": lambda path: lambda _: other_process(READ, path),
        "a process is suspended while it writes": lambda path: lambda _: other_process(WRITE, path),
        "locked from outside": lambda path: lambda _: other_process(LOCK, path),
        "the disk is full": lambda _: full_disk,
    }
    for fault, make in sqlite.items():
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "twiml.db"
            tally = run_under_load(f"sqlite:///{path}", Path(name), disturb_with(make(path)), wait_s=WAIT_S)
        yield row(f"SQLite: {fault}", tally, WAIT_S)
    if not postgres_url:
        return
    with tempfile.TemporaryDirectory() as name:
        yield row("PostgreSQL: 30 workers killed", run(postgres_url, 30, Path(name), events=500), 10)
    with tempfile.TemporaryDirectory() as name:
        disturb = disturb_with(lambda _: suspended_backends(postgres_url))
        yield row(
            "PostgreSQL: backends are suspended",
            run_under_load(postgres_url, Path(name), disturb, wait_s=WAIT_S),
            WAIT_S,
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="", help="an empty PostgreSQL database on this machine")
    for line in rows(parser.parse_args().url):
        print(line, flush=True)


if __name__ == "__main__":
    main()
