"""Patterns: they match text as people type it, and keep captures as typed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from twiml_app.errors import RegistrationError
from twiml_app.routing.patterns import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param("hours", "HoUrs", id="any case"),
        pytest.param("größe", "GRÖßE", id="any case in another script"),
        pytest.param("  opening   hours ", "opening hours", id="white space of the pattern"),
        pytest.param("opening hours", "\n opening \t\r\n\u00a0 hours\u2003", id="runs of white space"),
        pytest.param("opening\u00a0hours", "opening hours", id="no-break space in the pattern"),
        pytest.param("what's on", "What’s on?", id="curly apostrophe"),
        pytest.param("what's on", "what`s on", id="backtick"),
        pytest.param('say "hi"', "say “hi”", id="curly quotes"),
        pytest.param('say "hi"', "say „hi“", id="low quotes"),
        pytest.param('say "hi"', "say «hi»", id="guillemets"),
        pytest.param("opt-in", "opt—in", id="long dash"),
        pytest.param("opt-in", "opt–in", id="en dash"),
        pytest.param("opt-in", "opt\u2011in", id="non-breaking hyphen"),
        pytest.param("yes", "Yes.", id="full stop"),
        pytest.param("yes", " yes !!! ", id="exclamation after white space"),
        pytest.param("yes", "yes…", id="ellipsis"),
        pytest.param("really?", "really", id="closing punctuation of the pattern is optional"),
        pytest.param("really\u00a0?", "really!", id="white space before closing punctuation is optional"),
        pytest.param("?", " ? ", id="only punctuation"),
        pytest.param("?", "??", id="punctuation repeated"),
        pytest.param("a.b*c[d](e)|f^$\\", "A.B*C[D](E)|F^$\\", id="regular expression syntax is literal"),
        pytest.param("price: 5", "price: 5", id="punctuation inside"),
        pytest.param("a {b c} {", "A {B C} {", id="braces without a name"),
    ],
)
def test_words_match_as_people_type_them(pattern: str, text: str) -> None:
    """Phones change quotes, dashes and capitals, and people add spaces and full stops."""
    assert compile_pattern(pattern).match(text) == {}


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param("hours", "hour", id="shorter"),
        pytest.param("hours", "hours please", id="longer"),
        pytest.param("hours", "our hours", id="words before"),
        pytest.param("opening hours", "openinghours", id="white space left out"),
        pytest.param("openinghours", "opening hours", id="white space added"),
        pytest.param("price: 5", "price 5", id="punctuation inside left out"),
        pytest.param("a.b", "axb", id="full stop is not a wildcard"),
        pytest.param("what's", "whats", id="apostrophe left out"),
        pytest.param("?", "", id="punctuation does not match empty text"),
        pytest.param("?", "!", id="other punctuation"),
        pytest.param("yes", "yes\u200b\u0000", id="invisible characters are not white space"),
    ],
)
def test_other_words_do_not_match(pattern: str, text: str) -> None:
    """Other texts must reach the handlers that follow."""
    assert compile_pattern(pattern).match(text) is None


@pytest.mark.parametrize(
    ("pattern", "text", "values"),
    [
        pytest.param(
            "order <item>", "Order Flat White.", {"item": "Flat White."}, id="text keeps case and closing punctuation"
        ),
        pytest.param("order <item>", "order  a\nb ", {"item": "a\nb"}, id="text over several lines"),
        pytest.param("<text>", "!", {"text": "!"}, id="any character is text"),
        pytest.param("I am <name>!", "i am Ann!!", {"name": "Ann"}, id="closing punctuation after text"),
        pytest.param("I am <name>.", "I am Ann", {"name": "Ann"}, id="closing punctuation left out after text"),
        pytest.param("<a> to <b>", "x to y to z", {"a": "x", "b": "y to z"}, id="first text is the shortest"),
        pytest.param("<a>x<b>", "1x x2", {"a": "1x ", "b": "2"}, id="text does not start with white space"),
        pytest.param("<a> <b> <c>", "1 2 3 4", {"a": "1", "b": "2", "c": "3 4"}, id="texts side by side"),
        pytest.param("<a><b>", "xyz", {"a": "x", "b": "yz"}, id="adjacent texts"),
        pytest.param("<a>, <b>.", "x, y, z.", {"a": "x", "b": "y, z"}, id="texts and punctuation"),
        pytest.param("<a>: <b> end", "x: 1: 2 end", {"a": "x", "b": "1: 2"}, id="text before closing words"),
        pytest.param(
            "<a> <int:n> <b> <int:m> end",
            "x 1 y 2 z 3 end",
            {"a": "x", "n": 1, "b": "y 2 z", "m": 3},
            id="texts between numbers",
        ),
        pytest.param("hi <word:w>", "hi O’Neill-Østby_2!", {"w": "O’Neill-Østby_2"}, id="word"),
        pytest.param("<word:a>-<word:b>", "x-y-z", {"a": "x-y", "b": "z"}, id="word is as long as possible"),
        pytest.param(
            "<word:a> <word:b>.<word:c>, - <word:d>",
            "1 2.3, - 4",
            {"a": "1", "b": "2", "c": "3", "d": "4"},
            id="words with separators",
        ),
        pytest.param("<int:n>", "12.", {"n": 12}, id="int"),
        pytest.param("<int:n>", "-12", {"n": -12}, id="negative int"),
        pytest.param("<int:n>", "−12", {"n": -12}, id="int with a minus sign"),
        pytest.param("<int:n>", "+12", {"n": 12}, id="int with a plus sign"),
        pytest.param("<int:n>", "٣", {"n": 3}, id="digits of another script"),
        pytest.param("<int:n>", "9" * 18, {"n": 10**18 - 1}, id="longest int"),
        pytest.param("<int:n><word:unit>", "2kg", {"n": 2, "unit": "kg"}, id="int before a word"),
        pytest.param("<float:x>", "5", {"x": 5.0}, id="float without a fraction"),
        pytest.param("<float:x>", "−2.50!", {"x": -2.5}, id="float"),
        pytest.param("<float:x>", "2..", {"x": 2.0}, id="float and closing punctuation"),
        pytest.param(
            "<any(small, Extra  large):s> x",
            "EXTRA LARGE x",
            {"s": "Extra  large"},
            id="choice as written in the pattern",
        ),
        pytest.param("<any(a, a b):x> <y>", "a b c", {"x": "a b", "y": "c"}, id="longest choice first"),
        pytest.param("<any(don't, a.b):x>", "Don’t!", {"x": "don't"}, id="choice with an apostrophe"),
        pytest.param("< int : n >", "1", {"n": 1}, id="white space in a placeholder"),
        pytest.param("<text:größe>", "XL", {"größe": "XL"}, id="name in another script"),
    ],
)
def test_captures_are_converted(pattern: str, text: str, values: dict[str, Any]) -> None:
    """A handler gets numbers as numbers, and names as people write them."""
    found = compile_pattern(pattern).match(text)

    assert found == values
    assert [type(value) for value in (found or {}).values()] == [type(value) for value in values.values()]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param("order <item>", "order", id="text is not empty"),
        pytest.param("order <item>", "order  \n ", id="text is not white space"),
        pytest.param("order<item>", "order x", id="text does not start with white space"),
        pytest.param("<a> <b> <c>", "1 2", id="one text is missing"),
        pytest.param("<word:w>", "two words", id="word is a single word"),
        pytest.param("<word:w>", "a@b", id="word has no punctuation"),
        pytest.param("<word:w>", "a" * 101, id="word is too long"),
        pytest.param("<int:n>", "2.5", id="int is whole"),
        pytest.param("<int:n>", "2k", id="int with a letter"),
        pytest.param("<int:n>", "- 2", id="space after the sign"),
        pytest.param("<int:n>", "²", id="superscript"),
        pytest.param("<int:n>", "9" * 19, id="number is too long"),
        pytest.param("<float:x>", "1.2.3", id="two decimal points"),
        pytest.param("<float:x>", "1e9", id="exponent"),
        pytest.param("<float:x>", "inf", id="infinity"),
        pytest.param("<float:x>", "nan", id="not a number"),
        pytest.param("<any(small, large):s>", "smaller", id="longer than a choice"),
        pytest.param("<any(small, large):s>", "small, large", id="two choices"),
    ],
)
def test_invalid_values_do_not_match(pattern: str, text: str) -> None:
    """A handler must never be called with half a number or an empty name."""
    assert compile_pattern(pattern).match(text) is None


LOOSE = "has too many open-ended captures: use <word:name> for some of them"


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        pytest.param("", "is empty: write the words it should match", id="empty"),
        pytest.param(" \n", "is empty: write the words it should match", id="white space"),
        pytest.param(
            "<path:x>",
            "has the unknown converter 'path': use one of text, word, int, float, any(a, b)",
            id="converter that only Flask has",
        ),
        pytest.param(
            "<int(2):n>", "gives choices to int: only any(a, b) takes them", id="choices for another converter"
        ),
        pytest.param("<any:x>", "has any without choices: write any(small, large)", id="any without choices"),
        pytest.param("<any( , ):x>", "has any without choices: write any(small, large)", id="any with empty choices"),
        pytest.param("<a> <a>", "captures 'a' twice", id="name twice"),
        pytest.param("<2x>", "captures '2x', which cannot be a parameter's name", id="name that starts with a digit"),
        pytest.param("<class>", "captures 'class', which cannot be a parameter's name", id="keyword"),
        pytest.param("<a-b>", "captures 'a-b', which cannot be a parameter's name", id="name with a dash"),
        pytest.param(
            "a < b",
            "has a < or > that is not part of a placeholder: write <name> or <int:name>",
            id="less-than sign",
        ),
        pytest.param(
            "<a",
            "has a < or > that is not part of a placeholder: write <name> or <int:name>",
            id="unclosed placeholder",
        ),
        pytest.param(
            "<a>>",
            "has a < or > that is not part of a placeholder: write <name> or <int:name>",
            id="extra closing bracket",
        ),
        pytest.param(
            "<>", "has a < or > that is not part of a placeholder: write <name> or <int:name>", id="empty placeholder"
        ),
        pytest.param(
            "<any(a(b)):x>",
            "has a < or > that is not part of a placeholder: write <name> or <int:name>",
            id="nested choices",
        ),
        pytest.param("hi {name}", "has {name}, which captures nothing: write <name>", id="braces"),
        pytest.param("hi { name!r:5 }", "has { name!r:5 }, which captures nothing: write <name>", id="format"),
        pytest.param("hi {}", "has {}, which captures nothing: write <name>", id="empty braces"),
        pytest.param("hi {0}", "has {0}, which captures nothing: write <name>", id="number in braces"),
        pytest.param("<any({a}, b):x>", "has {a}, which captures nothing: write <a>", id="braces in a choice"),
        pytest.param("<a> <int:n> <b> <int:m> <c> end", LOOSE, id="three texts with an ambiguous end"),
        pytest.param("<a> <word:b> <c> <any(x, y):d> <e> <float:f>", LOOSE, id="ambiguous texts before other captures"),
        pytest.param("<word:a><word:b><word:c><text:d>", LOOSE, id="adjacent words"),
        pytest.param("<word:a>-<word:b>'<word:c>-<word:d>", LOOSE, id="words without a separator that ends them"),
    ],
)
def test_invalid_pattern_is_refused_with_the_reason(pattern: str, says: str) -> None:
    """A pattern that never matches, or takes minutes, must be found at start-up and not by a customer."""
    with pytest.raises(RegistrationError) as caught:
        compile_pattern(pattern)
    assert str(caught.value) == f"the pattern {pattern!r} {says}"


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("<a> a <b> a <c> a <d> a <e> end", id="texts between words"),
        pytest.param("<a> <b> <c> <d> <e> end", id="texts side by side"),
        pytest.param("<word:a>-<word:b>-<word:c> end", id="words between dashes"),
        pytest.param("<a> <word:w> <b> <word:v> end", id="texts and words"),
        pytest.param("<a> <b>!", id="closing punctuation"),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a " * 800, id="words"),
        pytest.param("a-" * 800, id="dashes"),
        pytest.param("a" + " " * 1598 + "b", id="white space"),
        pytest.param(("a" + " " * 39) * 40, id="runs of white space"),
        pytest.param("a !" + "!" * 1596 + "\0", id="punctuation"),
        pytest.param("\n" * 1600, id="nothing"),
    ],
)
def test_hostile_text_is_matched_quickly(pattern: str, text: str) -> None:
    """Anybody can send such texts: with full backtracking, a match would take hours."""
    found = compile_pattern(pattern).match(text)

    assert all(value in text for value in (found or {}).values())


WORDS = st.sampled_from(["a", "b", "to", "-", "'", "é", "1"])
PLACEHOLDERS = st.sampled_from(["<{}>", "<word:{}>", "<int:{}>", "<float:{}>", "<any(a, b, a b, to):{}>"])
SPACES = st.sampled_from(["", " ", "  "])


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """Draw a pattern of words and captures."""
    pieces = draw(st.lists(st.one_of(WORDS, PLACEHOLDERS), min_size=1, max_size=6))
    return "".join(draw(SPACES) + piece.format(f"n{place}") for place, piece in enumerate(pieces))


@settings(deadline=None)
@given(patterns(), st.lists(st.one_of(WORDS, st.sampled_from([" ", "  ", ".", "12"])), max_size=12).map("".join))
def test_atomic_groups_lose_no_match(source: str, text: str) -> None:
    """A text capture is never retried with more text, which must not change what matches."""
    try:
        pattern = compile_pattern(source)
    except RegistrationError:
        assume(False)
    backtracking = pattern.regex.pattern.replace("(?>", "(?:").replace("++", "+").replace(r"(?<=\S)", "")
    found = re.fullmatch(backtracking, text, re.IGNORECASE)

    assert (pattern.regex.fullmatch(text) is None) == (found is None)
    assert pattern.match(text) == (
        None if found is None else {name: convert(found[name]) for name, convert in pattern.converters.items()}
    )


TYPED = st.text(st.sampled_from("abcXYZé1.,'!? -"), min_size=1, max_size=10).filter(lambda text: text == text.strip())


@settings(deadline=None)
@given(TYPED, st.sampled_from(["", " ", "\n", " \t "]), st.sampled_from(["", ".", "!!", " ?", "…"]))
def test_every_pattern_of_words_matches_itself(words: str, space: str, closing: str) -> None:
    """Customers are asked to send exactly the words of the pattern."""
    pattern = compile_pattern(words)

    assert pattern.match(words) == {}
    assert pattern.match(space + words.upper() + closing + space) == {}
    assert pattern.match(words + "x") is None


@settings(deadline=None)
@given(TYPED, st.integers(-(10**17), 10**17), st.sampled_from(["small", "Large"]))
def test_typed_values_are_captured(item: str, count: int, size: str) -> None:
    """Captures must have the values that the person meant."""
    found = compile_pattern("Order <int:count> <any(small, Large):size> <item>").match(
        f"order {count} {size.upper()} {item}"
    )

    assert found == {"count": count, "size": size, "item": item}


@settings(deadline=None)
@given(st.text(max_size=20))
def test_any_string_is_a_pattern_or_refused(source: str) -> None:
    """Any pattern must compile or raise an error that shows it."""
    says = ""
    try:
        assert compile_pattern(source).source == source
    except RegistrationError as error:
        says = str(error)
    assert not says or repr(source) in says


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("Hours", "hours", True, id="case"),
        pytest.param("hours", "hours!", True, id="closing punctuation"),
        pytest.param("order <a>", "order  <b>", True, id="names and white space"),
        pytest.param("order <a>", "order <word:a>", False, id="converters"),
        pytest.param("<any(a, b):x>", "<any(a, c):x>", False, id="choices"),
        pytest.param("strasse", "straße", False, id="similar letters"),
    ],
)
def test_patterns_that_match_the_same_texts_have_the_same_key(one: str, other: str, same: bool) -> None:
    """The second of two such handlers would never run."""
    assert (compile_pattern(one).key == compile_pattern(other).key) is same
