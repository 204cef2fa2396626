"""A text as it is searched: escapes decoded, and every way to write the same letters and digits made equal."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import regex as re

_ESCAPES = re.compile(
    r"(?P<percent>(?:%(?:25)*[0-9A-Fa-f]{2})+)|(?P<json>(?:\\u[0-9A-Fa-f]{4})+)"
    r"|(?P<entity>&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|amp|lt|gt|quot|apos);)"
)
_BYTE = re.compile(r"%(?:25)*([0-9A-Fa-f]{2})")
_CLUSTER = re.compile(r"\X")
#: Scripts that are written without spaces between words, or, as Hangul, with endings attached to a name.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_TOKEN = re.compile(
    rf"(?P<unspaced>[{_UNSPACED}&&\p{{L}}]\p{{M}}*)|(?P<letters>[[\p{{L}}\p{{M}}]--[[{_UNSPACED}]&&\p{{L}}]]+)"
    r"|(?P<digits>[0-9]+)|(?P<symbol>[^\s\p{P}\p{Z}\p{C}\x00-\x7f])",
    re.VERSION1,
)
_ASCII_TOKEN = re.compile(r"(?P<letters>[a-z]+)|(?P<digits>[0-9]+)")
#: Accents of Latin, Greek and Cyrillic letters, and what makes an emoji of a digit.
_DROPPED_MARKS = (range(0x300, 0x370), range(0x20D0, 0x2100), range(0xFE00, 0xFE10))
_SAME = {"\u200b": " ", "ı": "i", "\u2044": "/", "\u2215": "/", "\u2212": "-", "·": ".", "•": "."}


class Token(NamedTuple):
    """A word, a run of digits or a symbol of a folded text; a single letter in scripts without spaces."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text, and where each of its characters comes from."""

    text: str
    #: The places of each character in the original text.
    starts: Sequence[int]
    ends: Sequence[int]
    #: The decoded original of each character; empty for the later characters of one letter.
    decoded: Sequence[str]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where a part of the folded text is in the original."""
        return self.starts[start], self.ends[end - 1]

    def written(self, start: int, end: int) -> str:
        """Return a part as a person wrote it, without escapes."""
        return "".join(self.decoded[start:end])


def fold(text: str) -> Folded:
    """Fold a text."""
    if text.isascii() and not any(each in text for each in "%\\&"):
        return Folded(text.lower(), range(len(text)), range(1, len(text) + 1), text)
    decoded = [*_decoded(text)]
    plain = "".join(character for character, _, _ in decoded)
    folded, starts, ends, written = [], [], [], []
    for cluster in _CLUSTER.finditer(plain):
        made = _fold_cluster(cluster[0])
        folded.append(made)
        starts += [decoded[cluster.start()][1]] * len(made)
        ends += [decoded[cluster.end() - 1][2]] * len(made)
        written += [cluster[0], *[""] * (len(made) - 1)] if made else []
    return Folded("".join(folded), starts, ends, written)


def tokens_of(folded: str) -> list[Token]:
    """Return the words, digits and symbols of a folded text."""
    pattern = _ASCII_TOKEN if folded.isascii() else _TOKEN
    return [Token(str(found.lastgroup), found[0], *found.span()) for found in pattern.finditer(folded)]


@lru_cache(maxsize=10_000)
def _fold_cluster(cluster: str) -> str:
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", cluster).casefold())
    return unicodedata.normalize("NFC", "".join(map(_fold_character, plain)))


def _fold_character(character: str) -> str:
    if character in _SAME:
        return _SAME[character]
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Cf" or any(ord(character) in each for each in _DROPPED_MARKS):
        return ""
    return {"Pd": "-", "Zs": " ", "Cs": "\ufffd"}.get(category, character)


def _decoded(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each character with its place, the escapes of URLs, JSON and XML decoded."""
    done = 0
    for found in _ESCAPES.finditer(text):
        yield from ((text[place], place, place + 1) for place in range(done, found.start()))
        done = found.end()
        if found.lastgroup == "percent":
            yield from _percent_decoded(text, *found.span())
        elif found.lastgroup == "json":
            yield from _json_decoded(text, *found.span())
        else:
            yield from ((character, *found.span()) for character in html.unescape(found[0]))
    yield from ((text[place], place, place + 1) for place in range(done, len(text)))


def _percent_decoded(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    found = [*_BYTE.finditer(text, start, end)]
    raw = bytes(int(each[1], 16) for each in found)
    place = 0
    while place < len(raw):
        length = 1 + sum(raw[place] >= first for first in (0xC0, 0xE0, 0xF0))
        character = raw[place : place + length].decode("utf-8", "ignore")
        taken = length if len(character) == 1 and len(raw) - place >= length else 1
        yield character if taken == length else "\ufffd", found[place].start(), found[place + taken - 1].end()
        place += taken


def _json_decoded(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    units = [int(text[place + 2 : place + 6], 16) for place in range(start, end, 6)]
    place = 0
    while place < len(units):
        pair = units[place : place + 2]
        is_pair = len(pair) == 2 and 0xD800 <= pair[0] < 0xDC00 <= pair[1] < 0xE000
        code = 0x10000 + ((pair[0] - 0xD800) << 10) + pair[1] - 0xDC00 if is_pair else pair[0]
        taken = 2 if is_pair else 1
        yield chr(code), start + 6 * place, start + 6 * (place + taken)
        place += taken
