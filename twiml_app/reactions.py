"""Reactions: the texts that a phone sends when somebody taps a heart or a thumb onto one of our messages.

SMS has no reactions, so an iPhone writes ``Liked “See you at noon”``, in the language of the phone. Google Messages
puts invisible characters around the emoji and the quoted text, which are the same in every language. No vendor
documents the forms; these were seen in real traffic:

- English, Norwegian, Bulgarian, and Google Messages: the patterns of the text app QUIK,
  https://github.com/quik-sms/quik/tree/master/data/src/main/assets/emojis and
  https://github.com/quik-sms/quik/pull/533;
- pictures: https://github.com/FossifyOrg/Messages/issues/190 and https://github.com/GrapheneOS/Messaging/issues/38;
- Spanish, French and German: what several public programs have recorded from phones. Forms that only one of them has
  are left out, and so are other languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

#: The emoji of the reactions that iPhones had before they took any emoji.
EMOJI: Final = {"love": "❤️", "like": "👍", "dislike": "👎", "laugh": "😂", "emphasize": "‼️", "question": "❓"}

#: What phones write for each kind of reaction: ``…`` is the quoted text, ``*`` an emoji.
_ADDED: Final = {
    "love": (
        *("Loved …", "Le encantó …", "Le encanta …", "A adoré …", "Satte et hjerte ved …", "Харесано …"),
        *("… ein Herz hinzugefügt", "A attribué la mention « Adore » à …", "a attribué la mention « Adore » à …"),
    ),
    "like": (
        *("Liked …", "Le gustó …", "Le gusta …", "Le Gusta …", "A aimé …", "Likte …"),
        *("A attribué la mention « J’aime » à …", "a attribué la mention « J’aime » à …"),
    ),
    "dislike": ("Disliked …", "N’a pas aimé …", "Mislikte …"),
    "laugh": ("Laughed at …", "Le dio risa …", "Lo av …"),
    "emphasize": ("Emphasized …", "Exclamó por …", "Satte utropstegn ved …"),
    "question": ("Questioned …", "Satte spørsmålstegn ved …"),
    "sticker": ("Reacted with a sticker to …",),
    "emoji": (
        *("Reacted * to …", "Reaccionó con * a …", "A réagi avec * à …", "Reagerte med * på …", "Реакция * към …"),
        *("* to …", "* a …", "* à …"),
    ),
}
_REMOVED: Final = {
    "love": ("Removed a heart from …", "Fjernet et hjerte fra …"),
    "like": ("Removed a like from …", "Liker ikke lenger …"),
    "dislike": ("Removed a dislike from …", "Misliker ikke lenger …"),
    "laugh": ("Removed a laugh from …", "Fjernet latter fra …"),
    "emphasize": ("Removed an exclamation from …", "Fjernet et utropstegn fra …"),
    "question": ("Removed a question mark from …", "Fjernet et spørsmålstegn fra …"),
    "emoji": ("Removed * from …", "Fjernet * fra …", "Премахнато * от …"),
}
#: What phones write instead of a quoted text.
_PICTURES: Final = frozenset({"an image", "a video", "an attachment", "una imagen"})
#: Some carriers replace curly quotes by plain ones.
_QUOTES: Final = {"“": "”", "„": "“", "«": "»", "‘": "’", '"': '"'}
#: The longest emoji is a family of four with skin tones; the joiner is the first character that is in any of them.
_LONGEST_EMOJI, _ZERO_WIDTH_JOINER = 12, "\u200d"
_SKIN_TONES_AND_VARIANTS: Final = dict.fromkeys([*range(0x1F3FB, 0x1F400), 0xFE0F])
#: A hair space, and a zero-width space (non-joiner for a removed reaction) on both sides of the emoji.
_GOOGLE = re.compile(
    "\u200a[^\u200a-\u200c]*([\u200b\u200c])([^\u200a-\u200c]{1,12})\\1[^\u200a-\u200c]*\u200a(.*)\u200a"
    "[^\u200a-\u200c]*\u200a",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Reaction:
    """A reaction to one of our messages, which a phone sent as a text."""

    #: ``love``, ``like``, ``dislike``, ``laugh``, ``emphasize``, ``question``, ``sticker``, or ``emoji`` for any other.
    kind: str
    #: The emoji, such as ``👍``; if the phone wrote a word, that of the kind; empty for a sticker.
    emoji: str
    #: The text that the contact reacted to, which the phone may have cut; empty for a picture.
    quoted: str
    removed: bool = False  #: Whether the contact took the reaction back.


class _Form(NamedTuple):
    """The words around the quoted text, or around the emoji and the quoted text."""

    kind: str
    removed: bool
    before: str
    #: What is between the emoji and the quoted text; empty if the form has no emoji.
    between: str
    after: str

    @property
    def first_word(self) -> str:
        """The first word; empty if the text begins with the emoji or the quoted text."""
        return self.before.partition(" ")[0]


class _Found(NamedTuple):
    """A reaction, and where its quoted text begins and ends."""

    reaction: Reaction
    start: int
    end: int


def parse_reaction(text: str) -> Reaction | None:
    """Return the reaction that a text is, None for any other text.

    The whole text must have one of the forms, with the capital and the quotes of the phone. Somebody who types exactly
    the same text is taken for a phone.
    """
    found = _find(text)
    return found.reaction if found else None


def split_reaction(text: str) -> tuple[str, str, str] | None:
    """Return what is before the quoted text of a reaction, the quoted text, and the rest; None for any other text."""
    found = _find(text)
    return (text[: found.start], text[found.start : found.end], text[found.end :]) if found else None


def _find(text: str) -> _Found | None:
    """Return the reaction in a text; any other text pays only for the look at its beginning."""
    first = text[:1]  # emoji, curly quotes and invisible characters are above U+2000
    if not text or (text.partition(" ")[0] not in _FORMS and (first < "\u2000" or first.isalpha())):
        return None
    if google := _GOOGLE.fullmatch(text):
        return _Found(_of_emoji(google[2], google[3], google[1] == "\u200c"), *google.span(3))
    plain = text.strip()
    start = text.find(plain)
    forms = _FORMS.get(plain.partition(" ")[0], ()) + _FORMS[""]
    found = next(filter(None, (_match(form, plain) for form in forms)), None)
    return _Found(found.reaction, found.start + start, found.end + start) if found else None


def _match(form: _Form, text: str) -> _Found | None:
    """Return the reaction of a text that has this form."""
    start, end = len(form.before), len(text) - len(form.after)
    if not (text.startswith(form.before) and text.endswith(form.after) and start < end):
        return None
    emoji = EMOJI.get(form.kind, "")
    if form.between:
        emoji, found, _ = text[start:end].partition(form.between)
        if not (found and _is_emoji(emoji)):
            return None
        start += len(emoji) + len(found)
    span = _quoted_span(text, start, end)
    if span is None:
        return None
    quoted = text[slice(*span)]
    if form.between:
        return _Found(_of_emoji(emoji, quoted, form.removed), *span)
    return _Found(Reaction(form.kind, emoji, quoted, form.removed), *span)


def _quoted_span(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return where the quoted text is, without its quotes; an empty span for a picture, None if nothing is quoted."""
    if text[start:end] in _PICTURES:
        return end, end
    opening, closing = text[start], _QUOTES.get(text[start])
    if closing is None or end - start < 3 or text[end - 1] != closing:
        return None
    inside = text[start + 1 : end - 1]
    if not inside.strip() or not _is_one_quotation(inside, opening, closing):
        return None
    return start + 1 + len(inside) - len(inside.lstrip()), start + 1 + len(inside.rstrip())


def _is_one_quotation(inside: str, opening: str, closing: str) -> bool:
    """Return whether the last quote closes the first one: ``Liked “this” and “that”`` is written by a person."""
    depth = 1
    for character in inside:
        depth += (character == opening) - (character == closing)
        if depth < 1 or (opening == closing and character == opening):
            return False
    return depth == 1


def _is_emoji(text: str) -> bool:
    """Return whether a text is an emoji, as far as its length and the ranges of its characters tell."""
    if not 0 < len(text) <= _LONGEST_EMOJI or min(text) < _ZERO_WIDTH_JOINER:
        return False
    is_symbol = any(character >= "\u2139" or character in EMOJI["emphasize"] for character in text)
    return is_symbol and not any(character.isalpha() or character.isspace() for character in text)


def _of_emoji(emoji: str, quoted: str, removed: bool) -> Reaction:
    """Return the reaction with an emoji, whatever its skin tone is."""
    return Reaction(_KINDS.get(emoji.translate(_SKIN_TONES_AND_VARIANTS), "emoji"), emoji, quoted, removed)


def _spelled(form: str) -> set[str]:
    """Return a form with typographic and with plain apostrophes."""
    return {form, form.replace("’", "'")}


def _read_forms() -> Iterator[_Form]:
    for removed, table in ((False, _ADDED), (True, _REMOVED)):
        for kind, written in (
            (kind, each) for kind, forms in table.items() for form in forms for each in _spelled(form)
        ):
            words, _, after = written.partition("…")
            before, star, between = words.partition("*")
            yield _Form(kind, removed, before, between if star else "", after)


_KINDS: Final = {emoji.translate(_SKIN_TONES_AND_VARIANTS): kind for kind, emoji in EMOJI.items()}
#: The forms by their first word.
_FORMS: Final[dict[str, tuple[_Form, ...]]] = {}
for _form in _read_forms():
    _FORMS[_form.first_word] = (*_FORMS.get(_form.first_word, ()), _form)
