"""The modes of files, and programs that run with another umask, which the process of the tests must not change."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.servers import LIMIT_S, clean_environment


def mode_of(path: Path) -> int:
    """Return the permission bits of a file."""
    return path.stat().st_mode & 0o777


def run_with_umask(
    umask: int, code: str, *arguments: str, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> None:
    """Run a program in a process of its own, which reads the arguments from ``sys.argv``."""
    command = [sys.executable, "-c", f"import sys\n{code}", *arguments]
    given = clean_environment(**environment or {})
    subprocess.run(command, umask=umask, cwd=folder, env=given, check=True, timeout=LIMIT_S)
