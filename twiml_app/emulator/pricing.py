"""What a message costs, and how a price is shown."""

from __future__ import annotations

#: Dollars for a segment to the United States, Canada and short codes: Twilio's documents show it in every example.
_SEGMENT = 0.0075
#: Dollars for a segment to any other country.
_SEGMENT_ABROAD = 0.04
#: Dollars for a message with media, however many.
_MMS = 0.02
#: Dollars for a message on another channel.
_CHANNEL = 0.005


def price_of(to: str, *, segments: int, num_media: int) -> float:
    """Return the price of a message in dollars, negative as Twilio shows it.

    Real prices differ by country, carrier and year; only that of a segment to "+1" is Twilio's own. The others are a
    judgement: one round price for every other country, for MMS and for channels such as ``whatsapp:``.
    """
    if ":" in to:
        return -_CHANNEL
    if num_media:
        return -_MMS
    abroad = to.startswith("+") and not to.startswith("+1")
    return -round(segments * (_SEGMENT_ABROAD if abroad else _SEGMENT), 5)


def json_price(price: float | None, as_number: bool) -> str | float | None:
    """Return a price as JSON has it: a text with five decimals, or the number that the older documents show."""
    if price is None or as_number:
        return price
    return f"{price:.5f}"
