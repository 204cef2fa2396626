"""Checks of the journal: its disk, its files and its tables."""

from __future__ import annotations

import glob
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from ..assembly import TwimlState
from ..errors import JournalError
from ..journal import sqlite_path
from ..private_files import is_open_to_others
from .findings import Finding

#: Variables of platforms that discard the disk at the next deploy.
_DISCARDING = ("DYNO", "K_SERVICE", "AWS_LAMBDA_FUNCTION_NAME", "RENDER", "FLY_APP_NAME", "RAILWAY_ENVIRONMENT")
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108 - compared with, not written to


def check_journal(state: TwimlState) -> Iterator[Finding]:
    """Check that the journal can be written to, that its disk is persistent, and that its files are private."""
    if state.engine is None:
        yield Finding("warning", "journal", "off: a message that Twilio sends twice is answered twice")
        return
    try:
        state.engine.check()
        missing = state.engine.missing_indexes()
    except JournalError as error:
        yield Finding("error", "journal", str(error))
        return
    finally:
        state.engine.close()
    if missing:
        names = ", ".join(index.name for index in missing)
        yield Finding("warning", "journal", f"slow to search without {names}: run twiml-app journal upgrade")
    url = state.settings.database_url
    if url.startswith("sqlite:"):
        yield from _check_files(sqlite_path(url, state.root).resolve())
    else:
        yield Finding("ok", "journal", "can be written to")


def _check_files(place: Path) -> Iterator[Finding]:
    """Check that the disk of a SQLite journal is persistent, and that its files are private."""
    if reason := _why_temporary(place):
        yield Finding("warning", "journal", f"{place} {reason}: use PostgreSQL, or a persistent disk")
    else:
        hint = " (in a container: mount a volume there)" if Path("/.dockerenv").exists() else ""
        yield Finding("ok", "journal", f"can be written to, {place}{hint}")
    if files := _open_files(place):
        command = shlex.join(["chmod", "600", *map(str, files)])
        yield Finding("warning", "journal", f"other users can read or change people's texts: type {command}")


def _open_files(place: Path) -> list[Path]:
    """Return the files of a SQLite journal that other users can use: the database and the files next to it."""
    beside = place.parent.glob(f"{glob.escape(place.name)}-*")
    return [file for file in (place, *sorted(beside)) if is_open_to_others(file)]


def _why_temporary(path: Path) -> str:
    if any(path.is_relative_to(folder) for folder in _TEMPORARY):
        return "is in a folder for temporary files"
    if platform := next((name for name in _DISCARDING if name in os.environ), ""):
        return f"may be gone after the next deploy on this platform ({platform} is set)"
    return ""
