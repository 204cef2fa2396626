"""Bounded memory: the emulator does not grow with the number of messages. The benchmarks have a longer version."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.servers import ROOT, clean_environment

pytestmark = pytest.mark.slow

MESSAGES = 1000
#: Memory that a process may take at any time, whatever it does.
SLACK_MB = 16


def test_every_message_arrives_and_memory_does_not_grow() -> None:
    """An emulator that runs for a week must not use up the memory of the machine."""
    command = [sys.executable, "-m", "benchmarks.emulator", str(MESSAGES)]
    done = subprocess.run(command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True)
    measured = re.findall(r"(\d+) delivered, peak (\d+) MB before and (\d+) MB after", done.stdout)

    assert [int(delivered) for delivered, *_ in measured] == [MESSAGES] * 2
    assert all(int(after) - int(before) < SLACK_MB for _, before, after in measured)
