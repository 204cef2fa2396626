"""The rows about a journal of 1,000,000 exchanges: claims in it, and claims while commands read it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.contestants import ours
from benchmarks.large_journal import prepare
from benchmarks.machine import BENCH, ROOT
from benchmarks.plan import NotMeasured, Plan, progress
from benchmarks.report import Found
from benchmarks.rows import Measurement, ratios
from benchmarks.servers import environment

_CLAIMS = 1000
_COMMANDS = {"overview": ["overview"], "list": ["journal", "list"]}
#: A change of one of these makes another journal.
_KEY_PARTS = ("benchmarks/journal_rows.py", "twiml_app/journal/migrations.py")


@dataclass(slots=True)
class Watched:
    """The longest claims, in milliseconds, while a command ran and for as long without it."""

    busy: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)
    spans: list[tuple[float, float]] = field(default_factory=list)


def measure_claims(plan: Plan, keys: frozenset[str]) -> Found:
    """Measure claims in the large journal, which is kept for the next run."""
    large = f"sqlite:///{_large_journal(plan)}"
    found: list[Measurement] = []
    if any(key.startswith("claim") for key in keys):
        found += [each for each in _compare(plan, large) if each.key in keys]
    commands = {key: command for key, command in _COMMANDS.items() if key in keys}
    return Found([*found, *_hold_ups(plan, large, commands)])


def _large_journal(plan: Plan) -> Path:
    """Return the file of the large journal; it is made again after a change of its tables, and each month."""
    digest = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in _KEY_PARTS)).hexdigest()[:8]
    folder = BENCH / "journals" / f"{plan.exchanges}-{time.strftime('%Y-%m')}-{digest}"
    file = folder / "twiml.db"
    if not (folder / "ready").exists():
        for old in folder.parent.glob(f"{plan.exchanges}-*"):
            shutil.rmtree(old)
        folder.mkdir(parents=True)
        progress(f"  filling a journal with {plan.exchanges} exchanges")
    with redirect_stdout(sys.stderr):
        prepare(f"sqlite:///{file}", folder, plan.exchanges)
    (folder / "ready").touch()
    return file


def _compare(plan: Plan, large: str) -> Iterator[Measurement]:
    urls = [large, f"sqlite:///{plan.folder}/empty.db"]
    progress(f"  {plan.rounds} rounds of {_CLAIMS} claims")
    with _claims(plan, "compare", str(plan.rounds), str(_CLAIMS), *urls) as process:
        found = json.loads(_output(process))
    for key, quantile in (("claim-p50", 50), ("claim-p99", 99)):
        claim, both = ([[_percentile(each, quantile, part) for each in side] for side in found] for part in (0, 1))
        note = f"{_ms(claim[0])} against {_ms(claim[1])} ms; with the answer {_ms(both[0])} against {_ms(both[1])} ms"
        yield Measurement(key, ratios(*claim), note)


def _percentile(times: Sequence[Sequence[float]], quantile: int, part: int) -> float:
    return statistics.quantiles([each[part] for each in times], n=100)[quantile - 1]


def _ms(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.3f}"


def _hold_ups(plan: Plan, large: str, commands: dict[str, list[str]]) -> Iterator[Measurement]:
    """Yield how much longer the longest claim took while a command ran than without it."""
    watched = {key: Watched() for key in commands}
    if not commands:
        return
    progress(f"  {plan.rounds} runs of {len(commands)} commands")
    with _claims(plan, "watch", large) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        for _ in range(plan.rounds):
            for key, command in commands.items():
                watched[key].spans.append(_run(plan, large, command))
                began, ended = watched[key].spans[-1]
                time.sleep(ended - began)
        claims = json.loads(_output(process))
    for key, each in watched.items():
        _collect(each, claims)
        note = f"longest claim {max(each.busy):.1f} ms while it ran, {max(each.idle):.1f} ms for as long without"
        held_up = tuple(max(busy - idle, 0.0) for busy, idle in zip(each.busy, each.idle, strict=True))
        yield Measurement(key, held_up, note)


def _run(plan: Plan, url: str, command: Sequence[str]) -> tuple[float, float]:
    """Run a command on the other core, and return when it began and ended.

    Raises: NotMeasured.
    """
    began = time.monotonic()
    done = subprocess.run(
        [str(Path(sys.executable).with_name("twiml-app")), *command],
        cwd=plan.folder,
        env=environment(ours("", journal=url).settings),
        capture_output=True,
        preexec_fn=lambda: os.sched_setaffinity(0, plan.cores.load),
    )
    if done.returncode:
        raise NotMeasured(f"{' '.join(command)} failed: {done.stderr.decode().strip()}")
    return began, time.monotonic()


def _collect(watched: Watched, claims: Sequence[tuple[float, float, float]]) -> None:
    for began, ended in watched.spans:
        watched.busy.append(_longest_ms(claims, began, ended))
        watched.idle.append(_longest_ms(claims, ended, ended + (ended - began)))


def _longest_ms(claims: Sequence[tuple[float, float, float]], began: float, ended: float) -> float:
    """Return the longest time from claim to stored answer that began within a span of time."""
    return max((done - start) * 1000 for start, _, done in claims if began <= start < ended)


@contextmanager
def _claims(plan: Plan, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start the process that claims, on the server's core."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.claims", *arguments],
        cwd=plan.folder,
        env=environment({}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: os.sched_setaffinity(0, plan.cores.server),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _output(process: subprocess.Popen[bytes]) -> bytes:
    """End the input of a process, and return what it prints.

    Raises: NotMeasured.
    """
    output, _ = process.communicate()
    if process.returncode:
        raise NotMeasured("the process that claims messages failed: see above")
    return output
