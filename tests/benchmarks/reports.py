"""A report for tests, as a run would write it."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report import Report
from benchmarks.rows import Measurement, Row, Served, row_of
from benchmarks.targets import TARGETS


def report_of(*measurements: Measurement, served: Sequence[Served] = ()) -> Report:
    """Return a report on all rows, of which some were measured."""
    return Report(
        rows=rows_of(*measurements),
        served=list(served),
        profile=["10% of the time, a connection waits for IO WalSync"],
        command="python -m benchmarks.bench",
        date="2026-11-21",
        seconds=600,
        rounds="7 rounds",
        machine="a machine",
        cores="server on core 0",
        others=0.04,
        http_parser="python",
        versions={"python": "3.11.7"},
    )


def rows_of(*measurements: Measurement) -> list[Row]:
    """Return all rows, of which some were measured."""
    by_key = {each.key: each for each in measurements}
    return [row_of(target, by_key.get(target.key), "wrk broke") for target in TARGETS]


SERVED = Served(
    name="twiml_app, journal off",
    connections=4,
    per_second=1500.4,
    low=1400,
    high=1600,
    cpu_us=420.2,
    p50_ms=2.5,
    p99_ms=9.75,
    memory_mb=40.1,
)
