"""The context that all parts of the emulator share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from ..errors import ConfigurationError
from .clocks import Clock
from .faults import Faults
from .numbers import read_sender
from .profiles import Profile
from .resources import API_2010, Account, IncomingNumber, MediaRecord, MessageRecord, MessagingService, PhoneSettings
from .store import Condition, ResourceStore

#: How many numbers are looked at to find the only one.
_MANY = 100
_DEFAULT_ERRORS = {"failed": 30008, "undelivered": 30003}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The store, the clock, the profile, the faults, and common lookups."""

    store: ResourceStore
    clock: Clock
    profile: Profile
    #: The URL at which the emulator is reached.
    base_url: str
    new_sid: Callable[[str], str]
    #: Shuffles messages that may arrive in any order.
    random: Random
    #: True if any sender is allowed, which is the default without a seed.
    any_sender: bool = True
    #: What should go wrong.
    faults: Faults = field(default_factory=Faults)
    #: Held while a resource is read and written again.
    lock: threading.RLock = field(default_factory=threading.RLock)

    def find_number(self, phone_number: str) -> IncomingNumber | None:
        """Return our number with these digits, if any."""
        found = self.store.find(IncomingNumber, Condition("phone_number", "=", phone_number), limit=1)
        return found[0] if found else None

    def our_number(self, text: str) -> str:
        """Return one of our numbers in Twilio's format; for an empty string, the only one, WhatsApp senders aside.

        Raises: ConfigurationError.
        """
        if text:
            address = read_sender(text)
            return address.text if address else text
        numbers = self.store.find(IncomingNumber, limit=_MANY)
        numbers = [each for each in numbers if ":" not in each.phone_number] or numbers
        if len(numbers) != 1:
            raise ConfigurationError(
                "number",
                "several numbers exist: say which one to use" if numbers else "no number exists yet: add one",
            )
        return numbers[0].phone_number

    def numbers_of(self, service: MessagingService) -> list[IncomingNumber]:
        """Return the numbers of a messaging service, in the order in which they were added."""
        found = (self.store.get(IncomingNumber, sid) for sid in service.numbers)
        return [number for number in found if number]

    def find_service(self, number: IncomingNumber | None) -> MessagingService | None:
        """Return the messaging service that a number belongs to, if any."""
        if number is None:
            return None
        services = self.store.find(MessagingService, account_sid=number.account_sid)
        return next((service for service in services if number.sid in service.numbers), None)

    def takes_media(self, contact: str) -> bool:
        """Return whether a phone accepts media: by its setting if there is one, otherwise by its country."""
        phone_settings = self.store.get(PhoneSettings, contact)
        if phone_settings and phone_settings.takes_media is not None:
            return phone_settings.takes_media
        address = read_sender(contact)
        return bool(address and address.takes_media)

    def delivery_outcome(self, contact: str) -> tuple[str, int | None]:
        """Return the final status of messages to a phone, and the error code of a failure."""
        phone_settings = self.store.get(PhoneSettings, contact)
        if phone_settings is None:
            return "delivered", None
        return phone_settings.status, phone_settings.error_code or _DEFAULT_ERRORS.get(phone_settings.status)

    def account(self, sid: str) -> Account:
        """Return the account with this sid, which must exist."""
        account = self.store.get(Account, sid)
        if account is None:
            raise LookupError(f"no account {sid}")
        return account

    def media_of(self, message_sid: str) -> list[MediaRecord]:
        """Return the media of a message, in order."""
        return self.store.find(MediaRecord, Condition("parent_sid", "=", message_sid), oldest_first=True)

    def media_urls(self, message: MessageRecord) -> dict[str, str]:
        """Return the URLs of the media of a message, each with its content type."""
        if not message.num_media:
            return {}
        folder = f"{self.base_url}/{API_2010}/Accounts/{message.account_sid}/Messages/{message.sid}/Media"
        return {f"{folder}/{media.sid}": media.content_type for media in self.media_of(message.sid)}

    def change_message(self, sid: str, expected: frozenset[str], **changes: Any) -> MessageRecord | None:
        """Change a message if it still has one of the expected statuses; return None if it has not, or was deleted."""
        with self.lock:
            message = self.store.get(MessageRecord, sid)
            if message is None or message.status not in expected:
                return None
            return self.store.save(replace(message, date_updated=self.clock.now(), **changes))
