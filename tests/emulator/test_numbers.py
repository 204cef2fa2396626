"""Numbers: what can stand in From and To, however people write it, and Twilio's test numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twiml_app.emulator.numbers import MAGIC_SENDER, Address, check_magic, national, read_recipient, read_sender
from twiml_app.errors import ApiError

US = "+14155550000"
SENDERS = [US, "+447400000000", "+4915112345678", "+8001234567", "12345", "ACME", "whatsapp:+447400000000", "", "+"]
#: What people type where a number is asked for, and what has nothing to do with one.
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
        pytest.param("A", Address("A", "name"), id="name of one letter"),
        pytest.param("ACME Ltd 24", Address("ACME Ltd 24", "name"), id="name of eleven"),
        pytest.param("4 you", Address("4 you", "name"), id="name that begins with a digit"),
        pytest.param("whatsapp:+15005550006", Address("whatsapp:+15005550006", "channel"), id="channel"),
        pytest.param("94287277+15005550006", Address("whatsapp:+15005550006", "channel"), id="channel on the keys"),
        pytest.param("messenger:1234567", Address("messenger:1234567", "channel"), id="channel without a number"),
        pytest.param("(415) 555-1212", number("+14155551212"), id="US number as it is written there"),
    ],
)
def test_sender_is_read(text: str, address: Address) -> None:
    """From is a number, a short code, a name of up to eleven or a channel address."""
    assert read_sender(text) == address


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(" ", id="a space"),
        pytest.param("12", id="too short for a short code"),
        pytest.param("TwelveLetter", id="twelve letters"),
        pytest.param("Ärger", id="not ASCII"),
        pytest.param("ACME!", id="punctuation in a name"),
        pytest.param("+0123456789", id="no country begins with 0"),
        pytest.param("+123456", id="too few digits"),
        pytest.param("+1234567890123456", id="too many digits"),
        pytest.param("whatsapp:", id="a channel without an address"),
        pytest.param("call +14155551212", id="a number after a word"),
    ],
)
def test_what_is_no_sender_is_told(text: str) -> None:
    """Each of these is 21212 at Twilio."""
    assert read_sender(text) is None


@pytest.mark.parametrize(
    ("text", "sender", "address"),
    [
        pytest.param("+15558675310", US, number("+15558675310"), id="E.164"),
        pytest.param("+44 (7400) 123-456", US, number("+447400123456"), id="punctuation"),
        pytest.param("(415) 555-1212", US, number("+14155551212"), id="US"),
        pytest.param("415.555.1212", US, number("+14155551212"), id="US with dots"),
        pytest.param("1 415 555 1212", US, number("+14155551212"), id="US with the 1"),
        pytest.param(" 14155551212", US, number("+14155551212"), id="the plus lost in a form"),
        pytest.param("1-800-FLOWERS", US, number("+18003569377"), id="letters on the keys"),
        pytest.param("07400123456", "+447400000000", number("+447400123456"), id="British"),
        pytest.param("07400123456", "whatsapp:+447400000000", number("+447400123456"), id="from a channel"),
        pytest.param("4155551212", "12345", number("+14155551212"), id="from a short code"),
        pytest.param("4155551212", "ACME", number("+14155551212"), id="from a name"),
        pytest.param("whatsapp:+15558675310", US, Address("whatsapp:+15558675310", "channel"), id="channel"),
        pytest.param("94287277+15558675310", US, Address("whatsapp:+15558675310", "channel"), id="channel on the keys"),
    ],
)
def test_recipient_is_read_in_the_country_of_the_sender(text: str, sender: str, address: Address) -> None:
    """Without a plus, To is a number of From's country."""
    assert read_recipient(text, sender) == address


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        pytest.param("", US, id="nothing"),
        pytest.param("+", US, id="a plus"),
        pytest.param("hello", US, id="a word"),
        pytest.param("12345", US, id="a short code"),
        pytest.param("+0123456789", US, id="no country begins with 0"),
        pytest.param("+1234567890123456", US, id="too many digits"),
        pytest.param("4155551212", "+8001234567", id="from a number of no country"),
        pytest.param("call +15558675310", US, id="a number after a word"),
        pytest.param("555-1212", US, id="a number without its area code"),
        pytest.param("110", "+4915112345678", id="an emergency number"),
        pytest.param("123456789012345", "+4915112345678", id="too long with the country before it"),
    ],
)
def test_what_is_no_recipient_is_told(text: str, sender: str) -> None:
    """Each of these is 21211 at Twilio, and a message to it would reach nobody."""
    assert read_recipient(text, sender) is None


@given(TYPED)
def test_sender_that_was_read_reads_the_same_again(text: str) -> None:
    """What the emulator answers is given back to it: as a filter, as To of the reply."""
    address = read_sender(text)

    assert address is None or read_sender(address.text) == address


@given(TYPED, st.sampled_from(SENDERS) | TYPED)
def test_recipient_that_was_read_reads_the_same_again(text: str, sender: str) -> None:
    """What the emulator answers is given back to it, whatever number of ours it is then sent from."""
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
def test_address_tells_its_channel_and_whether_it_takes_media(
    address: Address, channel: str, takes_media: bool
) -> None:
    """Media for a phone that takes none becomes a link, and both ends must be on one channel."""
    assert (address.channel, address.takes_media) == (channel, takes_media)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("+14155551212", "4155551212"), ("+447400123456", "447400123456"), ("12345", "12345")],
    ids=["US", "British", "short code"],
)
def test_number_of_2008_is_shown_without_plus(text: str, shown: str) -> None:
    """The documents of that year show national digits."""
    assert national(text) == shown


@pytest.mark.parametrize(
    ("sender", "recipient", "code"),
    [
        pytest.param("+15005550001", "+15558675310", 21212, id="From is no number"),
        pytest.param("+15005550007", "+15558675310", 21606, id="From is not ours"),
        pytest.param("+15005550008", "+15558675310", 21611, id="From has a full queue"),
        pytest.param(MAGIC_SENDER, "+15005550001", 21211, id="To is no number"),
        pytest.param(MAGIC_SENDER, "+15005550002", 21612, id="To is out of reach"),
        pytest.param(MAGIC_SENDER, "+15005550003", 21408, id="To is in a forbidden region"),
        pytest.param(MAGIC_SENDER, "+15005550004", 21610, id="To has sent STOP"),
        pytest.param(MAGIC_SENDER, "+15005550009", 21614, id="To is not mobile"),
        pytest.param("+15005550001", "+15005550004", 21212, id="From comes first"),
    ],
)
def test_magic_number_is_refused_with_its_code(sender: str, recipient: str, code: int) -> None:
    """Test suites that exist rely on these, https://www.twilio.com/docs/iam/test-credentials."""
    with pytest.raises(ApiError) as caught:
        check_magic(sender, recipient)

    assert (caught.value.code, caught.value.status) == (code, 400)
    assert (recipient if sender == MAGIC_SENDER else sender) in caught.value.message or code in (21610, 21611)


@pytest.mark.parametrize("recipient", ["+15558675310", "+15005550005", "+15005550006"])
def test_other_numbers_are_not_magic(recipient: str) -> None:
    """The numbers between have a meaning for buying and for calls alone."""
    check_magic(MAGIC_SENDER, recipient)
