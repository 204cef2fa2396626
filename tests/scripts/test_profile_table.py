"""The table of profiles in the documentation is made from the profiles."""

from __future__ import annotations

from dataclasses import fields

from scripts.profile_table import PAGE, ROWS, page, table
from twiml_app.emulator.profiles import PROFILES, Profile


def test_table_of_the_page_is_made_from_the_profiles() -> None:
    """A table that is kept by hand claims what was true once."""
    text = PAGE.read_text()

    assert table() in text, "renew the page: python -m scripts.profile_table"
    assert page(text) == text


def test_every_difference_has_one_row() -> None:
    """A field without a row would be a difference that nobody can read about."""
    shown = [name for names in ROWS for name in names]

    assert sorted(shown) == sorted(field.name for field in fields(Profile) if field.name != "name")


def test_every_row_shows_a_difference() -> None:
    """What is the same in all profiles is not in the table."""
    same = [title for title, shown in ROWS.values() if len({shown(profile) for profile in PROFILES.values()}) == 1]

    assert same == []
