"""Smart encoding: characters that need UCS-2 are replaced if there is a similar one in GSM-7."""

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
        pytest.param("„so“ «là»", '"so" "là"', id="quotes of other languages"),
        pytest.param("‹a›", "<a>", id="single guillemets"),
        pytest.param("6ʹ 2ʺ `x´", "6' 2\" 'x'", id="primes and accents"),
        pytest.param("a‐b–c—d―e", "a-b-c-d-e", id="dashes"),
        pytest.param("• one\n⁃ two", "- one\n- two", id="bullets"),
        pytest.param("wait…", "wait...", id="ellipsis"),
        pytest.param("¼ ½ ¾ 1⁄3", "1/4 1/2 3/4 1/3", id="fractions"),
        pytest.param("a\u00a0b\u2009c\u3000d\u202fe\tf\u2028g", "a b c d e f g", id="unusual spaces"),
        pytest.param("\ufeffa\u200bb\u2060c", "abc", id="zero width and byte order mark"),
        pytest.param("\0\x03a", "a", id="control characters"),
        pytest.param("ＡＺ０９！＠～", "AZ09!@~", id="full-width"),
        pytest.param("ᴀʙᴄ ꜱᴏꜱ ᴢ", "ABC SOS Z", id="small capitals"),
        pytest.param("一、二。", "一,二.", id="ideographic comma and full stop"),
        pytest.param("‼ ÷ ❨x❩ ﹛y﹜ ✱", "!! / (x) {y} *", id="ornaments"),
        pytest.param("Grüße 👍🏽 ❤️ жюри", "Grüße 👍🏽 ❤️ жюри", id="characters without a replacement"),
    ],
)
def test_characters_are_replaced_by_similar_ones(text: str, plain: str) -> None:
    """The number of segments, and so the price, depends on following Twilio's list."""
    assert smart_encode(text) == plain


def test_text_with_a_curly_quote_fits_into_one_segment() -> None:
    """This is the purpose of smart encoding."""
    text = "It’s " + "a" * 155

    assert (segment(text).count, segment(smart_encode(text)).count) == (3, 1)


@given(GSM7)
def test_gsm_text_is_not_changed(text: str) -> None:
    """It needs no extra segments; this includes line feeds, tildes and euro signs."""
    assert smart_encode(text) == text


@given(REPLACED)
def test_result_of_replaced_characters_is_gsm(text: str) -> None:
    """Otherwise the replacement would change the text without saving segments."""
    assert segment(smart_encode(text)).encoding == "GSM-7"


@given(ANYTHING)
def test_encoding_is_idempotent(text: str) -> None:
    """A message that is sent again must not change further."""
    assert smart_encode(smart_encode(text)) == smart_encode(text)


@given(st.lists(ANYTHING))
def test_characters_are_replaced_independently(texts: list[str]) -> None:
    """Splitting a text must not change the result."""
    assert smart_encode("".join(texts)) == "".join(map(smart_encode, texts))
