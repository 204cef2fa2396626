"""kill -9 of processes that work: everything that was accepted is done, and only a kill makes something run twice."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.servers import LIMIT_S, ROOT, clean_environment
from tests.work.killing import make_app, mark
from twiml_app import enqueue
from twiml_app.app import state_of
from twiml_app.journal import WorkArchive, WorkFilter

PIECES, KILLS = 60, 12


@pytest.mark.slow
def test_killed_processes_lose_no_work(database_url: str, tmp_path: Path) -> None:
    """Twelve kills, while 60 pieces of work ask for 60 more."""
    app, marks = make_app(database_url), tmp_path / "marks"
    engine = state_of(app).engine
    assert engine is not None
    archive = WorkArchive(engine)
    with app.app_context():
        enqueue(mark, 0, str(marks))
    arguments = f"{database_url!r}, Path({str(marks)!r}), {KILLS}, 1"
    source = f"from pathlib import Path; from tests.work.killing import kill_at_random; kill_at_random({arguments})"
    killer = subprocess.Popen(
        [sys.executable, "-c", source],
        cwd=ROOT,
        env=clean_environment(PYTHONPATH=str(ROOT)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        for number in range(1, PIECES):
            with app.app_context():
                enqueue(mark, number, str(marks))
            time.sleep(0.02)
        assert killer.stdout
        assert killer.stdout.readline() == b"killed\n"
        deadline = time.monotonic() + LIMIT_S
        while len(archive.latest(WorkFilter(state="done"), 1000)) < 2 * PIECES and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        killer.communicate()  # the end of its input ends its children too
    rows = archive.latest(WorkFilter(), 1000)
    engine.close()

    begun = Counter(int(line.split()[0]) for line in marks.read_text().splitlines())
    killed = sum(each.outcome == "killed" for row in rows for each in row.attempts)
    assert Counter(row.state for row in rows) == {"done": 2 * PIECES}
    assert sorted(begun) == [*range(PIECES), *range(1000, 1000 + PIECES)]
    assert sum(begun.values()) - len(begun) <= killed
    assert 0 < killed <= sum(row.attempt - 1 for row in rows)
