"""Text patterns: written like Flask URL rules, compiled to regular expressions over the original text.

``order <int:count> <item>`` matches "Order 2 Flat White." with ``count=2`` and ``item="Flat White."``. Letters match
in any case and a space matches any run of white space; a plain quote or dash also matches the curly and long ones that
phones type; closing punctuation may follow, unless the pattern ends in free text.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import RegistrationError

_PLACEHOLDER = re.compile(
    r"<\s*(?:(?P<converter>[A-Za-z_]\w*)\s*(?:\((?P<choices>[^()<>]*)\))?\s*:\s*)?(?P<name>[^<>:\s]+)\s*>"
)
#: A whole run of white space; an expression that may start inside a run would be tried at each place in it.
_SPACE = r"(?<=\S)\s++"
_CLOSING = r"[\s.,;:!?…]*"
_CLOSING_END = re.compile(_CLOSING + r"\Z")
#: At most this many captures may have an ambiguous end; with one more, a long text would take seconds.
_MAX_LOOSE = 2
_LOOK_ALIKES = {"'": "['’‘ʼ′`´‛]", '"': '["“”„‟«»″]', "-": "[-‐‑‒–—―−]"}
#: A character that cannot be part of a word, so it ends a word capture.
_PARTING = re.compile(r"[^\w'’ʼ′`´‛‐‑‒–—―−-]")
_INTEGER = r"[-+−]?\d{1,18}"
#: A placeholder as str.format has it.
_BRACES = re.compile(r"\{\s*(?P<name>[^\W\d]\w*|\d*)(?:[!:.][^{}]*)?\s*\}")


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a pattern: a literal character, a run of white space, or a capture."""

    expression: str
    #: Empty for a literal.
    converter: str = ""
    #: The texts of a literal, or the choices of ``any``.
    texts: tuple[str, ...] = ()

    @property
    def is_space(self) -> bool:
        """Whether it matches white space."""
        return self.expression == _SPACE


@dataclass(frozen=True, slots=True)
class TextPattern:
    """A compiled pattern: ``match`` returns the values of its captures, None if the text does not match."""

    source: str
    regex: re.Pattern[str]
    #: The function that converts each capture, by its name.
    converters: dict[str, Callable[[str], Any]]
    tokens: tuple[Token, ...]

    @property
    def key(self) -> str:
        """A key that two patterns share if they match the same texts; case and names of captures do not matter."""
        return re.sub(r"\(\?P<\w+>", "(", self.regex.pattern).lower()

    def match(self, text: str) -> dict[str, Any] | None:
        """Return the converted captures of a text, None if it does not match."""
        found = self.regex.fullmatch(text)
        if found is None:
            return None
        return {name: convert(found[name]) for name, convert in self.converters.items()}


def compile_pattern(source: str) -> TextPattern:
    """Compile a pattern.

    Raises: RegistrationError, for an unknown converter, a name that is not a Python name, and similar mistakes.
    """
    converters: dict[str, Callable[[str], Any]] = {}
    tokens: list[Token] = []
    expression, text, last, start, end, loose = r"\s*", source.strip(), "", 0, 0, 0
    for found in _PLACEHOLDER.finditer(text):
        between = text[end : found.start()]
        expression += _literal(between, source)
        name = _new_name(found["name"], converters, source)
        converter = found["converter"] or "text"
        group, converters[name] = _converter(converter, found["choices"], source)
        if last == converter == "text":
            # The second capture takes any text, so the first one never needs to be retried with more of it.
            expression = rf"{expression[:start]}(?>{expression[start:]}(?=\S))"
        else:
            loose += last == "text" or (last == "word" and not _PARTING.search(between))
        last, start, end = converter, len(expression), found.end()
        expression += f"(?P<{name}>{group})"
        tokens += [*_literal_tokens(between), Token(group, converter, tuple(_choices(found["choices"])))]
    rest = text[end:]
    tail = _CLOSING_END.sub("", rest) or ("" if converters else rest)
    expression += _literal(tail, source)
    if not text:
        raise RegistrationError(f"the pattern {source!r} is empty: write the words it should match")
    if loose + (last == "text" and bool(tail)) > _MAX_LOOSE:
        raise RegistrationError(
            f"the pattern {source!r} has too many open-ended captures: use <word:name> for some of them"
        )
    closing = r"\s*" if last == "text" and not rest else _CLOSING
    tokens += _literal_tokens(tail)
    return TextPattern(source, re.compile(expression + closing, re.IGNORECASE), converters, tuple(tokens))


def _literal(text: str, source: str) -> str:
    """Return the expression for literal words: white space, quotes and dashes match as people type them."""
    if "<" in text or ">" in text:
        raise RegistrationError(
            f"the pattern {source!r} has a < or > that is not part of a placeholder: write <name> or <int:name>"
        )
    if braces := _BRACES.search(text):
        name = braces["name"] if braces["name"].isidentifier() else "name"
        raise RegistrationError(f"the pattern {source!r} has {braces[0]}, which captures nothing: write <{name}>")
    return "".join(token.expression for token in _literal_tokens(text))


def _literal_tokens(text: str) -> Iterator[Token]:
    for piece in re.findall(r"\s+|\S", text):
        expression = _SPACE if piece.isspace() else _LOOK_ALIKES.get(piece) or re.escape(piece)
        yield Token(expression, texts=(piece,))


def _new_name(name: str, known: dict[str, Any], source: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise RegistrationError(f"the pattern {source!r} captures {name!r}, which cannot be a parameter's name")
    if name in known:
        raise RegistrationError(f"the pattern {source!r} captures {name!r} twice")
    return name


def _converter(name: str, choices: str | None, source: str) -> tuple[str, Callable[[str], Any]]:
    """Return the expression of a converter and the function that converts its value."""
    if name == "any":
        return _any(choices, source)
    if choices is not None:
        raise RegistrationError(f"the pattern {source!r} gives choices to {name}: only any(a, b) takes them")
    if name not in _CONVERTERS:
        known = ", ".join([*_CONVERTERS, "any(a, b)"])
        raise RegistrationError(f"the pattern {source!r} has the unknown converter {name!r}: use one of {known}")
    return _CONVERTERS[name]


def _any(choices: str | None, source: str) -> tuple[str, Callable[[str], str]]:
    """Return the expression for one of several words; the value is the word as written in the pattern."""
    words = _choices(choices)
    if not words:
        raise RegistrationError(f"the pattern {source!r} has any without choices: write any(small, large)")
    by_length = sorted(words, key=len, reverse=True)
    expressions = {word: _literal(word, source) for word in by_length}

    def value(typed: str) -> str:
        return next(word for word, each in expressions.items() if re.fullmatch(each, typed, re.IGNORECASE))

    return "|".join(expressions.values()), value


def _choices(choices: str | None) -> list[str]:
    return [choice.strip() for choice in (choices or "").split(",") if choice.strip()]


def _to_integer(text: str) -> int:
    return int(text.replace("−", "-"))


def _to_float(text: str) -> float:
    return float(text.replace("−", "-"))


_CONVERTERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "text": (r"(?s:\S.*?)", str),
    "word": (r"[\w'’-]{1,100}", str),
    "int": (_INTEGER, _to_integer),
    "float": (_INTEGER + r"(?:\.\d{1,18})?", _to_float),
}
