"""A pytest plugin: the slowest test files are printed at the end of a run, so that nobody has to guess where time goes.

It adds up what pytest reports, so the numbers are right under xdist too: there the workers send their reports to the
process that prints.
"""

from __future__ import annotations

from collections import defaultdict

import pytest

SHOWN = 5


class SlowestFiles:
    """Adds up how long the tests of each file take, with their setup and teardown."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add one phase of one test."""
        self._seconds[report.nodeid.partition("::")[0]] += report.duration

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the files that took longest."""
        slowest = sorted(self._seconds.items(), key=lambda item: item[1], reverse=True)[:SHOWN]
        terminalreporter.section("slowest files")
        for file, seconds in slowest:
            terminalreporter.line(f"{seconds:7.1f} s  {file}")


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugin where results are printed: not in a worker of xdist."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(SlowestFiles())
