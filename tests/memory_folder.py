"""Where tests keep databases: in memory, because a disk takes milliseconds for each commit.

A process that is killed loses nothing there either. The program treats files below ``/dev`` as devices when it replaces
them, so tests of such files stay on a disk.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FOLDER = "/dev/shm"
#: More than the tests that run at a time take.
ENOUGH_BYTES = 2_000_000_000


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """Yield an empty folder, in memory if there is enough of it, and remove it."""
    folder = FOLDER if _has_room() else None
    with tempfile.TemporaryDirectory(prefix="twiml-", dir=folder, ignore_cleanup_errors=True) as made:
        yield Path(made)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """An empty folder: imported where most tests have a database in it."""
    with folder_in_memory() as folder:
        yield folder


def _has_room() -> bool:
    try:
        system = os.statvfs(FOLDER)
    except OSError:
        return False
    return system.f_bavail * system.f_frsize >= ENOUGH_BYTES and os.access(FOLDER, os.W_OK)
