"""kill -9 under load: no acknowledged event is lost, no finished one runs twice, retries get the first answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.kill import run


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)  # the kinds that a URL can name
def test_killed_workers_lose_nothing_and_repeat_nothing(database_url: str, tmp_path: Path) -> None:
    """The promise of exactly one reply must hold after twenty kills at random times under load."""
    tally = run(database_url, 20, tmp_path, events=60)

    assert tally.kills >= 20
    assert sum(bool(seen) for seen in tally.answers.values()) > 50
    assert (tally.missing, tally.differing, tally.ran_again, tally.gave_up) == ([], [], [], 0)
