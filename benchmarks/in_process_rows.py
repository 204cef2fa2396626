"""The rows that need no server: each repetition is a fresh interpreter on the server's core, and rows take turns."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.contestants import ours
from benchmarks.in_process import COMPARISONS
from benchmarks.plan import NotMeasured, Plan, progress
from benchmarks.report import Found
from benchmarks.rows import Measurement, ratios
from benchmarks.servers import environment

_IMPORT = "import time; started = time.perf_counter(); import {}; print((time.perf_counter() - started) * 1000)"
#: What each repetition runs, by the key of the row, or by the key and the side.
_IMPORTED = {"import": "wsgi", "import of Flask": "benchmarks.rivals.flask_app"}
#: The figures of each repetition.
Figures = Mapping[str, Sequence[list[float]]]


def measure_in_process(plan: Plan, keys: frozenset[str]) -> Found:
    """Measure what is built, verified, matched, imported and replayed."""
    commands = {name: command for name, command in _commands().items() if name.split()[0] in keys}
    figures: dict[str, list[list[float]]] = {name: [] for name in commands}
    for number in range(-1, plan.repeats):
        if plan.is_late(number):
            break
        progress(f"  round {number + 1} of {plan.repeats}" if number >= 0 else "  warming up")
        for name, command in commands.items() if number % 2 else reversed(commands.items()):
            found = _run(plan, command)
            if number >= 0:
                figures[name].append(found)
    return Found(list(_measurements(figures, keys)))


def _commands() -> dict[str, list[str]]:
    module = ["-m", "benchmarks.in_process"]
    compared = {name: [*module, name] for name in (*COMPARISONS, "replay")}
    return compared | {name: ["-c", _IMPORT.format(target)] for name, target in _IMPORTED.items()}


def _run(plan: Plan, arguments: Sequence[str]) -> list[float]:
    """Return what a fresh interpreter prints.

    Raises: NotMeasured.
    """
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=plan.folder,
        env=environment(ours("").settings),
        capture_output=True,
        preexec_fn=lambda: os.sched_setaffinity(0, plan.cores.server),
    )
    if done.returncode:
        raise NotMeasured(f"{arguments[-1]} failed: {done.stderr.decode().strip().rpartition(chr(10))[2]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return found if isinstance(found, list) else [found]


def _measurements(figures: Figures, keys: frozenset[str]) -> Iterator[Measurement]:
    for key in keys & COMPARISONS.keys():
        first, second = zip(*figures[key], strict=True)
        # How many times as fast ours is; for the patterns, how much longer the second takes.
        yield Measurement(key, ratios(second, first), _against(first, second, "us"))
    if "import" in keys:
        own, flask = ([each for (each,) in figures[name]] for name in _IMPORTED)
        yield Measurement("import", ratios(own, flask), _against(own, flask, "ms"))
    if "replay" in keys:
        yield Measurement("replay", tuple(each for (each,) in figures["replay"]))


def _against(these: Sequence[float], those: Sequence[float], unit: str) -> str:
    return f"{statistics.median(these):.3g} against {statistics.median(those):.3g} {unit}"
