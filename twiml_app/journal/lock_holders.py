"""Which process holds a lock: the answer for whoever is on call."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_LOCKS = Path("/proc/locks")
_MAX_WORDS = 6
#: Numbers of people and passwords of URLs, which command lines contain and a log must not.
_SECRETS = re.compile(r"\+?\d(?:[ ().-]*\d){4,}|(?<=//)[^/ ]+(?=@)")


def holders(paths: Iterable[Path], *, locks: Path = _LOCKS) -> str:
    """Return the processes that hold a write lock on one of the files, as text; "another process" if none is known.

    The system names them on Linux; elsewhere a command names itself in its lock file.
    """
    found = {_inode(path): path for path in paths}
    pids = [pid for pid, inode in _write_locks(locks) if inode in found and pid != os.getpid()]
    named = [f"pid {pid} ({_command(pid)})" for pid in dict.fromkeys(pids)]
    return ", ".join(named or filter(None, map(_named_in, found.values()))) or "another process"


def _write_locks(locks: Path) -> list[tuple[int, int]]:
    """Return the process and the inode of each write lock; an open-file-description lock has no process."""
    try:
        lines = [line.split() for line in locks.read_text().splitlines()]
    except OSError:
        return []
    whole = [line for line in lines if len(line) >= 6 and line[1] != "->" and line[3] == "WRITE"]
    return [(int(line[4]), int(line[5].rpartition(":")[2])) for line in whole if int(line[4]) > 0]


def _command(pid: int) -> str:
    """Return the command line of a process, without control characters and cut to one line."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "unknown"
    text = " ".join(word.decode("utf-8", "replace") for word in words[:_MAX_WORDS] if word)
    return _shown(text) or "unknown"


def _shown(text: str) -> str:
    """Return a text without secrets and control characters, cut to one line."""
    return _SECRETS.sub("…", "".join(character for character in text if character.isprintable()))[:120]


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _named_in(path: Path) -> str:
    """Return what a command wrote into its lock file, if that command still runs."""
    try:
        text = path.read_text(errors="replace")[:200] if path.name.endswith("-queue") else ""
        pid, _, name = text.partition("\n")[0].partition(" ")
        return f"pid {int(pid)} ({_shown(name)})" if _is_running(int(pid)) else ""
    except (OSError, ValueError, OverflowError):
        return ""


def _is_running(pid: int) -> bool:
    """Return whether a process runs, perhaps that of another user.

    Raises: OSError, if it does not; OverflowError.
    """
    with suppress(PermissionError):
        os.kill(pid, 0)
    return pid > 0
