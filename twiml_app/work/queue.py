"""A queue by which the processes of a web server tell those of ``twiml-app worker`` at once that something is due.

It is kept by huey, https://huey.readthedocs.io, in SQLite, PostgreSQL or Redis, and carries JSON only. The journal
is what counts: if the queue loses something or cannot be reached, workers find the work when they look by themselves.
"""

from __future__ import annotations

import importlib
import json
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from ..config import Settings
from ..errors import ConfigurationError, JournalUnavailable
from ..logs import log_event

#: How many announcements may wait: if nobody listens, the queue does not grow.
MOST_WAITING = 100
#: How often a queue in SQLite is looked at, in seconds; the others wait for an announcement.
POLL_S = 0.05
#: How long listening may take, and how long a server may take to answer, in seconds.
_WAIT_S = 1
_SOCKET_S = 5
_ANNOUNCEMENT = json.dumps("due").encode()


class Storage(Protocol):
    """What is needed of a storage of huey."""

    blocking: bool

    def enqueue(self, data: bytes) -> None:
        """Add something."""

    def dequeue(self) -> bytes | None:
        """Take something; None if there is nothing."""

    def queue_size(self) -> int:
        """Return how much there is."""

    def close(self) -> object:
        """Close the connections of this thread."""


class WorkQueue:
    """Announces and listens; ``open_storage`` is called when it is first used."""

    def __init__(self, open_storage: Callable[[], Storage]) -> None:
        self._open = open_storage
        self._storage: Storage | None = None
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._announced = threading.Event()

    def announce(self) -> None:
        """Say that something is due, from a thread of its own: this neither waits nor raises."""
        with self._starting:
            if self._thread is None or not self._thread.is_alive():  # a forked child has no thread yet
                self._thread = threading.Thread(target=self._announce, name="twiml queue", daemon=True)
                self._thread.start()
        self._announced.set()

    def wait(self) -> bool:
        """Wait for an announcement, for a second at most; return whether there was one.

        Raises: JournalUnavailable.
        """
        try:
            return self._connected().dequeue() is not None
        except Exception as error:  # each storage has exceptions of its own
            self.close()
            raise JournalUnavailable(f"the queue cannot be reached: {error}; check TWIML_QUEUE_URL") from error

    def close(self) -> None:
        """Close the connection; it is opened again when it is needed."""
        storage, self._storage = self._storage, None
        if storage is not None:
            with suppress(Exception):  # it may be broken
                storage.close()

    @property
    def poll_s(self) -> float:
        """How long to wait until it is looked at again, in seconds."""
        return 0.0 if self._storage and self._storage.blocking else POLL_S

    def _announce(self) -> None:
        while True:
            self._announced.wait()
            self._announced.clear()
            try:
                storage = self._connected()
                if storage.queue_size() < MOST_WAITING:
                    storage.enqueue(_ANNOUNCEMENT)
            except Exception as error:  # the workers find the work by themselves
                self.close()
                log_event(logging.WARNING, "queue", {"problem": error})

    def _connected(self) -> Storage:
        if self._storage is None:
            self._storage = self._open()
        return self._storage


class Listener:
    """One step of the background of ``twiml-app worker``: wakes the others when something is announced."""

    def __init__(self, queue: WorkQueue, wake: Callable[[], object]) -> None:
        self._queue = queue
        self._wake = wake

    def run_due(self) -> float:
        """Wait for an announcement.

        Raises: JournalUnavailable.
        """
        if self._queue.wait():
            self._wake()
            return 0.0
        return self._queue.poll_s


def open_queue(settings: Settings, root: Path) -> WorkQueue | None:
    """Return the queue that ``TWIML_QUEUE_URL`` names, None if there is none; it connects when it is first used.

    Raises: ConfigurationError, if what it needs is not installed.
    """
    url = settings.queue_url
    if not url:
        return None
    needed = "psycopg" if url.startswith("postgres") else "redis" if url.startswith(("redis", "unix")) else "sqlite3"
    try:
        importlib.import_module(needed)
        storages = importlib.import_module("huey.storage")
    except ModuleNotFoundError as error:
        extra = {"psycopg": "work,postgres", "redis": "redis"}.get(needed, "work")
        raise ConfigurationError("TWIML_QUEUE_URL", f"needs more packages: pip install 'twiml-app[{extra}]'") from error
    return WorkQueue(lambda: _storage(storages, url, root))


def _storage(storages: Any, url: str, root: Path) -> Storage:
    storage: Storage
    if url.startswith("sqlite:///"):
        path = root / url.removeprefix("sqlite:///")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        storage = storages.SqliteStorage("twiml", str(path), timeout=_WAIT_S)
        storage.blocking = False
    elif url.startswith("postgres"):
        storage = storages.PostgresStorage(
            "twiml", dsn=url, table_prefix="twiml_queue", read_timeout=_WAIT_S, connect_timeout=_SOCKET_S
        )
    else:
        pool = importlib.import_module("redis").ConnectionPool.from_url(
            url, socket_timeout=_SOCKET_S, socket_connect_timeout=_SOCKET_S
        )
        storage = storages.RedisStorage("twiml", connection_pool=pool, read_timeout=_WAIT_S)
    return storage
