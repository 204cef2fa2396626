"""Repeats in regular expressions: which expressions can take quadratic time, or more."""

from __future__ import annotations

import re

import pytest

from twiml_app.routing.repeats import overlapping_repeats

SLOW = (
    r"(a+)+$",
    r"(\w+\s*)+$",
    r"(?:a*)*b",
    r"(x+x+)+y",
    r"\d+\d+x",
    r"\s*\s*x",
    r".*,.*,x",
    r"x*(?:y?)x*z",
    r"(\w*)(\d*)$",
    r"a*(?:a*b)*c",
    r"(?i)A+a+b",
    r"(?i:É+)é+b",
    r"[^a]+[b-d]+e",
    r"a+[^b]*c",
    r"(a*)\1?a*b",
    r"(b)?a*(?(1)c|a*)d",
    r"^(.+)\s+(.+)$",
    r"(?=a*a*b)",
    r"(?>a*a*b)",
    r"(?s:.*)\n*x",
    r"(?:a|b)+(?:b|c)+d",
    r"(?:a*){2,3}b",
    r"a*(?:a*b)?c",
)
QUICK = (
    r"a+",
    r"hi|hello|hey .*",
    r"\w+\s\w+$",
    r"(?:\w+\s)*\w+$",
    r"(?:[a-z]+-)+[a-z]+$",
    r"(?:,\d+)*$",
    r"^\s*order\s+(\d+)\s*$",
    r"[^,]*,[^,]*,x",
    r"\d+(.*)",
    r"\d+\d*(?:,\d+)?",
    r"\s++\s*x",
    r"(?>\s*)\s*x",
    r"a{2,5}a{1,3}b",
    r"(\d+)(?:[.,](\d+))?(?!\d)",
    r"(a)?(?(1)b|c)",
    r"(?:a*b){2}c",
    r".*\n*x",
)


@pytest.mark.parametrize("expression", SLOW, ids=str)
def test_repeats_that_can_share_characters_are_found(expression: str) -> None:
    """A text that almost matches would hold a worker until it is killed."""
    assert overlapping_repeats(re.compile(expression))


@pytest.mark.parametrize("expression", QUICK, ids=str)
def test_other_repeats_are_not_reported(expression: str) -> None:
    """A warning about a harmless expression would teach people to ignore the others."""
    assert not overlapping_repeats(re.compile(expression))


def test_repeats_at_the_end_are_slow_only_if_the_whole_text_must_match() -> None:
    """A search ends there with a match, whatever follows."""
    assert not overlapping_repeats(re.compile(r"\d+.*"))
    assert overlapping_repeats(re.compile(r"\d+.*"), whole=True)


def test_an_expression_with_very_many_branches_is_judged_quickly() -> None:
    """Each branch multiplies the ways through an expression, so above a limit they are no longer distinguished."""
    branches = "".join(f"(?:{chr(97 + place)}|{chr(110 + place)})" for place in range(12))

    assert overlapping_repeats(re.compile(rf"\w*{branches}\w*!"))
