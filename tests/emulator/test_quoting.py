"""Quoting: text from outside as it is repeated in a sentence, cut if it is long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.emulator.quoting import MAX_SHOWN_CHARACTERS, shown


@pytest.mark.parametrize(
    ("text", "repeated"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("Mesage", "Mesage", id="short"),
        pytest.param("a\n b", "a\n b", id="white space"),
        pytest.param("x" * 60, "x" * 60, id="longest"),
        pytest.param("x" * 61, "x" * 57 + "...", id="one too many"),
        pytest.param("😀" * 61, "😀" * 57 + "...", id="characters, not bytes"),
    ],
)
def test_long_text_is_cut(text: str, repeated: str) -> None:
    """A sentence with a page of somebody's data in it is not readable."""
    assert shown(text) == repeated


def test_limit_may_be_another() -> None:
    """A URL needs more room than a name."""
    assert shown("x" * 200, 200) == "x" * 200
    assert shown("x" * 201, 200) == "x" * 197 + "..."


@given(st.text(), st.integers(3, 2 * MAX_SHOWN_CHARACTERS))
def test_result_is_never_longer_than_the_limit(text: str, most: int) -> None:
    """Logs count on the limit, and a text within it is repeated as it is."""
    repeated = shown(text, most)

    assert len(repeated) <= most
    assert (repeated == text) or (len(text) > most and repeated.endswith("..."))
