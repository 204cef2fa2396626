"""Replaces everything that points to a person in a text, in one pass, so that no replacement is replaced again."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .fakes import Fakes
from .folding import Token, fold, tokens_of
from .known_numbers import KnownNumbers
from .known_words import KnownWords, is_common, units, words_of
from .phone_numbers import NumberFinder
from .url_secrets import SCRUBBED, replace_spans, secrets_in

_SID = re.compile(r"[a-z]{2}[0-9a-f]{32}")
#: Shorter secrets and unknown values are replaced only where they were found: they may be any word.
_SHORTEST_SECRET = 6
_SHORTEST_VALUE = 5
#: Longer texts are rarely repeated.
_REMEMBERED_LENGTH = 60
_REPLACED = "q"

Replaced = tuple[int, int, str]


class TextScrubber:
    """Knows names, numbers and other strings of people, and replaces them in texts."""

    def __init__(self, fakes: Fakes, finder: NumberFinder) -> None:
        self._fakes = fakes
        self.numbers = KnownNumbers(fakes, finder)
        self.names = KnownWords()
        #: Strings that are replaced as a whole: addresses, secrets and the values of unknown parameters.
        self._others = KnownWords()
        self._remembered: dict[tuple[str, tuple[str, ...]], str] = {}

    def forget_texts(self) -> None:
        """Scrub every text again, because more is known."""
        self._remembered.clear()

    def add_address(self, address: str) -> None:
        """Search for an address that is not a phone number."""
        if address.isdecimal():
            self.numbers.add_id(fold(address).text, self._fakes.contact(address))
        self._others.add(words_of(address), self._fakes.contact(address))

    def add_secret(self, secret: str) -> None:
        """Search for a secret, also outside of URLs."""
        words = words_of(secret)
        if len("".join(words)) >= _SHORTEST_SECRET and not is_common(words):
            self._others.add(words, SCRUBBED)

    def add_secrets_of(self, text: str) -> None:
        """Search for the secrets of the URLs in a text."""
        for start, end, _ in secrets_in(text):
            for part in text[start:end].removesuffix("@").split(":", 1):
                self.add_secret(part)

    def add_value(self, value: str) -> None:
        """Search for the value of an unknown parameter."""
        words = words_of(value)
        if len("".join(words)) >= _SHORTEST_VALUE and not is_common(words) and value not in self.names:
            self._others.add(words, self.value(value))

    def value(self, value: str) -> str:
        """Return the replacement of the value of an unknown parameter."""
        return self.name(value) if value in self.names else self._fakes.value(fold(value).text)

    def name(self, value: str) -> str:
        """Return the replacement of a whole name, of which nothing but punctuation is kept."""
        page = _Page(value)
        page.replace(self._numbers(page, ()))
        page.replace(self._named(page, [token for token in page.tokens if page.is_free(token)]))
        return page.replaced()

    def text(self, text: str, regions: tuple[str, ...]) -> str:
        """Return a text in which known names, numbers, SIDs and secrets are replaced."""
        if len(text) > _REMEMBERED_LENGTH:
            return self._text(text, regions)
        made = self._remembered.get((text, regions))
        if made is None:
            made = self._remembered[text, regions] = self._text(text, regions)
        return made

    def _text(self, text: str, regions: tuple[str, ...]) -> str:
        page = _Page(text)
        page.replace(secrets_in(text))
        page.replace(self._sids(page))
        page.replace(self._known_others(page))
        page.replace(self._numbers(page, regions))
        page.replace(self._known_names(page))
        return page.replaced()

    def _sids(self, page: _Page) -> Iterator[Replaced]:
        for found in _SID.finditer(page.folded.text):
            yield (*page.folded.span(*found.span()), self._fakes.sid(page.folded.written(*found.span())))

    def _known_others(self, page: _Page) -> Iterator[Replaced]:
        for part, made in self._others.find(page.folded, page.tokens, page.is_free):
            yield (*page.folded.span(part[0].start, part[-1].end), made or "")

    def _numbers(self, page: _Page, regions: tuple[str, ...]) -> Iterator[Replaced]:
        visible = page.visible()
        for start, end, made in self.numbers.find(visible, regions):
            if made != visible[start:end]:
                yield (*page.folded.span(start, end), made)

    def _known_names(self, page: _Page) -> Iterator[Replaced]:
        for part, _ in self.names.find(page.folded, page.tokens, page.is_free):
            yield from self._named(page, part)

    def _named(self, page: _Page, tokens: list[Token]) -> Iterator[Replaced]:
        folded = page.folded
        for start, end in units(tokens):
            yield (*folded.span(start, end), self._fakes.name(folded.text[start:end], folded.written(start, end)))


class _Page:
    """A text in which parts are replaced, each once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.folded = fold(text)
        self.tokens = tokens_of(self.folded.text)
        self._spans: list[Replaced] = []
        self._taken = bytearray(len(text))

    def is_free(self, token: Token) -> bool:
        """Return whether a word is not yet replaced."""
        start, end = self.folded.span(token.start, token.end)
        return not any(self._taken[start:end])

    def visible(self) -> str:
        """Return the folded text with a letter in place of everything that is replaced."""
        if not self._spans:
            return self.folded.text
        places = zip(self.folded.text, self.folded.starts, strict=True)
        return "".join(_REPLACED if self._taken[place] else character for character, place in places)

    def replace(self, spans: Iterator[Replaced]) -> None:
        """Replace parts, except where something is replaced already."""
        for start, end, made in [*spans]:
            if not any(self._taken[start:end]):
                self._spans.append((start, end, made))
                self._taken[start:end] = b"\1" * (end - start)

    def replaced(self) -> str:
        """Return the text with everything replaced."""
        return replace_spans(self._text, self._spans) if self._spans else self._text
