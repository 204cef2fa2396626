"""Check open dialogs against a program before it is deployed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..errors import TwimlAppError
from ..routing import Router
from .engine import Dialogs
from .stored import StoredDialog


@dataclass(slots=True)
class Checked:
    """What was found: how many dialogs are open, and how many of them cannot go on, by question and reason."""

    open: int = 0
    problems: Counter[str] = field(default_factory=Counter)


def check_dialogs(router: Router, stored: Iterable[str], now: float) -> Checked:
    """Run open dialogs over what is stored of them; no step runs, and nothing is stored.

    ``stored`` has each dialog as JSON, and ``now`` is in seconds since 1970.
    """
    dialogs, checked = Dialogs(router), Checked()
    for each in stored:
        dialog = StoredDialog.from_text(each)
        if dialog.ended_at is not None or dialog.expires_at <= now:
            continue
        checked.open += 1
        if problem := _problem(dialogs, dialog):
            checked.problems[f"{dialog.name} version {dialog.version}, {_where(dialog)}: {problem}"] += 1
    return checked


def describe_dialog(stored: str) -> str:
    """Return what a stored dialog is waiting for, without its answers and phone numbers."""
    dialog = StoredDialog.from_text(stored)
    where = "ended" if dialog.ended_at is not None else _where(dialog)
    return f"{dialog.name} version {dialog.version}, {where}"


def _problem(dialogs: Dialogs, dialog: StoredDialog) -> str:
    try:
        return dialogs.problem(dialog)
    except TwimlAppError as error:
        return str(error)
    except Exception as error:  # whatever the program raises
        return f"it raises {type(error).__name__}: {error}"


def _where(dialog: StoredDialog) -> str:
    return f"at the question {dialog.open.about!r}" if dialog.open else "between two questions"
