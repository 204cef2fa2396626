"""One file for each process that writes to the journal: proof that it lives, and a trace of the requests it handles.

The file is locked for as long as the process lives. Before a handler runs, its request is written into a free slot of
the file, without waiting for the disk; afterwards the slot is filled with zeros. The file of a dead process therefore
contains the requests that were being handled when it died.
"""

from __future__ import annotations

import fcntl
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from .locks import open_lock_file

#: The distance between slots; what is not written takes no space on the disk.
SLOT_BYTES = 1 << 20
#: In front of a record: its length and its checksum.
_HEAD = struct.Struct("=II")
MAX_RECORD_BYTES = SLOT_BYTES - _HEAD.size


class Slot(NamedTuple):
    """The place of a record in the file of its process."""

    number: int
    size: int


class WorkerFile:
    """The file of this process."""

    def __init__(self, folder: Path, owner: int) -> None:
        self._descriptor = -1
        folder.mkdir(mode=0o700, exist_ok=True)
        self._descriptor = open_lock_file(file_of(folder, owner))
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)  # another process may be looking at the new file
        self._mutex = threading.Lock()
        self._free: list[int] = []
        self._slots = 0

    def put(self, record: bytes) -> Slot:
        """Write a record of at most ``MAX_RECORD_BYTES`` bytes into a free slot.

        Raises: OSError.
        """
        data = _HEAD.pack(len(record), zlib.crc32(record)) + record
        number = self._take()
        slot = Slot(number, len(data))
        try:
            if os.pwrite(self._descriptor, data, number * SLOT_BYTES) != len(data):
                raise OSError("the trace of a request could not be written completely: is the disk full?")
        except OSError:
            self.clear(slot)
            raise
        return slot

    def clear(self, slot: Slot) -> None:
        """Overwrite a record with zeros, so that no text stays behind, and free its slot."""
        with suppress(OSError):
            os.pwrite(self._descriptor, bytes(slot.size), slot.number * SLOT_BYTES)
        with self._mutex:
            self._free.append(slot.number)

    def close(self) -> None:
        """Close the file, which unlocks it; in a forked child, the parent keeps its lock."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def __del__(self) -> None:
        """Close the file when no claim needs it any more: a request may still use one that was replaced."""
        self.close()

    def _take(self) -> int:
        with self._mutex:
            if self._free:
                return self._free.pop()
            self._slots += 1
            return self._slots - 1


def file_of(folder: Path, owner: int) -> Path:
    """Return the file of a process."""
    return folder / f"{owner:016x}"


def is_alive(path: Path) -> bool:
    """Return whether the process of a file lives; call it where no process can be creating its file."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared, as several processes may look
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def files_of_dead_processes(folder: Path) -> list[Path]:
    """Return the files whose processes are dead.

    Raises: OSError.
    """
    try:
        paths = sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    return [path for path in paths if not is_alive(path)]


def read_records(path: Path) -> Iterator[bytes]:
    """Yield the records in a file; one that was not written completely is left out.

    Raises: OSError.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # another process has collected it
        return
    try:
        for start in range(0, os.fstat(descriptor).st_size, SLOT_BYTES):
            head = os.pread(descriptor, _HEAD.size, start)
            size, checksum = _HEAD.unpack(head.ljust(_HEAD.size, b"\0"))
            record = os.pread(descriptor, min(size, MAX_RECORD_BYTES), start + _HEAD.size)
            if record and zlib.crc32(record) == checksum:
                yield record
    finally:
        os.close(descriptor)
