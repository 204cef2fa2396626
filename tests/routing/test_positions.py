"""Sets of positions: what each step of a pattern can do with them."""

from __future__ import annotations

import re

import pytest

from twiml_app.routing.positions import Run, View


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        pytest.param("aaaa", [2, 3], id="longer than the limit"),
        pytest.param("aa", [0, 1], id="as long as the limit"),
        pytest.param("xxxa", [3], id="shorter than the limit"),
        pytest.param("aaax", [], id="another character at the end"),
    ],
)
def test_run_starts_within_its_limit_before_an_end(text: str, starts: list[int]) -> None:
    """Without its limit, a number of 200,000 digits would take long to be read."""
    view = View(text)
    run = Run(re.compile("a{1,2}"), re.compile("a"), 2)

    found = run.starts(view, view.bit(len(text)))

    assert [position for position in range(len(text)) if found & view.bit(position)] == starts
