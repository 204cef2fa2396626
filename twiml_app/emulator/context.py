"""What every part of the emulator shares."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from ..errors import ConfigurationError
from .clocks import Clock
from .numbers import read_sender
from .profiles import Profile
from .resources import API_2010, Account, IncomingNumber, MediaRecord, MessageRecord, MessagingService, PhoneSettings
from .store import Condition, ResourceStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The store, the time, the profile, and who may send."""

    store: ResourceStore
    clock: Clock
    profile: Profile
    #: Where the emulator itself is reached.
    base_url: str
    new_sid: Callable[[str], str]
    #: Orders what may arrive in any order.
    random: Random
    #: Every sender counts as owned: so it is without a seed.
    any_sender: bool = True
    #: Held while a resource is read and written again.
    lock: threading.RLock = field(default_factory=threading.RLock)

    def find_number(self, phone_number: str) -> IncomingNumber | None:
        """Return the number of ours with these digits."""
        found = self.store.find(IncomingNumber, Condition("phone_number", "=", phone_number), limit=1)
        return found[0] if found else None

    def our_number(self, text: str) -> str:
        """Return a number of ours as Twilio writes it; without a text the only one there is.

        Raises: ConfigurationError.
        """
        if text:
            address = read_sender(text)
            return address.text if address else text
        numbers = self.store.find(IncomingNumber, limit=2)
        if len(numbers) != 1:
            raise ConfigurationError(
                "number", "say which: there are several" if numbers else "there is none yet: add one"
            )
        return numbers[0].phone_number

    def numbers_of(self, service: MessagingService) -> list[IncomingNumber]:
        """Return the numbers of a messaging service, in the order in which they were added."""
        found = (self.store.get(IncomingNumber, sid) for sid in service.numbers)
        return [number for number in found if number]

    def find_service(self, number: IncomingNumber | None) -> MessagingService | None:
        """Return the messaging service that a number is in."""
        if number is None:
            return None
        services = self.store.find(MessagingService, account_sid=number.account_sid)
        return next((service for service in services if number.sid in service.numbers), None)

    def takes_media(self, number: str) -> bool:
        """Tell whether a phone takes pictures: as it is set, else as its country has it."""
        phone_settings = self.store.get(PhoneSettings, number)
        if phone_settings and phone_settings.takes_media is not None:
            return phone_settings.takes_media
        address = read_sender(number)
        return bool(address and address.takes_media)

    def account(self, sid: str) -> Account:
        """Return an account that is known to exist."""
        account = self.store.get(Account, sid)
        if account is None:
            raise LookupError(f"no account {sid}")
        return account

    def media_of(self, message_sid: str) -> list[MediaRecord]:
        """Return the media of a message, in order."""
        return self.store.find(MediaRecord, Condition("parent_sid", "=", message_sid), oldest_first=True)

    def media_urls(self, message: MessageRecord) -> dict[str, str]:
        """Return the URLs at which the media of a message are served, each with its content type."""
        if not message.num_media:
            return {}
        folder = f"{self.base_url}/{API_2010}/Accounts/{message.account_sid}/Messages/{message.sid}/Media"
        return {f"{folder}/{media.sid}": media.content_type for media in self.media_of(message.sid)}

    def change_message(self, sid: str, expected: frozenset[str], **changes: Any) -> MessageRecord | None:
        """Change a message if it still has one of the expected statuses; None if it has not, or is gone."""
        with self.lock:
            message = self.store.get(MessageRecord, sid)
            if message is None or message.status not in expected:
                return None
            return self.store.save(replace(message, date_updated=self.clock.now(), **changes))
