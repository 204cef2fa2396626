"""The end of a test run says which files took longest."""

from __future__ import annotations

import re

import pytest

from tests.servers import ROOT

#: Says how long each phase of each test took, whatever the machine is busy with.
TIMES = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    report.duration = 2.0 if "slow" in item.nodeid else 0.5
    return report
"""


@pytest.mark.parametrize(
    "parallel", [pytest.param((), id="one process"), pytest.param(("-n", "2"), id="xdist", marks=pytest.mark.slow)]
)
def test_slowest_files_are_printed_slowest_first(
    parallel: tuple[str, ...], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow file is found on the day that it becomes slow; workers of a parallel run report to one process."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest(TIMES)
    pytester.makepyfile(test_fast="def test_nothing(): pass", test_slow="def test_one(): pass\ndef test_other(): pass")

    printed = pytester.runpytest_subprocess("-q", "-p", "tests.slowest_files", *parallel).stdout.str()

    assert re.findall(r"^ +(\S+) s  (\S+)$", printed, re.MULTILINE) == [
        ("12.0", "test_slow.py"),
        ("1.5", "test_fast.py"),
    ]
