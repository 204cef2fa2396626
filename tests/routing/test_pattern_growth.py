"""Text patterns and long texts: the time is proportional to the length, and what matches stays the same."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.routing.backtracking import match_by_backtracking
from twiml_app.errors import RegistrationError
from twiml_app.routing.patterns import TextPattern, compile_pattern
from twiml_app.routing.repeats import overlapping_repeats

CONVERTERS = ("<{}>", "<word:{}>", "<int:{}>", "<float:{}>", "<any(a, b, a b, .):{}>")
SEPARATORS = ("", " ", " to ", "-", ".", ", ")
ENDS = ("", "!", " end")
LENGTH = 200_000


def combinations(count: int) -> Iterator[TextPattern]:
    """Yield every pattern of so many converters, with every separator, that is not refused."""
    for converters in itertools.product(CONVERTERS, repeat=count):
        captures = [each.format(f"n{place}") for place, each in enumerate(converters)]
        for separator, end, start in itertools.product(SEPARATORS, ENDS, ("", "order ")):
            try:
                yield compile_pattern(start + separator.join(captures) + end)
            except RegistrationError:
                assert count > 2, captures


@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_expression_has_repeats_that_can_share_characters(count: int) -> None:
    """Such a pattern takes quadratic time: it is matched by sets of positions instead."""
    directly = [pattern for pattern in combinations(count) if pattern.steps is None]
    slow = [pattern.source for pattern in directly if overlapping_repeats(pattern.regex, whole=True)]

    assert directly
    assert slow == []


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("order <int:count> <item>", id="text at the end"),
        pytest.param("order <item>!", id="text and punctuation"),
        pytest.param("<a> <int:n> <b> <int:m> end", id="texts between numbers"),
        pytest.param("<a> <b> end", id="texts side by side"),
        pytest.param("<a><word:b><word:c>x", id="adjacent words"),
        pytest.param("<a><int:b><float:c><int:d><float:e>x<f>", id="adjacent numbers"),
        pytest.param("<int:b><float:c><int:d><float:e><int:f>x", id="only numbers"),
        pytest.param("<a> <any(a, a a, a a a):x> <any(a a, a):y> <z> end", id="choices that include each other"),
    ],
)
@pytest.mark.parametrize(
    "unit",
    [
        pytest.param(" ", id="blanks"),
        pytest.param("1", id="digits"),
        pytest.param("1.", id="digits and points"),
        pytest.param("a", id="letters"),
        pytest.param("a ", id="words"),
        pytest.param("x 1 y ", id="words and numbers"),
        pytest.param("!", id="punctuation"),
        pytest.param("order 1 x end ", id="near matches"),
        pytest.param("a" + " " * 39, id="runs of blanks"),
    ],
)
@pytest.mark.parametrize("start", ["", "order 1 x"], ids=["only those", "after a start"])
def test_a_text_as_long_as_a_request_is_matched(source: str, unit: str, start: str) -> None:
    """One such request used to hold a worker until it was killed."""
    text = start + unit * (LENGTH // len(unit)) + "\0"
    found = compile_pattern(source).match(text)

    assert all(value in text for value in (found or {}).values() if isinstance(value, str))


WORDS = st.sampled_from(["a", "b", "to", "-", "'", ".", "é", "1"])
PLACEHOLDERS = st.sampled_from([*CONVERTERS, "<any(a b, a  b, 1., to):{}>"])
SPACES = st.sampled_from(["", " ", "  "])
TYPED = st.one_of(WORDS, st.sampled_from([" ", "  ", "\n", ".", "!", "12", "-", "’", "x", "ab", "B"]))


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """Draw a pattern of words and captures."""
    pieces = draw(st.lists(st.one_of(WORDS, PLACEHOLDERS), min_size=1, max_size=6))
    return "".join(draw(SPACES) + piece.format(f"n{place}") for place, piece in enumerate(pieces))


@settings(deadline=None, max_examples=500)
@given(patterns(), st.lists(TYPED, max_size=12).map("".join))
def test_what_matches_is_what_backtracking_finds(source: str, text: str) -> None:
    """Each capture takes what it would take if everything were tried, in the order of a regular expression."""
    try:
        pattern = compile_pattern(source)
    except RegistrationError:
        assume(False)

    assert pattern.match(text) == match_by_backtracking(pattern, text)


def test_every_pattern_of_two_captures_matches_as_backtracking_does() -> None:
    """Random texts seldom match two captures and a separator, and these texts do."""
    texts = (
        "a to b",
        "a b",
        "ab",
        "12",
        "1.5",
        "a-1",
        "1-a end",
        "a b a b!",
        "a.b.",
        "1 2 3",
        "order a, b",
        "b, 1.5 end",
    )

    for pattern in combinations(2):
        for text in (*texts, *(f"Order  {text}" for text in texts), *(f"{text} End!" for text in texts)):
            assert pattern.match(text) == match_by_backtracking(pattern, text), (pattern.source, text)
