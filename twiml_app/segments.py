"""SMS encoding and segments: choose GSM-7 or UCS-2, count segments, split long text.

The tables and the sizes are those of https://www.twilio.com/docs/glossary/what-is-gsm-7-character-encoding and
https://www.twilio.com/docs/glossary/what-sms-character-limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")

_GSM7 = GSM7_BASIC | GSM7_EXTENSION
_SINGLE = {"GSM-7": 160, "UCS-2": 70}
_CONCATENATED = {"GSM-7": 153, "UCS-2": 67}

#: Twilio's limit for the text of a message, in UTF-16 units, https://www.twilio.com/docs/messaging/twiml/message.
MAX_UNITS = 1600

Encoding = Literal["GSM-7", "UCS-2"]


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The segments of a message: joining ``parts`` gives the text again."""

    encoding: Encoding
    #: Septets (GSM-7) or UTF-16 units (UCS-2).
    units: int
    parts: tuple[str, ...]

    @property
    def count(self) -> int:
        """The number of segments that are sent and billed."""
        return len(self.parts)


def utf16_units(text: str) -> int:
    """Return the length of a string in UTF-16 units, the unit of Twilio's limit of 1600."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def segment(text: str) -> Segmentation:
    """Split text into the segments that are sent; empty text takes one."""
    encoding: Encoding = "GSM-7" if _GSM7.issuperset(text) else "UCS-2"
    clusters = list(_clusters(text))
    units = sum(_units(cluster, encoding) for cluster in clusters)
    if units <= _SINGLE[encoding]:
        return Segmentation(encoding, units, (text,))
    return Segmentation(encoding, units, tuple(_fill(clusters, encoding)))


def split_text(text: str, limit: int) -> list[str]:
    """Split text at word boundaries into pieces of at most ``limit`` UTF-16 units.

    A longer word is split between visible characters, never inside one.
    """
    pieces: list[str] = []
    rest = text.strip()
    while utf16_units(rest) > limit:
        head = _longest_head(rest, limit)
        boundary = _last_space(rest, len(head))
        piece = rest[:boundary] if boundary else head
        pieces.append(piece.rstrip())
        rest = rest[len(piece) :].lstrip()
    return [*pieces, rest]


def _last_space(text: str, end: int) -> int:
    """Return the end of the last word that ends at or before ``end``, 0 if there is none."""
    if text[end].isspace():
        return end
    while end and not text[end - 1].isspace():
        end -= 1
    return end


def _longest_head(text: str, limit: int) -> str:
    """Return the longest prefix of a text that fits into the limit; the whole text must not fit.

    A visible character is split only if it exceeds the limit.
    """
    clusters = _clusters(text)
    length, room = 0, limit
    while (units := utf16_units(cluster := next(clusters))) <= room:
        length += len(cluster)
        room -= units
    return text[:length] or text[: max(1, limit // 2)]


def _clusters(text: str) -> Iterator[str]:
    """Yield the visible characters (grapheme clusters): an emoji of several code points is one."""
    if text.isascii() and "\r" not in text:
        yield from text
        return
    import regex  # rarely needed, and slower to import than the rest of the receiver

    for match in regex.finditer(r"\X", text):
        yield match.group()


def _units(cluster: str, encoding: Encoding) -> int:
    if encoding == "UCS-2":
        return utf16_units(cluster)
    return len(cluster) + sum(character in GSM7_EXTENSION for character in cluster)


def _fill(clusters: list[str], encoding: Encoding) -> Iterator[str]:
    """Yield parts that fit into a concatenated segment; a cluster is split only if it does not fit into one."""
    room = _CONCATENATED[encoding]
    part, used = "", 0
    for cluster in _cut_oversized(clusters, encoding):
        size = _units(cluster, encoding)
        if used + size > room:
            yield part
            part, used = "", 0
        part += cluster
        used += size
    yield part


def _cut_oversized(clusters: list[str], encoding: Encoding) -> Iterator[str]:
    """Yield the clusters; one that does not fit into a segment is yielded as its code points."""
    for cluster in clusters:
        if _units(cluster, encoding) <= _CONCATENATED[encoding]:
            yield cluster
        else:
            yield from cluster
