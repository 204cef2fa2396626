"""Remove deleted texts from the disk, now or when no reader needs them any more."""

from __future__ import annotations

from .engine import WAIT_S, Engine
from .migrations import set_meta

_MARK = "forget"


def forget(engine: Engine) -> bool:
    """Remove deleted texts from the disk; return False if a reader still holds them, so that it happens later.

    Raises: JournalUnavailable.
    """
    engine.run(lambda execute: set_meta(execute, _MARK, "due"))
    return finish_forgetting(engine)


def finish_forgetting(engine: Engine, *, wait_s: float = WAIT_S) -> bool:
    """Remove deleted texts from the disk if that is still to be done; return False if a reader still holds them.

    Each of its steps waits at most ``wait_s`` for other writers.

    Raises: JournalUnavailable.
    """
    if not engine.read(lambda execute: execute("SELECT 1 FROM meta WHERE name = ?", (_MARK,)), wait_s=wait_s):
        return True
    if not engine.forget(wait_s=wait_s):
        return False
    engine.run(lambda execute: execute("DELETE FROM meta WHERE name = ?", (_MARK,)), durable=False, wait_s=wait_s)
    return True
