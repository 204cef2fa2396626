"""The names of people and places, and other strings that are replaced wherever they occur."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from ..opt_out_words import OPT_OUT_WORDS
from .folding import Folded, Token, fold, tokens_of

_FEWEST_LETTERS = 3
#: A name in a script without spaces is found from this number of characters.
_FEWEST_UNSPACED = 2
#: How many characters may separate the words of a name in a text.
_LONGEST_GAP = 3
_TITLES = ("mrs", "miss", "prof", "herr", "frau", "señor", "madame", "monsieur", "inc", "llc", "ltd", "gmbh")
_PARTICLES = ("van", "von", "der", "den", "del", "della", "des", "dos", "das", "bin", "ibn", "the", "and", "und", "for")
_SHORT = (
    *("am", "an", "as", "at", "be", "by", "do", "go", "he", "hi", "if", "in", "is", "it", "me", "my", "no", "of", "ok"),
    *("on", "or", "so", "to", "up", "us", "we"),
)
_OPT_OUT_WORDS = (word.lower() for words in OPT_OUT_WORDS.values() for word in words)
#: Words that are not replaced on their own, because they say nothing about a person.
_COMMON = frozenset({*_TITLES, *_PARTICLES, *_SHORT, *_OPT_OUT_WORDS})

Words = tuple[str, ...]


class KnownWords:
    """Phrases to search for, in any case and Unicode form, and each with its replacement; None means by word."""

    def __init__(self) -> None:
        self._phrases: dict[Words, str | None] = {}
        self._lengths: dict[str, list[int]] = {}
        #: How the shortest names are written: in another case they would be found anywhere.
        self._exact: dict[Words, set[str]] = {}

    def __contains__(self, value: str) -> bool:
        return words_of(value) in self._phrases

    def add(self, words: Words, replacement: str | None = None) -> None:
        """Search for a phrase; the first replacement of a phrase stays."""
        if not words or words in self._phrases:
            return
        self._phrases[words] = replacement
        lengths = self._lengths.setdefault(words[0], [])
        if len(words) not in lengths:
            lengths.append(len(words))
            lengths.sort(reverse=True)

    def add_place(self, value: str) -> None:
        """Search for the whole name of a place, and for each part of an address between commas."""
        for part in {value, *value.split(",")}:
            tokens = _tokens(part)
            if _is_searchable(tokens):
                self.add(_texts(tokens))
            else:
                self._add_exactly(part, tokens)

    def add_person(self, value: str) -> None:
        """Search for the whole name of a person, for its words together, and for each word on its own."""
        tokens = _tokens(value)
        if not _is_searchable(tokens):
            self._add_exactly(value, tokens)
            return
        self.add(_texts(tokens))
        for token in tokens:
            if token.kind == "letters":
                self._add_word(token.text)
        for part in (value, *value.split(), *re.split(r"[\s-]+", value)):
            self._add_together(part)
        for name in map(_texts, _runs(tokens)):
            if len(name) >= _FEWEST_UNSPACED:
                self.add(name)
            if len(name) == _FEWEST_UNSPACED + 1:  # the family name is usually one character
                self.add(name[1:])

    def _add_together(self, name: str) -> None:
        """Search for the words of a name written as one: ``adalovelace``, and ``oreilly`` for ``O'Reilly``."""
        self._add_word("".join(token.text for token in _tokens(name) if token.kind == "letters"))

    def _add_word(self, word: str) -> None:
        if len(word) >= _FEWEST_LETTERS and word not in _COMMON:
            self.add((word,))

    def _add_exactly(self, value: str, tokens: Sequence[Token]) -> None:
        written = _readable(value.strip())
        if len(written) < _FEWEST_UNSPACED or not any(map(str.isalpha, written)) or is_common(_texts(tokens)):
            return
        self.add(_texts(tokens))
        self._exact.setdefault(_texts(tokens), set()).add(written)

    def find(
        self, folded: Folded, tokens: Sequence[Token], is_free: Callable[[Token], bool]
    ) -> Iterator[tuple[list[Token], str | None]]:
        """Yield the tokens of each phrase, and its replacement."""
        place = 0
        while place < len(tokens):
            found = self._at(folded, tokens, place, is_free) if tokens[place].text in self._lengths else 0
            if found:
                part = list(tokens[place : place + found])
                yield part, self._phrases[_texts(part)]
            place += found or 1

    def _at(self, folded: Folded, tokens: Sequence[Token], place: int, is_free: Callable[[Token], bool]) -> int:
        """Return the number of tokens of the longest phrase that begins at a place; 0 if none does."""
        for length in self._lengths[tokens[place].text]:
            part = tokens[place : place + length]
            if _texts(part) not in self._phrases or not self._is_written_so(folded, part):
                continue
            if _is_together(part) and all(map(is_free, part)):
                return 0 if length == 1 and _is_inside_a_code(tokens, place) else length
        return 0

    def _is_written_so(self, folded: Folded, part: Sequence[Token]) -> bool:
        """Return whether a part is a name as it is written, if it is one of the shortest names."""
        exact = self._exact.get(_texts(part))
        if exact is None:
            return True
        return any(_surroundings(folded, part, value) == value for value in exact)


def words_of(value: str) -> Words:
    """Return the words of a string as they are searched for."""
    return _texts(_tokens(value))


def is_common(words: Words) -> bool:
    """Return whether this is a word that says nothing about a person."""
    return len(words) == 1 and words[0] in _COMMON


def units(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Yield where the words of a name are; characters without spaces between them are one word."""
    run: list[Token] = []
    for token in tokens:
        if run and not (run[-1].kind == token.kind == "unspaced" and run[-1].end == token.start):
            yield run[0].start, run[-1].end
            run = []
        run.append(token)
    if run:
        yield run[0].start, run[-1].end


def _tokens(value: str) -> list[Token]:
    return tokens_of(fold(value).text)


def _texts(tokens: Sequence[Token]) -> Words:
    return tuple(token.text for token in tokens)


def _is_searchable(tokens: Sequence[Token]) -> bool:
    """Return whether a name can be searched for; one of one or two letters would be found anywhere."""
    unspaced = sum(token.kind == "unspaced" for token in tokens)
    letters = unspaced + sum(len(token.text) for token in tokens if token.kind == "letters")
    return (unspaced >= _FEWEST_UNSPACED or letters >= _FEWEST_LETTERS) and not is_common(_texts(tokens))


def _surroundings(folded: Folded, part: Sequence[Token], value: str) -> str:
    """Return a part with as much punctuation around it as in a name."""
    inside = _tokens(value)
    before, after = inside[0].start, len(fold(value).text) - inside[-1].end
    return _readable(folded.written(max(part[0].start - before, 0), part[-1].end + after))


def _readable(text: str) -> str:
    return unicodedata.normalize("NFC", text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def _runs(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    for start, end in units(tokens):
        run = [token for token in tokens if start <= token.start < end]
        if run[0].kind == "unspaced":
            yield run


def _is_together(tokens: Sequence[Token]) -> bool:
    return all(after.start - token.end <= _LONGEST_GAP for token, after in pairwise(tokens))


def _is_inside_a_code(tokens: Sequence[Token], place: int) -> bool:
    """Return whether letters have a digit on both sides, as in a hexadecimal number."""
    token, before, after = tokens[place], tokens[max(place - 1, 0)], tokens[min(place + 1, len(tokens) - 1)]
    return (before.kind, after.kind) == ("digits", "digits") and (before.end, after.start) == (token.start, token.end)
