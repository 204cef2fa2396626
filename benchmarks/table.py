"""Prints a report as text that is Markdown too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.report import Report
from benchmarks.rows import Row, Served, Target

#: As many cores busy with other programs disturb the figures.
_DISTURBED = 0.1
_HEAD = ("figure", "median", "spread", "must", "aim", "reached", "note")
_SERVED_HEAD = ("contestant", "connections", "requests/s", "spread", "CPU us/request", "p50 ms", "p99 ms", "memory MB")


def render(report: Report) -> str:
    """Return the whole report."""
    rows = [_HEAD, *(_cells(row) for row in report.rows)]
    served = [_SERVED_HEAD, *(_served_cells(each) for each in report.served)]
    parts = [
        "\n".join(_aligned(rows)),
        "\n".join(_aligned(served)),
        "\n".join(_profile(report)),
        "\n".join(_facts(report)),
    ]
    return "\n\n".join(part for part in parts if part)


def number(value: float | None, unit: str) -> str:
    """Return a value with its unit; three digits matter."""
    if value is None:
        return ""
    digits = f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return f"{digits} {unit}"


def bound(value: float | None, target: Target) -> str:
    """Return a target, with the direction in which it is reached."""
    if value is None:
        return ""
    return f"{'≤' if target.at_most else '≥'} {value:g}"


def _cells(row: Row) -> tuple[str, ...]:
    spread = (
        "" if row.low is None or row.high is None else f"{number(row.low, '').strip()}-{number(row.high, '').strip()}"
    )
    bounds = (bound(row.target.must, row.target), bound(row.target.aim, row.target))
    return (
        row.target.figure,
        number(row.value, row.target.unit),
        spread,
        *bounds,
        row.verdict,
        row.note.replace("|", "/"),
    )


def _served_cells(served: Served) -> tuple[str, ...]:
    speed = (f"{served.per_second:.0f}", f"{served.low:.0f}-{served.high:.0f}", f"{served.cpu_us:.0f}")
    latency = (f"{served.p50_ms:.2f}", f"{served.p99_ms:.1f}")
    return (served.name, str(served.connections), *speed, *latency, f"{served.memory_mb:.0f}")


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table; a head without rows is left out."""
    if len(rows) == 1:
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for place, row in enumerate(rows):
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        if place == 0:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"


def _profile(report: Report) -> Iterator[str]:
    if report.profile:
        yield from ("Where PostgreSQL waits:", "", *(f"- {line}" for line in report.profile))


def _facts(report: Report) -> Iterator[str]:
    yield f"`{report.command}` on {report.date}, in {report.seconds / 60:.1f} minutes: {report.rounds}."
    yield f"{report.machine}; {report.cores}; gunicorn with its {report.http_parser} HTTP parser."
    if report.others >= _DISTURBED:
        yield f"Other programs kept {report.others:.1f} cores busy meanwhile: repeat this on a quiet machine."
    yield "Versions: " + ", ".join(f"{name} {version}" for name, version in report.versions.items()) + "."
