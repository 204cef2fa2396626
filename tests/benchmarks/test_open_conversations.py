"""The measurement of open conversations runs, and each message of it has its turn."""

from __future__ import annotations

from pathlib import Path

from benchmarks.open_conversations import compare


def test_claim_and_answer_are_measured_in_both_stores(tmp_path: Path) -> None:
    """A short form; the figures are those of the long one."""
    urls = [f"sqlite:///{tmp_path}/empty.db", f"sqlite:///{tmp_path}/full.db"]

    found = compare(urls, 200, 1)

    assert set(found) == {"claim", "answer"}
    assert all(time > 0 for times in found.values() for time in times)
