"""Measures every figure of the table in benchmarks/README.md, next to what people would write instead.

``make bench`` installs what is compared and runs this. Rounds alternate between the contestants, whose answers are
checked before they are timed; a figure is the median of the rounds.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.claim_rows import measure_claims
from benchmarks.emulator_rows import measure_emulator
from benchmarks.in_process_rows import measure_in_process
from benchmarks.machine import ROOT, OtherPrograms, find_cores
from benchmarks.plan import NotMeasured, Plan, progress
from benchmarks.report import Found, Report
from benchmarks.rows import Target
from benchmarks.served_rows import measure_served, measure_tail
from benchmarks.table import render
from benchmarks.targets import EMULATOR, IN_PROCESS, JOURNAL, SERVED, TAIL, TARGETS, WORKERS
from benchmarks.worker_rows import measure_workers
from benchmarks.wrk import find_wrk

#: After this time, what is left is measured in fewer rounds, so that a run ends within 15 minutes.
_LIMIT_S = 660.0
RESULTS = ROOT / "benchmarks" / "results.json"


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that are measured together."""

    name: str
    targets: Sequence[Target]
    measure: Callable[[Plan, frozenset[str]], Found]


GROUPS = (
    Group("one worker under load", SERVED, measure_served),
    Group("latency under load", TAIL, measure_tail),
    Group("four workers", WORKERS, measure_workers),
    Group("in one process", IN_PROCESS, measure_in_process),
    Group("a large journal", JOURNAL, measure_claims),
    Group("the emulator", EMULATOR, measure_emulator),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure or read a report, print it, and return the status of the process."""
    given = _options(arguments)
    if given.source:
        print(render(Report.read(given.source)))
        return 0
    keys = _chosen(given.only)
    find_wrk()
    with tempfile.TemporaryDirectory(prefix="twiml-bench-") as folder:
        report = _measure(_plan(Path(folder), given.quick), keys, _command(arguments))
    report.write(given.json)
    print(render(report))
    return int(any(row.value is None for row in report.rows))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    rows = "\n".join(f"  {target.key:16} {target.figure}" for target in TARGETS)
    options = argparse.ArgumentParser(
        prog="python -m benchmarks.bench",
        description=__doc__,
        epilog=f"rows:\n{rows}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("--quick", action="store_true", help="few short rounds: to see that everything runs")
    options.add_argument("--only", action="append", metavar="ROW", help="a row, or how its name begins; repeatable")
    options.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the report is written")
    options.add_argument("--from", dest="source", type=Path, metavar="FILE", help="print a report that was written")
    return options.parse_args(arguments)


def _chosen(only: Sequence[str] | None) -> frozenset[str]:
    """Return the keys of the rows to measure.

    Raises: SystemExit, for a name that no row has.
    """
    chosen = frozenset(each.key for each in TARGETS if not only or any(each.key.startswith(name) for name in only))
    if not chosen:
        raise SystemExit(f"there is no row {' or '.join(only or [])}: --help lists the rows")
    return chosen


def _plan(folder: Path, is_quick: bool) -> Plan:
    cores, now = find_cores(), time.monotonic()
    if is_quick:
        return Plan(
            folder=folder,
            cores=cores,
            rounds=2,
            seconds=1,
            warm_up=1,
            exchanges=50_000,
            repeats=3,
            ends_at=now + _LIMIT_S,
        )
    return Plan(
        folder=folder,
        cores=cores,
        rounds=7,
        seconds=2,
        warm_up=2,
        exchanges=1_000_000,
        repeats=7,
        ends_at=now + _LIMIT_S,
    )


def _command(arguments: Sequence[str] | None) -> str:
    return shlex.join(["python", "-m", "benchmarks.bench", *(sys.argv[1:] if arguments is None else arguments)])


def _measure(plan: Plan, keys: frozenset[str], command: str) -> Report:
    began, found, missing, others = time.monotonic(), list[Found](), dict[str, str](), OtherPrograms()
    for group in GROUPS:
        wanted = keys & {target.key for target in group.targets}
        if not wanted:
            continue
        progress(f"{group.name} ({time.monotonic() - began:.0f} s so far)")
        try:
            found.append(group.measure(plan, wanted))
        except NotMeasured as error:
            progress(f"  {error}")
            missing |= dict.fromkeys(wanted, str(error))
    rounds = f"{plan.rounds} rounds of {plan.seconds} s per contestant after {plan.warm_up} to warm up"
    return Report.make(
        keys, found, missing, command=command, began=began, rounds=rounds, cores=plan.cores, others=others.cores()
    )


if __name__ == "__main__":
    sys.exit(main())
