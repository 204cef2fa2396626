"""What the receiver tells an observer that counts."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.receiver.programs import Program, proven, status, text
from tests.webhook_requests import BASIC, read_settings, webhook
from twiml_app.events import Event
from twiml_app.receiver import Hooks, Outcome, Receiver, kind_of
from twiml_app.webhook import WebhookRequest

SETTINGS = read_settings(BASIC)


@dataclass
class Counted:
    """An observer that remembers what it was told."""

    counted: list[str] = field(default_factory=list)

    def count_webhook(self, event: Event, outcome: Outcome, seconds: float) -> None:
        """Remember a webhook."""
        assert seconds >= 0
        self.counted.append(f"{kind_of(event)}: {outcome.name}")

    def count_refusal(self, status: int) -> None:
        """Remember a refusal."""
        self.counted.append(str(status))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param(text("fail"), ["inbound message: failed"], id="failed message"),
        pytest.param(status("delivered"), ["status callback: unhandled"], id="status callback"),
        pytest.param(webhook(headers={"authorization": "Basic d3Jvbmc6d3Jvbmc="}), ["401"], id="wrong password"),
        pytest.param(webhook(), [], id="probe without credentials"),
    ],
)
def test_observer_counts_what_happened(program: Program, request_: WebhookRequest, expected: list[str]) -> None:
    """Each of Twilio's requests may begin with a probe."""
    observer = Counted()
    Receiver(program.router, SETTINGS, hooks=Hooks(observer=observer)).handle(request_)

    assert observer.counted == expected


def test_replay_is_not_counted(program: Program) -> None:
    """It is no event, and its proof is valid for a minute only."""
    observer = Counted()
    Receiver(program.router, SETTINGS, hooks=Hooks(observer=observer)).handle(proven(text("fail"), SETTINGS))

    assert observer.counted == []


def test_observer_that_is_given_later_takes_the_place_of_the_one_before(program: Program) -> None:
    """What serves an application may want to know what it does."""
    first, later = Counted(), Counted()
    receiver = Receiver(program.router, SETTINGS, hooks=Hooks(observer=first))
    receiver.observe(later)
    receiver.handle(text("fail"))

    assert (first.counted, later.counted) == ([], ["inbound message: failed"])
