"""Text patterns: written like Flask URL rules, compiled to regular expressions over the original text.

``order <int:count> <item>`` matches "Order 2 Flat White." with ``count=2`` and ``item="Flat White."``. Letters match
in any case and a space matches any run of white space; a plain quote or dash also matches the curly and long ones that
phones type; closing punctuation may follow, unless the pattern ends in free text.
"""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Any, NamedTuple

from ..errors import RegistrationError
from .positions import Blanks, Character, Choice, Number, Run, Step, Steps, Text

_PLACEHOLDER = re.compile(
    r"<\s*(?:(?P<converter>[A-Za-z_]\w*)\s*(?:\((?P<choices>[^()<>]*)\))?\s*:\s*)?(?P<name>[^<>:\s]+)\s*>"
)
#: A whole run of white space; an expression that may start inside a run would be tried at each place in it.
_SPACE = r"(?<=\S)\s++"


class Closing(NamedTuple):
    """An expression for one of the characters that may follow a pattern, and one for every other character."""

    character: str
    other: str


_CLOSING = Closing(r"[\s.,;:!?…]", r"[^\s.,;:!?…]")
_BLANKS = Closing(r"\s", r"\S")
_CLOSING_END = re.compile(_CLOSING.character + r"*\Z")
#: At most this many captures may have an ambiguous end; with one more, a long text would take seconds.
_MAX_LOOSE = 2
_LOOK_ALIKES = {"'": "['’‘ʼ′`´‛]", '"': '["“”„‟«»″]', "-": "[-‐‑‒–—―−]"}
#: A character that cannot be part of a word, so it ends a word capture.
_PARTING = re.compile(r"[^\w'’ʼ′`´‛‐‑‒–—―−-]")
#: A character that cannot be part of a word or of a number.
_APART = re.compile(r"[^\w'’ʼ′`´‛‐‑‒–—―−+.-]")
_WORD, _WORD_LENGTH = r"[\w'’-]", 100
_SIGN, _DIGITS = "[-+−]", 18
_INTEGER = rf"{_SIGN}?\d{{1,{_DIGITS}}}"
#: A word of ASCII letters and digits; no other letter follows, as some match these in any case (ſ matches s).
_FIRST_WORD = re.compile(r"\s*+((?a:\w)++)(?!\w)")
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
    #: None if the regular expression takes linear time; otherwise it could try too many combinations of ends.
    steps: Steps | None

    @property
    def first_word(self) -> str:
        """The ``first_word`` of every text that matches and has one; empty if it may be any."""
        literal = "".join(token.texts[0] for token in takewhile(lambda token: not token.converter, self.tokens))
        any_letter = "é" if self.converters else ""  # a capture may continue the word
        return first_word(literal + any_letter)

    @property
    def key(self) -> str:
        """A key that two patterns share if they match the same texts; case and names of captures do not matter."""
        return re.sub(r"\(\?P<\w+>", "(", self.regex.pattern).lower()

    def match(self, text: str) -> dict[str, Any] | None:
        """Return the converted captures of a text, None if it does not match."""
        if self.steps:
            parts = self.steps.match(text)
            return None if parts is None else self._convert(parts)
        found = self.regex.fullmatch(text)
        return None if found is None else self._convert(found.groups())

    def _convert(self, parts: Iterable[str]) -> dict[str, Any]:
        return {name: convert(part) for (name, convert), part in zip(self.converters.items(), parts, strict=True)}


def first_word(text: str) -> str:
    """Return the first word in lower case; empty if it does not consist of ASCII letters and digits only."""
    found = _FIRST_WORD.match(text)
    return found[1].lower() if found else ""


def compile_pattern(source: str) -> TextPattern:
    """Compile a pattern.

    Raises: RegistrationError, for an unknown converter, a name that is not a Python name, and similar mistakes.
    """
    converters: dict[str, Callable[[str], Any]] = {}
    tokens: list[Token] = []
    text, end = source.strip(), 0
    for found in _PLACEHOLDER.finditer(text):
        tokens += _literal_tokens(text[end : found.start()], source)
        name = _new_name(found["name"], converters, source)
        converter = found["converter"] or "text"
        group, converters[name] = _converter(converter, found["choices"], source)
        tokens.append(Token(group, converter, tuple(_choices(found["choices"]))))
        end = found.end()
    rest = text[end:]
    tokens += _literal_tokens(_CLOSING_END.sub("", rest) or ("" if converters else rest), source)
    if not text:
        raise RegistrationError(f"the pattern {source!r} is empty: write the words it should match")
    if _count_loose(tokens) > _MAX_LOOSE:
        raise RegistrationError(
            f"the pattern {source!r} has too many open-ended captures: use <word:name> for some of them"
        )
    closing = _BLANKS if tokens[-1].converter == "text" and not rest else _CLOSING
    regex = re.compile(_expression(tokens, list(converters), closing), re.IGNORECASE)
    return TextPattern(
        source, regex, converters, tuple(tokens), None if _is_direct(tokens) else _steps(tokens, closing)
    )


def compile_at_decorator(pattern: str) -> TextPattern:
    """Compile a pattern for a decorator that calls this; an error names the line of the decorator.

    Raises: RegistrationError.
    """
    try:
        return compile_pattern(pattern)
    except RegistrationError as error:
        decorator = sys._getframe(2)
        raise RegistrationError(str(error), f"{decorator.f_code.co_filename}:{decorator.f_lineno}") from error


def _expression(tokens: Sequence[Token], names: Iterable[str], closing: Closing) -> str:
    """Return the expression for a whole text."""
    expression, remaining = r"\s*+", iter(names)
    for place, token in enumerate(tokens, 1):
        part = token.expression
        if token.converter == "text" and place == len(tokens):
            # As short as possible: up to the last character that is not a closing one.
            part = rf"\S(?s:.*{closing.other})?+"
        expression += f"(?P<{next(remaining)}>{part})" if token.converter else part
    return f"{expression}{closing.character}*+"


def _gaps(tokens: Sequence[Token]) -> Iterator[tuple[Token, str, Token | None]]:
    """Yield each capture with the literal text after it, and the capture after that."""
    places = [place for place, token in enumerate(tokens) if token.converter]
    for place, after in pairwise([*places, len(tokens)]):
        between = "".join(token.texts[0] for token in tokens[place + 1 : after])
        yield tokens[place], between, tokens[after] if after < len(tokens) else None


def _count_loose(tokens: Sequence[Token]) -> int:
    """Count the captures with an ambiguous end; of two texts, the first ends where the second can start."""
    return sum(
        (capture.converter == "text" and (following.converter != "text" if following else bool(between)))
        or (capture.converter == "word" and following is not None and not _PARTING.search(between))
        for capture, between, following in _gaps(tokens)
    )


def _is_direct(tokens: Sequence[Token]) -> bool:
    """Return whether the regular expression takes linear time: at most one capture has several possible ends."""
    gaps = list(_gaps(tokens))
    if any(capture.converter == "text" and (between or following) for capture, between, following in gaps):
        return False
    return sum(following is not None and _has_open_end(capture, between) for capture, between, following in gaps) <= 1


def _has_open_end(capture: Token, between: str) -> bool:
    """Return whether another end of a capture could fit before the literal text that follows it."""
    return not _APART.search(between) or any(_APART.search(text) for text in capture.texts)


def _steps(tokens: Sequence[Token], closing: Closing) -> Steps:
    steps = [_capture_step(token) if token.converter else _literal_step(token) for token in tokens]
    captures = [place for place, token in enumerate(tokens) if token.converter]
    head, *others = (
        "".join(token.expression for token in tokens[start + 1 : end])
        for start, end in pairwise([-1, *captures, len(tokens)])
    )
    longest = _compiled(max(others, key=len))
    return Steps(_compiled(rf"\s*+{head}"), longest, tuple(steps), tuple(captures), _compiled(closing.character))


def _literal_step(token: Token) -> Character | Blanks:
    return Blanks() if token.is_space else Character(_compiled(token.expression))


def _capture_step(token: Token) -> Step:
    if token.converter == "any":
        by_length = sorted(token.texts, key=len, reverse=True)
        return Choice(tuple(tuple(map(_literal_step, _split(text))) for text in by_length))
    if token.converter == "text":
        return Text()
    whole = _compiled(token.expression)
    if token.converter == "word":
        return Run(whole, _compiled(_WORD), _WORD_LENGTH)
    point = _compiled(r"\.") if token.converter == "float" else None
    return Number(whole, Run(whole, _compiled(r"\d"), _DIGITS), _compiled(_SIGN), point)


def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.IGNORECASE)


def _literal_tokens(text: str, source: str) -> list[Token]:
    """Return the tokens of literal words: white space, quotes and dashes match as people type them."""
    if "<" in text or ">" in text:
        raise RegistrationError(
            f"the pattern {source!r} has a < or > that is not part of a placeholder: write <name> or <int:name>"
        )
    if braces := _BRACES.search(text):
        name = braces["name"] if braces["name"].isidentifier() else "name"
        raise RegistrationError(f"the pattern {source!r} has {braces[0]}, which captures nothing: write <{name}>")
    return list(_split(text))


def _split(text: str) -> Iterator[Token]:
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
    expressions = {word: "".join(token.expression for token in _literal_tokens(word, source)) for word in by_length}

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
    "word": (rf"{_WORD}{{1,{_WORD_LENGTH}}}", str),
    "int": (_INTEGER, _to_integer),
    "float": (_INTEGER + rf"(?:\.\d{{1,{_DIGITS}}})?", _to_float),
}
