"""Addresses in To and From (numbers, short codes, names, channel addresses), and Twilio's test numbers.

https://www.twilio.com/docs/glossary/what-e164 and https://www.twilio.com/docs/iam/test-credentials
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import ApiError, ConfigurationError

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
#: WhatsApp addresses contain a phone number; other channels have their own kinds of names.
_CHANNEL = re.compile(r"whatsapp:\+[1-9][0-9]{6,14}|(?!whatsapp:)[a-z]+:.+")
#: Punctuation that people write between the digits of a number.
_PUNCTUATION = re.compile(r"[\s().\-/]")
#: A number in national format begins with a digit, or with an area code in brackets.
_LOCAL = re.compile(r"[\s(]*[0-9]")
#: "whatsapp" typed on a phone keypad, which Twilio's own examples show in front of a number.
_WHATSAPP_KEYS = re.compile(r"94287277(?=\+)")
#: Countries whose phones accept media, https://www.twilio.com/docs/glossary/what-is-mms
_MMS_CALLING_CODES = ("+1",)

#: Values of From, and the error that each is refused with.
MAGIC_SENDERS = {
    "+15005550001": (21212, "The 'From' number +15005550001 is not a valid phone number."),
    "+15005550007": (21606, "The From phone number +15005550007 is not a valid, message-capable Twilio phone number."),
    "+15005550008": (21611, "This 'From' number has exceeded the maximum number of queued messages."),
}
#: The sender that is always valid.
MAGIC_SENDER = "+15005550006"
#: Values of To, and the error that each is refused with.
MAGIC_RECIPIENTS = {
    "+15005550001": (21211, "The 'To' number +15005550001 is not a valid phone number."),
    "+15005550002": (21612, "The 'To' phone number +15005550002 is not currently reachable using this 'From' number."),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for the region of +15005550003."),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient."),
    "+15005550009": (21614, "'To' number +15005550009 is not a valid mobile number."),
}
#: Numbers that cannot be bought, and the error that each is refused with; of these test numbers only the sender can.
MAGIC_PURCHASES = {
    "+15005550000": (21422, "The PhoneNumber +15005550000 is not available."),
    "+15005550001": (21421, "The PhoneNumber +15005550001 is invalid."),
} | {f"+1500555000{n}": (21422, f"The PhoneNumber +1500555000{n} is not available.") for n in (2, 3, 4, 5, 7, 8, 9)}


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a sender or a recipient, and its kind."""

    text: str
    #: number, short_code, name or channel.
    kind: str

    @property
    def channel(self) -> str:
        """``sms``, or the part before the colon of a channel address."""
        return self.text.partition(":")[0] if self.kind == "channel" else "sms"

    @property
    def takes_media(self) -> bool:
        """Whether phones in that country accept media; short codes and channels do."""
        if self.kind == "number":
            return self.text.startswith(_MMS_CALLING_CODES)
        return self.kind != "name"


def read_sender(text: str) -> Address | None:
    """Return the address in a From parameter; None if it is not a valid sender."""
    plain = _WHATSAPP_KEYS.sub("whatsapp:", text.strip())
    if _CHANNEL.fullmatch(plain):
        return Address(plain, "channel")
    digits = _PUNCTUATION.sub("", plain)
    if _E164.fullmatch(digits):
        return Address(digits, "number")
    if _SHORT_CODE.fullmatch(digits):
        return Address(digits, "short_code")
    if _NAME.fullmatch(plain):
        return Address(plain, "name")
    return _local(plain, "+1")


def is_alpha_sender(text: str) -> bool:
    """Return whether a text can be the alphanumeric sender of a messaging service.

    https://www.twilio.com/docs/messaging/api/alphasender-resource
    """
    return bool(re.fullmatch(r"(?=.*[^0-9])[A-Za-z0-9 +_&-]{1,11}", text))


def require_number(text: str) -> str:
    """Return a phone number in Twilio's format.

    Raises: ConfigurationError.
    """
    address = read_sender(text)
    if address is None or address.kind == "name":
        raise ConfigurationError("number", f"{text!r} is not a phone number: use a form like +15558675310")
    return address.text


def read_recipient(text: str, sender: str) -> Address | None:
    """Return the address in a To parameter; None if it is not a valid recipient.

    A number without a "+" is in the country of From, https://www.twilio.com/docs/messaging/api/message-resource
    """
    plain = _WHATSAPP_KEYS.sub("whatsapp:", text.strip())
    if _CHANNEL.fullmatch(plain):
        return Address(plain, "channel")
    digits = _PUNCTUATION.sub("", plain)
    if digits.startswith("+"):
        return Address(digits, "number") if _E164.fullmatch(digits) else None
    return _local(plain, sender)


def _local(text: str, sender: str) -> Address | None:
    """Return a number in national format with its country code; the tables are imported on first use."""
    import phonenumbers

    if not _LOCAL.match(text):
        return None
    try:
        number = phonenumbers.parse(text, _country_of(sender))
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Address(written, "number") if _E164.fullmatch(written) else None


def _country_of(sender: str) -> str:
    """Return the country of a sender; the United States for senders without a country."""
    import phonenumbers

    try:
        code = phonenumbers.parse(sender).country_code
    except phonenumbers.NumberParseException:
        return "US"
    return str(phonenumbers.region_code_for_country_code(code or 1))


def national(number: str) -> str:
    """Return a number in the format of 2008: only digits, without the 1 of a US number."""
    return number.removeprefix("+1") if number.startswith("+1") else number.removeprefix("+")


def takes_names(recipient: str) -> bool:
    """Return whether names can send to a number: not in the United States and Canada.

    https://help.twilio.com/articles/223133767
    """
    return recipient.startswith("+") and not recipient.startswith("+1")


def formatted(number: str) -> str:
    """Return a number as Twilio names it by default: ``(501) 712-2661`` in the United States and Canada."""
    found = re.fullmatch(r"\+1([0-9]{3})([0-9]{3})([0-9]{4})", number)
    return f"({found[1]}) {found[2]}-{found[3]}" if found else number


def check_magic(sender: str, recipient: str) -> None:
    """Refuse Twilio's test numbers with their documented error codes.

    Raises: ApiError.
    """
    for table, address in ((MAGIC_SENDERS, sender), (MAGIC_RECIPIENTS, recipient)):
        if address in table:
            raise ApiError(*table[address])
