"""Claims: the receiver needs only this protocol, so any journal with these methods works."""

from __future__ import annotations

import inspect
from typing import cast

import pytest

from tests.receiver.programs import Memory, Program, proven, status, text
from tests.webhook_requests import BASIC, read_settings, webhook
from twiml_app.journal import DurableJournal
from twiml_app.receiver.claims import Claim, Journal, Outcome, StoredReply
from twiml_app.receiver.receiver import Receiver
from twiml_app.webhook import WebhookResponse

METHODS = sorted(name for name in vars(Journal) if not name.startswith("_"))
RESPONSE = WebhookResponse(status=204)


class Watched:
    """A journal in memory that records the names of the methods that are used."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.used: set[str] = set()

    def __getattr__(self, name: str) -> object:
        self.used.add(name)
        return getattr(self.memory, name)


def test_receiver_uses_only_the_protocol(program: Program) -> None:
    """Another journal needs only these methods; ``check`` is used by the health checks of the application."""
    journal = Watched(Memory())
    receiver = Receiver(program.router, read_settings(BASIC), journal=cast(Journal, journal))
    requests = [
        text("hello"),
        text("fail"),
        text("STOP"),
        text("hello", endpoint="fallback", ErrorCode="11200"),
        status("delivered"),
        webhook(),
        webhook(headers={"authorization": "Basic eDp5"}),
        proven(text("hello"), receiver.settings),
    ]
    for request in requests:
        receiver.handle(request)

    assert journal.used == set(METHODS) - {"check"}


@pytest.mark.parametrize("kind", [DurableJournal, Memory])
@pytest.mark.parametrize("method", METHODS)
def test_journals_have_the_signatures_of_the_protocol(kind: type, method: str) -> None:
    """Tests with a journal in memory must also be valid for the durable one."""
    expected, found = (inspect.signature(getattr(owner, method)) for owner in (Journal, kind))

    assert found == expected


@pytest.mark.parametrize(
    ("fact", "names"),
    [
        pytest.param(Outcome(RESPONSE, "handled"), Outcome._fields, id="outcome"),
        pytest.param(Claim(), Claim.__slots__, id="claim"),
        pytest.param(StoredReply(RESPONSE, "a.b"), StoredReply.__slots__, id="stored reply"),
    ],
)
def test_stored_data_cannot_be_changed_before_it_is_sent(fact: object, names: tuple[str, ...]) -> None:
    """A retry gets the stored answer, which must be what the first request got."""
    for name in names:
        with pytest.raises(AttributeError):
            setattr(fact, name, None)


def test_claim_is_neither_late_nor_looping_by_default() -> None:
    """A simple journal has no ledger and does not count replies."""
    one, other = Claim(), Claim()

    assert (one.late, one.recent_digests) == (False, {})
    assert one.recent_digests is not other.recent_digests
