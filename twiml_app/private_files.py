"""Files with people's texts or with secrets: only their owner may read them, whatever the umask is."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

_PRIVATE = 0o600
_GROUP_AND_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def create_private(path: Path) -> None:
    """Create an empty private file, unless there is a file already.

    Raises: OSError.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE))


def make_private(path: Path) -> None:
    """Make a file private if it exists and is not private already.

    Raises: OSError.
    """
    with suppress(FileNotFoundError, PermissionError):  # the file of another user stays as it is
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode != _private(mode):
            path.chmod(_PRIVATE)


def is_open_to_others(path: Path) -> bool:
    """Return whether users outside the file's group can use the file, and its folder lets them reach it."""
    try:
        return bool(path.stat().st_mode & stat.S_IRWXO and path.parent.stat().st_mode & stat.S_IXOTH)
    except FileNotFoundError:
        return False


def write_private(path: Path, lines: Iterable[str]) -> None:
    """Write a private file atomically: an interrupted write leaves the old file.

    Raises: OSError.
    """
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else _PRIVATE
    _replace(path, lines, lambda draft: _set_mode(draft, _private(mode)))


def rewrite(path: Path, lines: Iterable[str]) -> None:
    """Replace the content of a file atomically; its owner, group and mode stay.

    Raises: OSError.
    """
    found = path.stat()
    _replace(path, lines, lambda draft: _inherit(draft, found))


def _private(mode: int) -> int:
    return _PRIVATE if mode & _GROUP_AND_OTHERS else mode


def _replace(path: Path, lines: Iterable[str], set_access: Callable[[int], None]) -> None:
    """Write a draft, which is private until it is complete, and rename it; a device or a pipe is only written to."""
    if not _is_replaceable(path):
        with path.open("w", encoding="utf-8") as file:
            file.writelines(lines)
        return
    path = path.resolve()
    descriptor, draft = tempfile.mkstemp(prefix=".draft-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(lines)
            set_access(descriptor)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink()
        raise


def _is_replaceable(path: Path) -> bool:
    """Return whether a file may be renamed to this path: never to a device, such as /dev/null or /dev/stdout."""
    return not str(path).startswith(("/dev/", "/proc/")) and (path.is_file() or not path.exists())


def _inherit(descriptor: int, found: os.stat_result) -> None:
    """Give a draft the owner, group and mode of the file that it replaces, as far as the system allows."""
    mode = stat.S_IMODE(found.st_mode)
    with suppress(PermissionError):
        os.fchown(descriptor, -1, found.st_gid)
        os.fchown(descriptor, found.st_uid, -1)
    if os.fstat(descriptor).st_gid != found.st_gid:
        mode &= ~stat.S_IRWXG  # meant for another group
    _set_mode(descriptor, mode)


def _set_mode(descriptor: int, mode: int) -> None:
    with suppress(PermissionError):  # some file systems have no modes
        os.fchmod(descriptor, mode)
