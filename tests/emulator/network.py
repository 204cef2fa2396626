"""A delivery with real parts, for tests that follow a message from status to status."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from tests.emulator.contexts import make_context
from tests.emulator.program import CONTACT, NUMBER, SERVICE
from twiml_app.emulator.clocks import Clock, SteppedClock
from twiml_app.emulator.database import MEMORY
from twiml_app.emulator.delivery import Delivery
from twiml_app.emulator.delivery_steps import DeliverySteps
from twiml_app.emulator.pending_tasks import PendingTasks
from twiml_app.emulator.profiles import find_profile
from twiml_app.emulator.resources import Account, IncomingNumber, MessageRecord, MessagingService, PhoneSettings
from twiml_app.emulator.schedule import Schedule
from twiml_app.emulator.status_changes import StatusChanges
from twiml_app.emulator.store import ResourceStore

START = 1000.0
ACCOUNT = "AC" + "1" * 32
OTHER = "+15017122662"
SHORT_CODE = "12345"


class Network:
    """A delivery with real parts, and the statuses that it posts."""

    def __init__(
        self,
        profile: str = "current",
        *,
        state: str | Path = MEMORY,
        store: ResourceStore | None = None,
        now: float = START,
        clock: Clock | None = None,
        **rules: Any,
    ) -> None:
        self.store = store or ResourceStore(state)
        self.clock = clock or SteppedClock(now)
        self.context = make_context(self.store, clock=self.clock, profile=replace(find_profile(profile), **rules))
        self.schedule = Schedule(self.clock)
        self.posted: list[tuple[float, str]] = []
        steps = DeliverySteps(self.schedule, self.clock)
        statuses = StatusChanges(self.context, self.schedule, steps, self._post)
        self.delivery = Delivery(self.context, steps, statuses)
        self._sids = (f"SM{n}" for n in count(self.store.count(MessageRecord) + 1))
        self.save(Account(**self._dates(ACCOUNT), auth_token="token"))

    def _post(self, message: MessageRecord) -> None:
        self.posted.append((round(self.clock.now() - START, 6), message.status))

    def _dates(self, sid: str) -> dict[str, Any]:
        now = self.clock.now()
        return {"sid": sid, "account_sid": ACCOUNT, "date_created": now, "date_updated": now}

    def save(self, resource: Any) -> None:
        """Save a resource."""
        self.store.save(resource)

    def phone(self, contact: str = CONTACT, **phone_settings: Any) -> None:
        """Save the settings of a phone."""
        self.save(PhoneSettings(**self._dates(contact), **phone_settings))

    def service(self, *numbers: str, **settings: Any) -> None:
        """Make a messaging service with these numbers."""
        for number in numbers:
            self.save(IncomingNumber(**self._dates(f"PN{number}"), phone_number=number))
        self.save(MessagingService(**self._dates(SERVICE), numbers=tuple(f"PN{each}" for each in numbers), **settings))

    def compose(self, from_: str = NUMBER, *, to: str = CONTACT, **fields: Any) -> MessageRecord:
        """Save a message without starting its delivery."""
        given: dict[str, Any] = {
            "to": to,
            "from_": from_,
            "body": "hello",
            "status": "queued",
            "direction": "outbound-api",
        } | fields
        message = MessageRecord(**self._dates(next(self._sids)), **{"status_url": "http://127.0.0.1:1/status"} | given)
        self.save(message)
        return message

    def send(self, from_: str = NUMBER, **fields: Any) -> str:
        """Send a message; returns its sid."""
        message = self.compose(from_, **fields)
        self.delivery.begin(message)
        return message.sid

    def get(self, sid: str) -> MessageRecord:
        """Return a message as it is now."""
        message = self.store.get(MessageRecord, sid)
        assert message
        return message

    def sent_after(self, sid: str) -> float | None:
        """Return how many seconds after the start a message was sent; None if it was not."""
        sent = self.get(sid).date_sent
        return None if sent is None else round(sent - START - 0.2, 6)

    @property
    def statuses(self) -> list[str]:
        """The status of every message, in the order of creation."""
        return [message.status for message in self.store.find(MessageRecord, oldest_first=True)]

    @property
    def tasks(self) -> list[str]:
        """The kinds of the pending tasks."""
        return [kind for _, kind, _ in PendingTasks(self.store.database).all(MessageRecord)]
