"""Reactions to a message, as phones send them to numbers that get them as text."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import ConfigurationError

#: What an iPhone writes in front of the text.
REACTIONS: Mapping[str, str] = {
    "love": "Loved",
    "like": "Liked",
    "dislike": "Disliked",
    "laugh": "Laughed at",
    "emphasize": "Emphasized",
    "question": "Questioned",
}
_MAX_EMOJI = 16


def reaction_text(reaction: str, text: str) -> str:
    """Return the text message of a reaction to a text: that of a name in ``REACTIONS``, or of an emoji.

    Raises: ConfigurationError.
    """
    verb = REACTIONS.get(reaction)
    if verb is None and (not reaction or reaction.isascii() or len(reaction) > _MAX_EMOJI):
        names = ", ".join(REACTIONS)
        raise ConfigurationError("reaction", f"{reaction[:_MAX_EMOJI]!r} is not an emoji or one of: {names}")
    return f"{verb} “{text}”" if verb else f"Reacted {reaction} to “{text}”"
