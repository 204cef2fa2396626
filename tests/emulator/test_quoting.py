"""Quoting: strings from outside are cut if they are long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.emulator.quoting import MAX_SHOWN_CHARACTERS, shown


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("Mesage", "Mesage", id="short"),
        pytest.param("a\n b", "a\n b", id="white space"),
        pytest.param("x" * 60, "x" * 60, id="longest"),
        pytest.param("x" * 61, "x" * 57 + "...", id="one too many"),
        pytest.param("😀" * 61, "😀" * 57 + "...", id="characters, not bytes"),
    ],
)
def test_long_text_is_cut(text: str, quoted: str) -> None:
    """A message with a long string in it is hard to read."""
    assert shown(text) == quoted


def test_limit_can_be_changed() -> None:
    """A URL needs more characters than a name."""
    assert shown("x" * 200, 200) == "x" * 200
    assert shown("x" * 201, 200) == "x" * 197 + "..."


@given(st.text(), st.integers(3, 2 * MAX_SHOWN_CHARACTERS))
def test_result_is_never_longer_than_the_limit(text: str, most: int) -> None:
    """Callers rely on the limit, and a string within it is not changed."""
    quoted = shown(text, most)

    assert len(quoted) <= most
    assert (quoted == text) or (len(text) > most and quoted.endswith("..."))
