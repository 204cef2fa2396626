"""What came from outside, as it is repeated in a sentence."""

from __future__ import annotations

MAX_SHOWN_CHARACTERS = 60


def shown(text: str, most: int = MAX_SHOWN_CHARACTERS) -> str:
    """Return a text that came from outside as it is repeated: cut, if it is long."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
