"""Shorten strings from outside before they are quoted in a message."""

from __future__ import annotations

MAX_SHOWN_CHARACTERS = 60


def shown(text: str, most: int = MAX_SHOWN_CHARACTERS) -> str:
    """Return a string from outside for use in a message; a long one is cut."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
