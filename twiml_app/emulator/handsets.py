"""Other people's phones: what becomes of what is sent to them, and what has reached them."""

from __future__ import annotations

from .context import Context
from .resources import Handset, Message
from .store import Condition


class Handsets:
    """The phones that the emulator knows of; one that was never named takes whatever it is sent."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def get(self, number: str) -> Handset:
        """Return a phone by its number."""
        now = self._context.clock.now()
        known = self._context.store.get(Handset, number)
        return known or Handset(sid=number, account_sid="", date_created=now, date_updated=now)

    def save(self, handset: Handset) -> Handset:
        """Keep what is chosen for a phone."""
        return self._context.store.save(handset)

    def inbox(self, number: str) -> list[Message]:
        """Return what has reached a phone, in the order of arrival."""
        arrived = self._context.store.find(
            Message, Condition("to", "=", number), Condition("date_delivered", ">", 0), oldest_first=True
        )
        return sorted(arrived, key=lambda message: message.date_delivered or 0.0)
