"""The page of supported features is made from its data, and every claim on it names a test that exists."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

import pytest

from scripts.coverage_table import DATA, PAGE, CoverageError, find_tests, page
from tests.servers import ROOT

RENEW = "renew the page: python -m scripts.coverage_table > docs/coverage.md"
TESTS = {"test_one": ["tests/test_a.py"], "test_two": ["tests/test_a.py", "tests/test_b.py"]}


def test_page_is_made_from_its_data_and_from_tests_that_exist() -> None:
    """A table that is kept by hand claims what was true once; a test that moves has another file on the page."""
    assert PAGE.read_text() == page(tomllib.loads(DATA.read_text()), find_tests(ROOT)), RENEW


def test_row_shows_both_sides_and_their_proof() -> None:
    """A reader follows the link to see what exactly is supported."""
    feature = {"name": "Cookies", "note": "for four hours", "receiver": "no", "emulator": "yes test_one"}

    shown = page({"section": [{"title": "All", "feature": [feature]}]}, TESTS)

    assert "| Cookies (for four hours) | no | yes | [`test_one`](../tests/test_a.py) |" in shown.splitlines()


@pytest.mark.parametrize(
    ("feature", "problem"),
    [
        pytest.param({"emulator": "yes"}, "names 0 tests", id="a claim without a test"),
        pytest.param({"emulator": "no test_one"}, "names 1 tests", id="a test of what is not there"),
        pytest.param({"emulator": "yes test_three"}, "test_three is defined 0 times", id="a test that is gone"),
        pytest.param({"emulator": "yes test_two"}, "test_two is defined 2 times", id="two tests of one name"),
        pytest.param({"emulator": "soon test_one"}, "'soon'", id="another answer"),
        pytest.param({"emulater": "yes test_one"}, "emulater is not a key", id="a misspelled key"),
    ],
)
def test_row_that_proves_nothing_is_refused(feature: Mapping[str, str], problem: str) -> None:
    """An empty claim on the page would be believed."""
    with pytest.raises(CoverageError, match=problem):
        page({"section": [{"title": "All", "feature": [{"name": "Cookies", **feature}]}]}, TESTS)


def test_every_problem_is_named_at_once() -> None:
    """After many tests were renamed, the data is put right in one go."""
    features = [{"name": "Cookies", "emulator": "yes test_three"}, {"name": "Caching", "emulator": "yes test_four"}]

    with pytest.raises(CoverageError) as caught:
        page({"section": [{"title": "All", "feature": features}]}, TESTS)

    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == ["Cookies", "Caching"]
