"""Notices changes of the files of a program: Python files, templates and ``.env``."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

#: How long to wait between two looks, in seconds; a look that takes long is followed by a longer wait.
INTERVAL_S = 0.1
_SHARE = 10
#: Folders at the top of a project that the program does not load; saving a test must not reload it.
_NOT_OF_THE_PROGRAM = ("tests", "instance", "build", "dist")
_NEVER = ("__pycache__", "node_modules")


class Watcher:
    """Calls ``on_change`` from a thread of its own after files below ``root`` have changed."""

    def __init__(self, root: Path, on_change: Callable[[], object]) -> None:
        self._root = root
        self._on_change = on_change
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="twiml dev watcher", daemon=True)
        self._known = scan(root)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def watches(self, path: Path) -> bool:
        """Return whether a file is one of those that are looked at."""
        return str(path) in self._known

    def stop(self) -> None:
        """Stop looking."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        wait_s = INTERVAL_S
        while not self._stopping.wait(wait_s):
            started = time.perf_counter()
            found = scan(self._root)
            wait_s = max(INTERVAL_S, _SHARE * (time.perf_counter() - started))
            if found != self._known:
                self._known = found
                self._on_change()


def scan(root: Path) -> dict[str, tuple[int, int, int]]:
    """Return time, size and inode of each file of a program; links to folders are not followed."""
    found: dict[str, tuple[int, int, int]] = {}
    folders = [(str(root), False)]
    while folders:
        folder, has_templates = folders.pop()
        with suppress(OSError), os.scandir(folder) as entries:  # a folder may be deleted meanwhile
            for entry in entries:
                is_top = folder == str(root)
                if entry.is_dir(follow_symlinks=False):
                    if _may_have_code(entry, is_top):
                        folders.append((entry.path, has_templates or entry.name == "templates"))
                elif has_templates or entry.name.endswith(".py") or (is_top and entry.name == ".env"):
                    found[entry.path] = _signs(entry)
    return found


def _may_have_code(folder: os.DirEntry[str], is_top: bool) -> bool:
    if folder.name.startswith(".") or folder.name in _NEVER or (is_top and folder.name in _NOT_OF_THE_PROGRAM):
        return False
    return not os.path.exists(os.path.join(folder.path, "pyvenv.cfg"))  # noqa: PTH110, PTH118 - quicker, for each look


def _signs(entry: os.DirEntry[str]) -> tuple[int, int, int]:
    try:
        status = entry.stat()
    except OSError:  # a broken link
        return 0, 0, 0
    return status.st_mtime_ns, status.st_size, status.st_ino
