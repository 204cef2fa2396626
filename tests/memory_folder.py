"""Where tests keep their files: in memory, because a disk takes milliseconds for each commit of a database."""

from __future__ import annotations

import os

FOLDER = "/dev/shm"
#: More than a run of all tests takes at a time.
ENOUGH_BYTES = 4_000_000_000


def folder_in_memory() -> str:
    """Return a folder in memory that is large enough and can contain programs, or nothing."""
    try:
        system = os.statvfs(FOLDER)
    except OSError:
        return ""
    has_room = system.f_bavail * system.f_frsize >= ENOUGH_BYTES
    return FOLDER if has_room and os.access(FOLDER, os.W_OK) and not system.f_flag & os.ST_NOEXEC else ""
