"""Segments: how many a message takes, and that no character is split."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twiml_app.segments import segment, split_text, utf16_units

#: Code points of the basic set, https://www.twilio.com/docs/glossary/what-is-gsm-7-character-encoding
BASIC = """
    0A 0D 20-23 24 25-3F 40 41-5A 5F 61-7A A1 A3 A4 A5 A7 BF C4 C5 C6 C7 C9 D1 D6 D8 DC DF E0 E4 E5 E6 E8 E9 EC F1 F2
    F6 F8 F9 FC 393 394 398 39B 39E 3A0 3A3 3A6 3A8 3A9
"""
EXTENSION = "\x0c^{}\\[]~|€"

#: Visible characters that consist of several code points or UTF-16 units.
CLUSTERS = {
    "family": "👨‍👩‍👧‍👦",
    "flag": "🇩🇪",
    "flag of tags": "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "skin tone": "👍🏽",
    "heart on fire": "❤️‍🔥",
    "keycap": "1️⃣",
    "combining accent": "e\u0301",
    "Hangul of three letters": "\u1100\u1161\u11a8",
    "Devanagari with a vowel sign": "षि",
    "surrogate pair": "😀",
}
GSM = [*"aZ €\n", "\r\n"]
PIECES = st.lists(st.sampled_from([*CLUSTERS.values(), "ж", *GSM]), max_size=200) | st.lists(
    st.sampled_from(GSM), max_size=400
)
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=300)


def _ends(pieces: list[str] | tuple[str, ...]) -> set[int]:
    return set(accumulate(map(len, pieces)))


def test_gsm_table_matches_the_published_one() -> None:
    """With one wrong character in the table, a message may cost more than twice the estimate."""
    basic: set[str] = set()
    for entry in BASIC.split():
        first, _, last = entry.partition("-")
        basic |= {chr(point) for point in range(int(first, 16), int(last or first, 16) + 1)}
    found = [(chr(point), segment(chr(point))) for point in range(0x10000)]

    assert {character for character, cut in found if (cut.encoding, cut.units) == ("GSM-7", 1)} == basic
    assert {character for character, cut in found if (cut.encoding, cut.units) == ("GSM-7", 2)} == set(EXTENSION)


@pytest.mark.parametrize(
    ("text", "encoding", "units", "lengths"),
    [
        pytest.param("", "GSM-7", 0, [0], id="empty text takes one segment"),
        pytest.param("a" * 160, "GSM-7", 160, [160], id="160 septets"),
        pytest.param("a" * 161, "GSM-7", 161, [153, 8], id="161 septets"),
        pytest.param("a" * 306, "GSM-7", 306, [153, 153], id="306 septets"),
        pytest.param("a" * 307, "GSM-7", 307, [153, 153, 1], id="307 septets"),
        pytest.param("€" * 80, "GSM-7", 160, [80], id="80 characters of two septets"),
        pytest.param("€" * 81, "GSM-7", 162, [76, 5], id="81 characters of two septets, none split"),
        pytest.param("a" * 152 + "€aaaaaaaa", "GSM-7", 162, [152, 9], id="extension character is not split"),
        pytest.param("a" * 152 + "\r\naaaaaaaa", "GSM-7", 162, [152, 10], id="CR LF is not split"),
        pytest.param("ж" * 70, "UCS-2", 70, [70], id="70 units"),
        pytest.param("ж" * 71, "UCS-2", 71, [67, 4], id="71 units"),
        pytest.param("ж" * 134, "UCS-2", 134, [67, 67], id="134 units"),
        pytest.param("ж" * 135, "UCS-2", 135, [67, 67, 1], id="135 units"),
        pytest.param("😀" * 35, "UCS-2", 70, [35], id="35 characters of two units"),
        pytest.param("😀" * 36, "UCS-2", 72, [33, 3], id="36 characters of two units"),
        pytest.param("a" * 70 + "’", "UCS-2", 71, [67, 4], id="one curly quote"),
        pytest.param("{" * 70 + "ж", "UCS-2", 71, [67, 4], id="extension counts once in UCS-2"),
        pytest.param("`" * 71, "UCS-2", 71, [67, 4], id="backquote is not GSM-7"),
        pytest.param("ж" * 5 + "e" + "\u0301" * 66, "UCS-2", 72, [5, 67], id="a character that fills a segment"),
        pytest.param("ж" + "\ud83d" * 70, "UCS-2", 71, [67, 4], id="lone surrogates"),
    ],
)
def test_text_is_split_at_the_published_sizes(text: str, encoding: str, units: int, lengths: list[int]) -> None:
    """A concatenated segment holds less than a single one, and every segment is billed."""
    cut = segment(text)

    assert (cut.encoding, cut.units, cut.count) == (encoding, units, len(lengths))
    assert [len(part) for part in cut.parts] == lengths


@pytest.mark.parametrize("cluster", [pytest.param(cluster, id=name) for name, cluster in CLUSTERS.items()])
def test_cluster_is_moved_whole_to_the_next_segment(cluster: str) -> None:
    """A split family emoji is shown as single people, a split flag as two letters."""
    before = "ж" * (68 - utf16_units(cluster))

    assert segment(before + cluster + "ж" * 50).parts == (before, cluster + "ж" * 50)


@pytest.mark.parametrize("marks", [66, 67, 68, 200], ids=str)
def test_cluster_larger_than_a_segment_is_split(marks: int) -> None:
    """People send stacked accents as a joke: they must not cause an endless loop or an overfull segment."""
    text = "e" + "\u0301" * marks + "ж" * 10
    parts = segment(text).parts

    assert "".join(parts) == text
    assert len(parts) == -(-len(text) // 67)


@settings(deadline=None)  # the first long text imports a library
@given(PIECES)
def test_segments_are_full_and_end_between_characters(pieces: list[str]) -> None:
    """Use as few segments as possible, and end none inside a visible character."""
    text = "".join(pieces)
    cut = segment(text)
    wide = cut.encoding == "UCS-2"
    single, room, largest = (70, 67, max(map(utf16_units, CLUSTERS.values()))) if wide else (160, 153, 2)
    sizes = [utf16_units(part) if wide else len(part) + part.count("€") for part in cut.parts]

    assert "".join(cut.parts) == text
    assert sum(sizes) == cut.units
    assert _ends(cut.parts) <= _ends(pieces) | {0}
    assert all(size <= (single if cut.count == 1 else room) for size in sizes)
    assert all(size > room - largest for size in sizes[:-1])
    assert cut.count == 1 or cut.units > single


@settings(deadline=None)
@given(ANYTHING)
def test_joined_segments_are_the_original_text(text: str) -> None:
    """No code point may be lost or doubled."""
    cut = segment(text)

    assert "".join(cut.parts) == text
    assert all(cut.parts) or not text


@settings(deadline=None)
@given(ANYTHING)
def test_utf16_units_are_those_of_the_codec(text: str) -> None:
    """Twilio's limit of 1600 is in UTF-16 units, so an emoji counts twice."""
    assert utf16_units(text) == len(text.encode("utf-16-le", "surrogatepass")) // 2


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        pytest.param("", 5, [""], id="nothing"),
        pytest.param("one", 5, ["one"], id="fits"),
        pytest.param("one two", 7, ["one two"], id="fits exactly"),
        pytest.param("one two", 6, ["one", "two"], id="between words"),
        pytest.param("one two three", 7, ["one two", "three"], id="a space at the limit"),
        pytest.param("one two three", 8, ["one two", "three"], id="a space before the limit"),
        pytest.param("  one\n\n two ", 4, ["one", "two"], id="white space of any kind, none at the ends"),
        pytest.param("a     b", 3, ["a", "b"], id="spaces across the limit"),
        pytest.param("abcdefgh", 3, ["abc", "def", "gh"], id="a word that is too long"),
        pytest.param("ab cdefgh", 4, ["ab", "cdef", "gh"], id="a long word starts a new piece"),
        pytest.param("😀😀😀", 3, ["😀", "😀", "😀"], id="characters of two units"),
        pytest.param("👍🏽👍🏽", 6, ["👍🏽", "👍🏽"], id="an emoji of two code points"),
        pytest.param("🇩🇪🇫🇷🇮🇹", 9, ["🇩🇪🇫🇷", "🇮🇹"], id="flags"),
        pytest.param("e\u0301\u0301\u0301", 2, ["e", "\u0301", "\u0301\u0301"], id="a character that is too long"),
        pytest.param(
            "e" + "\u0301" * 6, 4, ["e\u0301", "\u0301\u0301", "\u0301" * 3], id="character split into larger pieces"
        ),
    ],
)
def test_long_text_is_split_between_words(text: str, limit: int, pieces: list[str]) -> None:
    """Each part of a long answer must be readable."""
    assert split_text(text, limit) == pieces


@settings(deadline=None)
@given(ANYTHING, st.integers(2, 40))
def test_pieces_of_a_split_text_fit_and_lose_nothing(text: str, limit: int) -> None:
    """Twilio refuses a message that is too long, and no word may be lost."""
    pieces = split_text(text, limit)

    assert all(utf16_units(piece) <= limit for piece in pieces)
    assert all(piece == piece.strip() for piece in pieces)
    assert all(pieces) or not text.strip()
    assert "".join("".join(pieces).split()) == "".join(text.split())


@settings(deadline=None)
@given(st.lists(st.text("abcé😀", min_size=1, max_size=8), min_size=1, max_size=40), st.integers(16, 40))
def test_words_that_fit_are_not_split_and_pieces_are_full(words: list[str], limit: int) -> None:
    """Every message is billed, so there must be as few as possible."""
    pieces = split_text(" ".join(words), limit)

    assert " ".join(pieces) == " ".join(words)
    for piece, following in pairwise(pieces):
        assert utf16_units(f"{piece} {following.split()[0]}") > limit


@settings(deadline=None)
@given(PIECES)
def test_split_text_never_ends_a_piece_inside_a_character(characters: list[str]) -> None:
    """A word of family emojis is split between the families."""
    word = [character for character in characters if not character.isspace()]

    assert _ends(split_text("".join(word), 25)) <= _ends(word) | {0}
