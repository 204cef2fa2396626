"""Many messages: the long form stands in the benchmarks, with the time that it takes."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.servers import ROOT, clean_environment

pytestmark = pytest.mark.slow

MESSAGES = 1000
#: What a process takes now and then, whatever it does.
SLACK_MB = 16


def test_every_message_arrives_and_memory_does_not_grow_with_them() -> None:
    """An emulator that is left running for a week must not fill the machine."""
    command = [sys.executable, "-m", "benchmarks.emulator", str(MESSAGES)]
    done = subprocess.run(command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True)
    measured = re.findall(r"(\d+) delivered, peak (\d+) MB before and (\d+) MB after", done.stdout)

    assert [int(delivered) for delivered, *_ in measured] == [MESSAGES] * 2
    assert all(int(after) - int(before) < SLACK_MB for _, before, after in measured)
