"""Smart encoding: what would force UCS-2 and has a look-alike is replaced, and nothing else is touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.emulator.smart_encoding import REPLACEMENTS, smart_encode
from twiml_app.segments import GSM7_BASIC, GSM7_EXTENSION, segment

GSM7 = st.text(st.sampled_from(sorted(GSM7_BASIC | GSM7_EXTENSION)))
REPLACED = st.text(st.sampled_from([chr(code) for code in sorted(REPLACEMENTS)]))
ANYTHING = st.text(st.characters(exclude_categories=()) | st.sampled_from([chr(code) for code in REPLACEMENTS]))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        pytest.param("“Hi”, it‘s ‛me’", "\"Hi\", it's 'me'", id="curly quotes"),
        pytest.param("„so“ «là»", '"so" "là"', id="quotes of other countries"),
        pytest.param("‹a›", "<a>", id="single guillemets"),
        pytest.param("6ʹ 2ʺ `x´", "6' 2\" 'x'", id="primes and accents"),
        pytest.param("a‐b–c—d―e", "a-b-c-d-e", id="dashes"),
        pytest.param("• one\n⁃ two", "- one\n- two", id="bullets"),
        pytest.param("wait…", "wait...", id="ellipsis"),
        pytest.param("¼ ½ ¾ 1⁄3", "1/4 1/2 3/4 1/3", id="fractions"),
        pytest.param("a\u00a0b\u2009c\u3000d\u202fe\tf\u2028g", "a b c d e f g", id="odd spaces"),
        pytest.param("\ufeffa\u200bb\u2060c", "abc", id="zero width and byte order mark"),
        pytest.param("\0\x03a", "a", id="control characters"),
        pytest.param("ＡＺ０９！＠～", "AZ09!@~", id="full-width"),
        pytest.param("ᴀʙᴄ ꜱᴏꜱ ᴢ", "ABC SOS Z", id="small capitals"),
        pytest.param("一、二。", "一,二.", id="ideographic comma and full stop"),
        pytest.param("‼ ÷ ❨x❩ ﹛y﹜ ✱", "!! / (x) {y} *", id="ornaments"),
        pytest.param("Grüße 👍🏽 ❤️ жюри", "Grüße 👍🏽 ❤️ жюри", id="what has no look-alike"),
    ],
)
def test_look_alikes_are_replaced(text: str, plain: str) -> None:
    """Twilio's list: the number of segments, and so the price, depends on it."""
    assert smart_encode(text) == plain


def test_a_text_with_a_curly_quote_fits_again_into_one_segment() -> None:
    """What the setting is for."""
    text = "It’s " + "a" * 155

    assert (segment(text).count, segment(smart_encode(text)).count) == (3, 1)


@given(GSM7)
def test_gsm_text_is_never_touched(text: str) -> None:
    """Such a text costs nothing extra, line feeds, tildes and euros included."""
    assert smart_encode(text) == text


@given(REPLACED)
def test_result_of_replaced_characters_is_gsm(text: str) -> None:
    """A replacement that is itself outside GSM-7 would change the text and save nothing."""
    assert segment(smart_encode(text)).encoding == "GSM-7"


@given(ANYTHING)
def test_encoding_twice_changes_nothing_more(text: str) -> None:
    """A redirected or repeated message must not wear away."""
    assert smart_encode(smart_encode(text)) == smart_encode(text)


@given(st.lists(ANYTHING))
def test_characters_are_replaced_one_by_one(texts: list[str]) -> None:
    """What stands beside a character has no influence, so a split text comes out as the whole does."""
    assert smart_encode("".join(texts)) == "".join(map(smart_encode, texts))
