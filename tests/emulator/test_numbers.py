"""Numbers: valid addresses in From and To, in all common formats, and Twilio's test numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.emulator.numbers import MAGIC_SENDER, Address, check_magic, national, read_recipient, read_sender
from twiml_app.errors import ApiError

US = "+14155550000"
SENDERS = [US, "+447400000000", "+4915112345678", "+8001234567", "12345", "ACME", "whatsapp:+447400000000", "", "+"]
#: Strings that look like numbers, and arbitrary strings.
TYPED = st.text(st.sampled_from("0123456789+ ()-./:abZ#*x,;"), max_size=20) | st.text(max_size=30)


def number(text: str) -> Address:
    """Return the address of a number."""
    return Address(text, "number")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("+15005550006", number("+15005550006"), id="E.164"),
        pytest.param(" +44 7400 123456 ", number("+447400123456"), id="spaces"),
        pytest.param("+1 (415) 555-12.12", number("+14155551212"), id="punctuation"),
        pytest.param("+1234567", number("+1234567"), id="shortest"),
        pytest.param("+123456789012345", number("+123456789012345"), id="longest"),
        pytest.param("12345", Address("12345", "short_code"), id="short code"),
        pytest.param("123", Address("123", "short_code"), id="shortest short code"),
        pytest.param("12345678", Address("12345678", "short_code"), id="longest short code"),
        pytest.param("A", Address("A", "name"), id="name with one letter"),
        pytest.param("ACME Ltd 24", Address("ACME Ltd 24", "name"), id="name with eleven characters"),
        pytest.param("4 you", Address("4 you", "name"), id="name that begins with a digit"),
        pytest.param("whatsapp:+15005550006", Address("whatsapp:+15005550006", "channel"), id="channel"),
        pytest.param(
            "94287277+15005550006", Address("whatsapp:+15005550006", "channel"), id="channel typed on a keypad"
        ),
        pytest.param("messenger:1234567", Address("messenger:1234567", "channel"), id="channel without a number"),
        pytest.param("(415) 555-1212", number("+14155551212"), id="US number in national format"),
    ],
)
def test_sender_is_read(text: str, address: Address) -> None:
    """From is a number, a short code, a name with up to eleven characters, or a channel address."""
    assert read_sender(text) == address


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="space"),
        pytest.param("12", id="too short for a short code"),
        pytest.param("TwelveLetter", id="twelve letters"),
        pytest.param("Ärger", id="not ASCII"),
        pytest.param("ACME!", id="punctuation in a name"),
        pytest.param("+0123456789", id="country code that begins with 0"),
        pytest.param("+123456", id="too few digits"),
        pytest.param("+1234567890123456", id="too many digits"),
        pytest.param("whatsapp:", id="channel without an address"),
        pytest.param("call +14155551212", id="number after a word"),
    ],
)
def test_invalid_sender_is_not_read(text: str) -> None:
    """Twilio refuses each of these with 21212."""
    assert read_sender(text) is None


@pytest.mark.parametrize(
    ("text", "sender", "address"),
    [
        pytest.param("+15558675310", US, number("+15558675310"), id="E.164"),
        pytest.param("+44 (7400) 123-456", US, number("+447400123456"), id="punctuation"),
        pytest.param("(415) 555-1212", US, number("+14155551212"), id="US"),
        pytest.param("415.555.1212", US, number("+14155551212"), id="US with dots"),
        pytest.param("1 415 555 1212", US, number("+14155551212"), id="US with the 1"),
        pytest.param(" 14155551212", US, number("+14155551212"), id="plus sign lost in a form"),
        pytest.param("1-800-FLOWERS", US, number("+18003569377"), id="letters of a keypad"),
        pytest.param("07400123456", "+447400000000", number("+447400123456"), id="British"),
        pytest.param("07400123456", "whatsapp:+447400000000", number("+447400123456"), id="from a channel"),
        pytest.param("4155551212", "12345", number("+14155551212"), id="from a short code"),
        pytest.param("4155551212", "ACME", number("+14155551212"), id="from a name"),
        pytest.param("whatsapp:+15558675310", US, Address("whatsapp:+15558675310", "channel"), id="channel"),
        pytest.param(
            "94287277+15558675310", US, Address("whatsapp:+15558675310", "channel"), id="channel typed on a keypad"
        ),
    ],
)
def test_recipient_without_a_plus_is_in_the_country_of_the_sender(text: str, sender: str, address: Address) -> None:
    """Twilio documents this for To."""
    assert read_recipient(text, sender) == address


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        pytest.param("", US, id="empty"),
        pytest.param("+", US, id="plus sign"),
        pytest.param("hello", US, id="word"),
        pytest.param("12345", US, id="short code"),
        pytest.param("+0123456789", US, id="country code that begins with 0"),
        pytest.param("+1234567890123456", US, id="too many digits"),
        pytest.param("4155551212", "+8001234567", id="from a number without a country"),
        pytest.param("call +15558675310", US, id="number after a word"),
        pytest.param("555-1212", US, id="number without an area code"),
        pytest.param("110", "+4915112345678", id="emergency number"),
        pytest.param("123456789012345", "+4915112345678", id="too long with the country code"),
    ],
)
def test_invalid_recipient_is_not_read(text: str, sender: str) -> None:
    """Twilio refuses each of these with 21211."""
    assert read_recipient(text, sender) is None


@given(TYPED)
def test_sender_that_was_read_is_read_unchanged_again(text: str) -> None:
    """Clients send addresses from responses back, for example as a filter or as To."""
    address = read_sender(text)

    assert address is None or read_sender(address.text) == address


@given(TYPED, st.sampled_from(SENDERS) | TYPED)
def test_recipient_that_was_read_is_read_unchanged_again(text: str, sender: str) -> None:
    """Clients send addresses from responses back, possibly with another sender."""
    address = read_recipient(text, sender)

    assert address is None or read_recipient(address.text, US) == address


@pytest.mark.parametrize(
    ("address", "channel", "takes_media"),
    [
        pytest.param(Address("+15558675310", "number"), "sms", True, id="US"),
        pytest.param(Address("+447400123456", "number"), "sms", False, id="British"),
        pytest.param(Address("12345", "short_code"), "sms", True, id="short code"),
        pytest.param(Address("ACME", "name"), "sms", False, id="name"),
        pytest.param(Address("whatsapp:+447400123456", "channel"), "whatsapp", True, id="WhatsApp"),
        pytest.param(Address("rcs:brand", "channel"), "rcs", True, id="RCS"),
    ],
)
def test_address_has_a_channel_and_accepts_media_or_not(address: Address, channel: str, takes_media: bool) -> None:
    """Media may have to become a link, and both addresses of a message must be on the same channel."""
    assert (address.channel, address.takes_media) == (channel, takes_media)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("+14155551212", "4155551212"), ("+447400123456", "447400123456"), ("12345", "12345")],
    ids=["US", "British", "short code"],
)
def test_number_of_2008_has_no_plus(text: str, shown: str) -> None:
    """The documentation of that year shows national numbers."""
    assert national(text) == shown


@pytest.mark.parametrize(
    ("sender", "recipient", "code"),
    [
        pytest.param("+15005550001", "+15558675310", 21212, id="From is invalid"),
        pytest.param("+15005550007", "+15558675310", 21606, id="From is not ours"),
        pytest.param("+15005550008", "+15558675310", 21611, id="From has a full queue"),
        pytest.param(MAGIC_SENDER, "+15005550001", 21211, id="To is invalid"),
        pytest.param(MAGIC_SENDER, "+15005550002", 21612, id="To is unreachable"),
        pytest.param(MAGIC_SENDER, "+15005550003", 21408, id="To is in a forbidden region"),
        pytest.param(MAGIC_SENDER, "+15005550004", 21610, id="To has sent STOP"),
        pytest.param(MAGIC_SENDER, "+15005550009", 21614, id="To is not mobile"),
        pytest.param("+15005550001", "+15005550004", 21212, id="From is checked first"),
    ],
)
def test_magic_number_is_refused_with_its_error_code(sender: str, recipient: str, code: int) -> None:
    """Existing test suites rely on these, https://www.twilio.com/docs/iam/test-credentials."""
    with pytest.raises(ApiError) as caught:
        check_magic(sender, recipient)

    assert (caught.value.code, caught.value.status) == (code, 400)
    assert (recipient if sender == MAGIC_SENDER else sender) in caught.value.message or code in (21610, 21611)


@pytest.mark.parametrize("recipient", ["+15558675310", "+15005550005", "+15005550006"])
def test_other_numbers_are_not_magic(recipient: str) -> None:
    """The other test numbers are only for buying numbers and for calls."""
    check_magic(MAGIC_SENDER, recipient)
