"""Pricing: the price of a message, and its two formats in JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.emulator.pricing import json_price, price_of


@pytest.mark.parametrize(
    ("to", "segments", "num_media", "price"),
    [
        pytest.param("+15558675310", 1, 0, -0.0075, id="one segment, as in Twilio's examples"),
        pytest.param("+15558675310", 3, 0, -0.0225, id="three segments"),
        pytest.param("12345", 2, 0, -0.015, id="short code"),
        pytest.param("+15558675310", 1, 1, -0.02, id="picture"),
        pytest.param("+15558675310", 4, 10, -0.02, id="ten pictures and a long text are one MMS"),
        pytest.param("+447400123456", 1, 0, -0.04, id="another country"),
        pytest.param("+447400123456", 7, 0, -0.28, id="seven segments to another country"),
        pytest.param("whatsapp:+15558675310", 3, 2, -0.005, id="WhatsApp"),
        pytest.param("messenger:1234567", 1, 0, -0.005, id="another channel"),
    ],
)
def test_price_depends_on_country_segments_media_and_channel(
    to: str, segments: int, num_media: int, price: float
) -> None:
    """A program that adds up prices or sets MaxPrice must see realistic differences."""
    assert price_of(to, segments=segments, num_media=num_media) == price


@given(st.integers(1, 20), st.sampled_from(["+15558675310", "+447400123456", "12345"]))
def test_price_is_not_rounded_in_json(segments: int, to: str) -> None:
    """Five decimals must be enough for every price."""
    price = price_of(to, segments=segments, num_media=0)
    shown = json_price(price, as_number=False)

    assert isinstance(shown, str)
    assert float(shown) == price < 0


@pytest.mark.parametrize(
    ("price", "as_number", "written"),
    [
        pytest.param(-0.0075, False, '"-0.00750"', id="string today"),
        pytest.param(-0.0075, True, "-0.0075", id="number in 2014"),
        pytest.param(-0.28, False, '"-0.28000"', id="always five decimals"),
        pytest.param(None, False, "null", id="not known yet, today"),
        pytest.param(None, True, "null", id="not known yet, 2014"),
    ],
)
def test_format_of_a_price_in_json_depends_on_the_profile(price: float | None, as_number: bool, written: str) -> None:
    """The client libraries of each time can only read their own format."""
    assert json.dumps(json_price(price, as_number)) == written
