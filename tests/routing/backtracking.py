"""Text patterns as plain backtracking regular expressions: what a pattern means, however long a match takes."""

from __future__ import annotations

import re
from typing import Any

from twiml_app.routing.patterns import TextPattern

_PLACEHOLDER = re.compile(r"<(?:(\w+)(?:\(([^()]*)\))?:)?(\w+)>")
_LOOK_ALIKES = {"'": "['’‘ʼ′`´‛]", '"': '["“”„‟«»″]', "-": "[-‐‑‒–—―−]"}
_CLOSING = r"[\s.,;:!?…]*"
_INTEGER = r"[-+−]?\d{1,18}"
_CONVERTERS = {
    "text": r"(?s:\S.*?)",
    "word": r"[\w'’-]{1,100}",
    "int": _INTEGER,
    "float": _INTEGER + r"(?:\.\d{1,18})?",
}


def expression_of(source: str) -> str:
    """Return the expression for a whole text."""
    expression, last, end, text = r"\s*", "", 0, source.strip()
    for found in _PLACEHOLDER.finditer(text):
        last, choices, name = found[1] or "text", found[2], found[3]
        group = _choices(choices) if last == "any" else _CONVERTERS[last]
        expression += f"{_literal(text[end : found.start()])}(?P<{name}>{group})"
        end = found.end()
    rest = text[end:]
    tail = re.sub(_CLOSING + r"\Z", "", rest) or ("" if last else rest)
    return expression + _literal(tail) + (r"\s*" if last == "text" and not rest else _CLOSING)


def match_by_backtracking(pattern: TextPattern, text: str) -> dict[str, Any] | None:
    """Return the converted captures of a text, None if it does not match."""
    found = re.fullmatch(expression_of(pattern.source), text, re.IGNORECASE)
    return found and {name: convert(found[name]) for name, convert in pattern.converters.items()}


def _literal(text: str) -> str:
    pieces = re.findall(r"\s+|\S", text)
    return "".join(
        r"(?<=\S)\s++" if piece.isspace() else _LOOK_ALIKES.get(piece) or re.escape(piece) for piece in pieces
    )


def _choices(choices: str) -> str:
    words = [choice.strip() for choice in choices.split(",")]
    return "|".join(_literal(word) for word in sorted(words, key=len, reverse=True))
