"""The command behind ``make bench``: which rows it has, and what it says when it cannot measure."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.bench import GROUPS, main
from benchmarks.machine import Cores
from benchmarks.rows import Measurement, Target
from benchmarks.targets import TARGETS
from benchmarks.wrk import find_wrk
from tests.benchmarks.reports import report_of

#: What each row must reach and what it should; None where it is only reported.
PROMISED: dict[str, tuple[float | None, float | None]] = {
    "off-flask": (1.6, 2.1),
    "off-limit": (0.52, 0.75),
    "off-express": (0.75, 1.0),
    "process-flask": (1.25, 1.8),
    "default-flask": (1.0, 1.4),
    "default-limit": (0.36, 0.5),
    "tail-off": (1.0, None),
    "tail-default": (1.0, None),
    "build-message": (4, 6),
    "build-full": (3.5, 5),
    "verify": (9, 12),
    "match": (2, 1.2),
    "memory": (1.4, 1.2),
    "import": (1.5, 1.2),
    "replay": (1500, 3000),
    "claim-p50": (1.3, 1.1),
    "claim-p99": (1.3, 1.1),
    "overview": (20, None),
    "list": (20, None),
    "workers": (0.75, 0.9),
    "postgres": (None, 1.0),
    "granian-off": (None, None),
    "granian-default": (None, None),
    "emulator": (None, 500),
}
#: Less is better.
AT_MOST = {
    *("tail-off", "tail-default", "match", "memory", "import"),
    *("claim-p50", "claim-p99", "overview", "list"),
}


@pytest.mark.parametrize("key", PROMISED)
def test_every_promised_figure_is_a_row_with_its_bounds(key: str) -> None:
    """A figure that is left out, or a bound that is lowered, would go unnoticed."""
    (target,) = [each for each in TARGETS if each.key == key]

    assert (target.must, target.aim) == PROMISED[key]
    assert target.at_most is (key in AT_MOST)


def test_every_row_is_measured_by_one_group() -> None:
    """A row without a group would never be measured."""
    measured = Counter[Target](target for group in GROUPS for target in group.targets)

    assert measured == Counter(TARGETS)
    assert len({target.key for target in TARGETS}) == len(TARGETS)


def test_missing_load_generator_is_explained_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody should have to read a traceback to learn what to install."""
    with pytest.raises(SystemExit) as stopped:
        find_wrk(path="")

    assert stopped.value.code == 2
    assert capsys.readouterr().err == (
        "wrk, the load generator, is not installed: apt-get install wrk, or brew install wrk\n"
    )


def test_report_is_printed_from_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page is renewed from the last run, without another one."""
    report_of(Measurement("off-flask", (1.5, 1.7, 1.8))).write(tmp_path / "results.json")

    assert main(["--from", str(tmp_path / "results.json")]) == 0
    assert "1.70 x" in capsys.readouterr().out


def test_unknown_row_is_refused() -> None:
    """A misspelled row must not look like a run without results."""
    with pytest.raises(SystemExit, match="no row flaks"):
        main(["--only", "flaks"])


def test_help_names_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    """``--only`` needs their names."""
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    words = capsys.readouterr().out.split()

    assert stopped.value.code == 0
    assert {target.key for target in TARGETS} <= set(words)


def test_single_core_is_said() -> None:
    """Server and load generator then disturb each other, and no reader could see that from the figures."""
    one, other = frozenset({3}), frozenset({5})

    assert "only one core" in Cores(one, one, one).note
    assert Cores(one, other, one | other).note == "server on core 3, load generator on core 5"
