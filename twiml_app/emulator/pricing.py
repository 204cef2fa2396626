"""The price of a message, and its format in JSON."""

from __future__ import annotations

#: Dollars per segment to the United States, Canada and short codes, as in every example of Twilio's documentation.
_SEGMENT = 0.0075
#: Dollars per segment to any other country.
_SEGMENT_ABROAD = 0.04
#: Dollars per message with media, however many files.
_MMS = 0.02
#: Dollars per message on another channel.
_CHANNEL = 0.005


def price_of(to: str, *, segments: int, num_media: int) -> float:
    """Return the price of a message in dollars; it is negative, as at Twilio.

    Real prices depend on country, carrier and year. Only the price per segment to "+1" is Twilio's; the others are
    estimates: one price for all other countries, one for MMS, and one for channels such as ``whatsapp:``.
    """
    if ":" in to:
        return -_CHANNEL
    if num_media:
        return -_MMS
    abroad = to.startswith("+") and not to.startswith("+1")
    return -round(segments * (_SEGMENT_ABROAD if abroad else _SEGMENT), 5)


def json_price(price: float | None, as_number: bool) -> str | float | None:
    """Return a price for JSON: a string with five decimals, or a number as in the older documentation."""
    if price is None or as_number:
        return price
    return f"{price:.5f}"
