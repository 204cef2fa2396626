"""The table of a report: what a row says, and what is kept in the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.publish import PAGE, with_table
from benchmarks.report import Report
from benchmarks.rows import Measurement, Target, row_of
from benchmarks.table import render
from tests.benchmarks.reports import SERVED, report_of


def cells(table: str, begins: str) -> list[str]:
    """Return the cells of the only line that begins with a text."""
    (line,) = [line for line in table.splitlines() if line.startswith(f"| {begins}")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_row_has_median_spread_bounds_and_verdict() -> None:
    """These are what a target is judged by."""
    table = render(report_of(Measurement("off-limit", (0.5, 0.7, 0.6), "CPU per request 400 against 200 us")))

    assert cells(table, "journal off: requests/s against a constant") == [
        *("journal off: requests/s against a constant answer", "0.60 x", "0.50-0.70", "≥ 0.52", "≥ 0.75", "must"),
        "CPU per request 400 against 200 us",
    ]


def test_row_that_was_not_measured_says_why() -> None:
    """An empty cell would look like an oversight."""
    assert cells(render(report_of()), "verifying a signature")[-2:] == ["not measured", "wrk broke"]


def test_contestant_has_speed_cpu_time_latency_and_memory() -> None:
    """CPU time is the steadier figure next to requests per second."""
    table = render(report_of(served=(SERVED,)))

    assert cells(table, "twiml_app, journal off") == [
        *("twiml_app, journal off", "4", "1500", "1400-1600", "420", "2.50", "9.8", "40")
    ]


def test_table_says_how_it_was_made() -> None:
    """Figures without the versions and the command cannot be repeated."""
    table = render(report_of())

    assert "`python -m benchmarks.bench` on 2026-11-21, in 10.0 minutes: 7 rounds." in table
    assert "a machine; server on core 0; gunicorn with its python HTTP parser." in table
    assert "Versions: python 3.11.7." in table
    assert "waits for IO WalSync" in table


@pytest.mark.parametrize(
    ("cores", "is_said"), [pytest.param(0.8, True, id="busy"), pytest.param(0.04, False, id="quiet")]
)
def test_table_says_when_other_programs_disturbed_it(cores: float, is_said: bool) -> None:
    """Figures of a busy machine look like those of a slow program."""
    table = render(replace(report_of(), others=cores))

    assert ("Other programs kept 0.8 cores busy" in table) is is_said


VERDICTS = [
    pytest.param(Target(key="k", figure="f", must=1, aim=2), 2.0, "aim", id="aim"),
    pytest.param(Target(key="k", figure="f", must=1, aim=2), 1.9, "must", id="must"),
    pytest.param(Target(key="k", figure="f", must=1, aim=2), 0.9, "no", id="too little"),
    pytest.param(Target(key="k", figure="f", must=2, aim=1, at_most=True), 0.9, "aim", id="aim downwards"),
    pytest.param(Target(key="k", figure="f", must=2, aim=1, at_most=True), 2.1, "no", id="too much"),
    pytest.param(Target(key="k", figure="f", must=2), 2.0, "must", id="without an aim"),
    pytest.param(Target(key="k", figure="f", aim=2), 1.0, "reported", id="without a must"),
    pytest.param(Target(key="k", figure="f"), 1.0, "reported", id="without targets"),
]


@pytest.mark.parametrize(("target", "value", "verdict"), VERDICTS)
def test_verdict_follows_from_the_bounds(target: Target, value: float, verdict: str) -> None:
    """A bound that is reached exactly counts."""
    assert row_of(target, Measurement("k", (value,))).verdict == verdict


def test_figure_that_must_never_be_exceeded_is_judged_by_its_worst_round() -> None:
    """One claim that waits for 30 ms is one too many."""
    target = Target(key="k", figure="f", must=20, at_most=True, worst=True)

    assert row_of(target, Measurement("k", (1.0, 1.0, 30.0))).verdict == "no"


def test_report_survives_its_file(tmp_path: Path) -> None:
    """The table and the chart are made from the file."""
    report = report_of(Measurement("off-flask", (1.5, 1.7)), served=(SERVED,))
    report.write(tmp_path / "results.json")

    assert Report.read(tmp_path / "results.json") == report


def test_page_has_a_place_for_the_table() -> None:
    """The table is renewed by a command, and the text around it stays."""
    page = PAGE.read_text()
    renewed = with_table(page, "| new |")

    assert "\n| new |\n" in renewed
    assert with_table(renewed, "| newer |") == with_table(page, "| newer |")
    assert renewed.partition("\n<!--")[0] == page.partition("\n<!--")[0]


def test_page_without_a_place_for_the_table_is_left_alone() -> None:
    """Otherwise the command would lose the rest of the page."""
    with pytest.raises(ValueError, match="no marks"):
        with_table("# A page\n", "| new |")
