"""Answers: what a text, a picture or a place is taken for."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversations.chats import message
from twiml_app import InboundMedia
from twiml_app.conversations import Location, ask, choice
from twiml_app.conversations.answers import answer_of
from twiml_app.errors import DialogError, RegistrationError

SIZES = choice("small", "Large")
COUNT = re.compile(r"(?P<count>\d+) of (?P<item>\w+)?")


@pytest.mark.parametrize(
    ("kind", "body", "value"),
    [
        (str, " Ann \n", "Ann"),
        (str, " ", None),
        (int, " 12.", 12),
        (int, "-3", -3),
        (int, "1.5", None),
        (int, "a few", None),
        (int, "9" * 16, None),
        (float, "2,5", 2.5),
        (float, "+2.5!", 2.5),
        (float, "7", 7.0),
        (float, "1.2.3", None),
        (float, "nan", None),
        (bool, "Yes!", True),
        (bool, "👍", True),
        (bool, "NO", False),
        (bool, "maybe", None),
        (date, "2026-02-28", date(2026, 2, 28)),
        (date, "28.2.2026", date(2026, 2, 28)),
        (date, "28 february 2026", date(2026, 2, 28)),
        (date, "Feb 28, 2026!", date(2026, 2, 28)),
        (date, "2026-02-30", None),
        (date, "3/4/2026", None),
        (SIZES, " LARGE. ", "Large"),
        (SIZES, "medium", None),
        ("<int:count> <item>", "2 Teas", {"count": 2, "item": "Teas"}),
        ("<int:count> <item>", "tea", None),
        (COUNT, "12 of tea", {"count": "12", "item": "tea"}),
        (COUNT, "tea", None),
        (InboundMedia, "here", None),
        (Location, "here", None),
    ],
)
def test_text_is_read_as_people_write_it(kind: Any, body: str, value: Any) -> None:
    """Case, white space and closing punctuation do not matter."""
    assert answer_of(kind).read(message(body)) == value


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=30), st.sampled_from([str, int, float, bool, date, SIZES, "<int:count> <item>", COUNT]))
def test_no_text_breaks_an_answer(body: str, kind: Any) -> None:
    """A value is the same after it was stored."""
    answer = answer_of(kind)
    value = answer.read(message(body))

    assert value is None or answer.from_json(json.loads(json.dumps(answer.to_json(value)))) == value


def test_picture_and_place_are_the_same_after_they_were_stored() -> None:
    """They have attributes, which JSON has not."""
    media = message("", MediaUrl0="https://example.com/1", MediaContentType0="image/png")
    place = message("", Latitude="1.5", Longitude="-2", Address="Main Street 1", Label="Home")
    for kind, received, value in (
        (InboundMedia, media, (InboundMedia("https://example.com/1", "image/png"),)),
        (Location, place, Location(1.5, -2.0, "Main Street 1", "Home")),
    ):
        answer = answer_of(kind)
        assert answer.read(received) == value
        assert answer.from_json(json.loads(json.dumps(answer.to_json(value)))) == value


def test_place_needs_both_coordinates() -> None:
    """Half a place is no answer."""
    assert answer_of(Location).read(message("", Latitude="1.5")) is None


@pytest.mark.parametrize("word", ["stop", "Cancel", "END", "help", "INFO"])
def test_choice_that_twilio_takes_is_refused(word: str) -> None:
    """The dialog would never get it."""
    with pytest.raises(DialogError, match=f"'{word}' cannot be a choice: Twilio takes it as (STOP|HELP)"):
        choice("go", word)


def test_choice_needs_something_to_choose_from() -> None:
    """No text would answer it."""
    with pytest.raises(DialogError, match="needs the texts"):
        choice()


@pytest.mark.parametrize("kind", [bytes, 3, None, "<int:>", "<nothing:x>"], ids=repr)
def test_unknown_kind_of_answer_is_refused(kind: Any) -> None:
    """The error names those that exist."""
    with pytest.raises((DialogError, RegistrationError)):
        ask("How?", kind)


def test_question_needs_an_attempt_and_joins_only_texts() -> None:
    """Both are mistakes in the program."""
    with pytest.raises(DialogError, match="at least 1"):
        ask("How many?", int, attempts=0)
    with pytest.raises(DialogError, match="leave collect_s out"):
        ask("How many?", int, collect_s=4)  # type: ignore[arg-type]
