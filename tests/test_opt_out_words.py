"""Opt-out words: exactly the texts that Twilio handles as opt-out, opt-in or help."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.opt_out_words import OPT_OUT_WORDS, kind_of_word, opt_out_change


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        pytest.param("STOP", "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT", id="opt out"),
        pytest.param("START", "START YES UNSTOP", id="opt in"),
        pytest.param("HELP", "HELP INFO", id="help"),
    ],
)
def test_words_that_twilio_handles_are_known_in_any_case(kind: str, words: str) -> None:
    """After a STOP word Twilio blocks the number, and later messages fail."""
    for word in words.split():
        assert [kind_of_word(text) for text in (word, word.lower(), word.title(), f" {word}\n")] == [kind] * 4


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(" \n", id="white space"),
        pytest.param("stop please", id="word before others"),
        pytest.param("please stop", id="word after others"),
        pytest.param("stop stop", id="word twice"),
        pytest.param("stop\nhelp", id="words on two lines"),
        pytest.param("STOP!", id="punctuation"),
        pytest.param("s t o p", id="spaces inside"),
        pytest.param("nonstop", id="end of another word"),
        pytest.param("stops", id="beginning of another word"),
        pytest.param("\u017ftop", id="letter whose capital is an S"),
        pytest.param("\ufb06op", id="letter whose capitals are S and T"),
    ],
)
def test_word_counts_only_as_the_whole_text(text: str) -> None:
    """A customer who writes "please stop by at noon" must keep getting answers."""
    assert kind_of_word(text) == ""


def test_no_word_has_two_kinds() -> None:
    """The kind of such a word would depend on the order of the table."""
    assert all(one.isdisjoint(other) for one, other in combinations(OPT_OUT_WORDS.values(), 2))


def test_given_words_replace_the_default_ones() -> None:
    """The emulator of an earlier year knows fewer words."""
    words = {"STOP": frozenset({"ARRET"}), "HELP": frozenset({"AIDE"})}

    assert [kind_of_word(text, words) for text in ("arret", " Aide ", "stop", "help")] == ["STOP", "HELP", "", ""]


@given(st.text())
def test_any_text_has_one_kind_or_none(text: str) -> None:
    """Anybody can send any text."""
    assert kind_of_word(text) in ("", "STOP", "START", "HELP")


@pytest.mark.parametrize(
    ("text", "change"),
    [
        pytest.param("STOP!", "STOP", id="exclamation mark"),
        pytest.param(" Stop. \n", "STOP", id="full stop and white space"),
        pytest.param("stop ...", "STOP", id="dots after a space"),
        pytest.param("“Stop”", "STOP", id="curly quotes"),
        pytest.param("(unsubscribe)", "STOP", id="brackets"),
        pytest.param("— quit —", "STOP", id="dashes"),
        pytest.param("*END*", "STOP", id="stars"),
        pytest.param("start", "START", id="opt in"),
        pytest.param(" Unstop\n", "START", id="opt in with white space"),
        pytest.param("START!", "", id="opt in with punctuation"),
        pytest.param("YES", "", id="answer to a question"),
        pytest.param("HELP", "", id="help"),
        pytest.param("stop?", "", id="question"),
        pytest.param("stop it!", "", id="two words"),
        pytest.param("don't stop", "", id="the opposite"),
        pytest.param("\u017ftop!", "", id="letter whose capital is an S"),
        pytest.param("", "", id="nothing"),
        pytest.param("!", "", id="punctuation only"),
    ],
)
def test_opt_out_is_begun_as_people_type_it_and_ended_only_by_an_exact_word(text: str, change: str) -> None:
    """A message too few costs little; one too many is against the law."""
    assert opt_out_change(text) == change


@given(st.sampled_from(sorted(OPT_OUT_WORDS["STOP"])), st.text(" \t\r\n\x0b\x1c\x85\u2003"), st.booleans())
def test_every_stop_that_twilio_counts_begins_an_opt_out(word: str, space: str, lower: bool) -> None:
    """Otherwise messages would fail with 21610."""
    text = f"{space}{word.lower() if lower else word}{space}"

    assert (kind_of_word(text), opt_out_change(text)) == ("STOP", "STOP")


@given(st.text())
def test_only_an_opt_in_word_of_twilio_ends_an_opt_out(text: str) -> None:
    """Twilio still refuses messages after any other text."""
    if opt_out_change(text) == "START":
        assert kind_of_word(text) == "START"
