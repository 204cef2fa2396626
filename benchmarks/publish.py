"""Writes the last report into benchmarks/README.md, and its chart to docs/speed.svg: ``make bench-publish``."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.chart import draw
from benchmarks.machine import ROOT
from benchmarks.report import Report
from benchmarks.table import render

RESULTS, PAGE, CHART = (ROOT / name for name in ("benchmarks/results.json", "benchmarks/README.md", "docs/speed.svg"))
BEGIN, END = "<!-- the last table -->\n", "<!-- end of the last table -->\n"


def with_table(page: str, table: str) -> str:
    """Return a page with another table between the two marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no marks around its table")
    return f"{before}{begin}\n{table}\n\n{end}{after}"


def main(results: Path) -> None:
    """Renew the page and the chart."""
    report = Report.read(results)
    PAGE.write_text(with_table(PAGE.read_text(), render(report)))
    CHART.write_text(draw(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS)
