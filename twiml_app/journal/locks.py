"""File locks: the queue of writers, and the byte that stands for one event."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import sys
import threading
from contextlib import suppress
from pathlib import Path

from .lock_holders import holders

#: ``struct flock`` on 64-bit Linux: type, whence, start, length, pid.
_FLOCK = "hhqqi4x"


class LockTimeout(OSError):
    """A lock was not free within its time limit."""


def open_lock_file(path: Path) -> int:
    """Open a lock file that only its owner can read; a child process that is executed does not inherit it.

    Raises: OSError.
    """
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


class _Request:
    """A thread that waits for the lock; if nobody wants the lock any more when it is granted, it is released."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = os.dup(descriptor)
        self.granted = threading.Event()
        self.is_wanted = True


class QueueLock:
    """The lock that writers of all processes wait for, each with a time limit.

    ``flock`` has none, so a thread waits in it when the lock is not free at once. A command gives its ``name``, and
    writes it into the file with its process id while it holds the lock. One thread at a time may use it.
    """

    def __init__(self, path: Path, name: str = "") -> None:
        self._descriptor = -1
        self.path = path
        self._name = name
        self._descriptor = open_lock_file(path)
        self._mutex = threading.Lock()
        self._request: _Request | None = None
        self._is_held = False

    def acquire(self, limit_s: float) -> None:
        """Take the lock.

        Raises: LockTimeout, which names the process that holds it.
        """
        if not self._try() and not self._wait(limit_s):
            raise LockTimeout(f"the write lock was not free within {limit_s:.1f} s, held by {holders([self.path])}")
        self._is_held = True
        if self._name:
            self._write(f"{os.getpid()} {self._name}\n")

    def release(self) -> None:
        """Release the lock; nothing happens if it is not held."""
        if not self._is_held:
            return
        self._is_held = False
        if self._name:
            self._write("")
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Release the lock for good; a thread that still waits for it releases it when it is granted."""
        with self._mutex:
            if self._request:
                self._request.is_wanted = False
        self.release()
        self._close_descriptor()

    def close_inherited(self) -> None:
        """Close the descriptors of a parent process, which keeps its lock."""
        self._is_held = False
        self._close_descriptor()
        if self._request and not self._request.granted.is_set():
            os.close(self._request.descriptor)

    def __del__(self) -> None:
        """Close the file; a thread that waits for the lock keeps the object."""
        self._close_descriptor()

    def _close_descriptor(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _write(self, holder: str) -> None:
        """Write who holds the lock; on a full disk, it is taken and released all the same."""
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, holder.encode(), 0)

    def _try(self) -> bool:
        if self._request is not None:
            return False
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _wait(self, limit_s: float) -> bool:
        with self._mutex:
            request = self._request = self._request or self._start()
            request.is_wanted = True
        try:
            request.granted.wait(limit_s)
        except BaseException:  # the thread is ending, and nobody would release the lock
            if self._settle(request):
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            raise
        return self._settle(request)

    def _settle(self, request: _Request) -> bool:
        """Return whether the lock was granted; if it was not, nobody waits for it any more."""
        with self._mutex:
            request.is_wanted = request.granted.is_set()
            self._request = None if request.is_wanted else self._request
            return request.is_wanted

    def _start(self) -> _Request:
        request = _Request(self._descriptor)
        threading.Thread(target=self._await_lock, args=(request,), name="twiml-app lock", daemon=True).start()
        return request

    def _await_lock(self, request: _Request) -> None:
        fcntl.flock(request.descriptor, fcntl.LOCK_EX)
        with self._mutex:
            if request.is_wanted:
                request.granted.set()
            else:
                fcntl.flock(request.descriptor, fcntl.LOCK_UN)
                self._request = None
            os.close(request.descriptor)


class EventLocks:
    """Locks on single events, each one byte of a file: the system releases them at the instant a process dies.

    They are open-file-description locks, so the threads of this process exclude each other by a set. A child that a
    handler forks without Python's knowledge holds them as well, until it ends.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = -1
        self._descriptor = open_lock_file(path)
        self._mutex = threading.Lock()
        self._held: set[int] = set()

    def acquire(self, offset: int) -> bool:
        """Take the lock at an offset (62 bits), and return whether it was free.

        Raises: OSError.
        """
        with self._mutex:
            if offset in self._held:
                return False
            self._held.add(offset)
        try:
            _lock_byte(self._descriptor, fcntl.F_WRLCK, offset)
        except BaseException as error:
            self._held.discard(offset)
            if isinstance(error, BlockingIOError):
                return False
            raise
        return True

    def release(self, offset: int) -> None:
        """Release the lock at an offset."""
        with suppress(OSError):
            _lock_byte(self._descriptor, fcntl.F_UNLCK, offset)
        self._held.discard(offset)

    def close(self) -> None:
        """Close the file, which releases every lock; in a forked child, the parent keeps its locks."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def __del__(self) -> None:
        """Close the file when no claim needs it any more: a request may still use one that was replaced."""
        self.close()


def supports_event_locks(path: Path) -> bool:
    """Return whether the system has open-file-description locks for a file: macOS and some file systems do not.

    Raises: OSError.
    """
    if sys.platform != "linux" or struct.calcsize("P") != 8:
        return False
    descriptor = open_lock_file(path)
    try:
        _lock_byte(descriptor, fcntl.F_WRLCK, 2**62)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _lock_byte(descriptor: int, kind: int, offset: int) -> None:
    """Lock or unlock one byte.

    Raises: OSError.
    """
    if descriptor < 0:
        raise OSError(errno.EBADF, "the locks belong to the parent of this process")
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, kind, os.SEEK_SET, offset, 1, 0))
