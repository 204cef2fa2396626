"""Claims: all that the receiver knows of a journal, so that any journal with these methods will do."""

from __future__ import annotations

import inspect
from dataclasses import FrozenInstanceError, fields, replace
from typing import cast

import pytest

from tests.receiver.programs import Memory, Program, status, text
from tests.webhook_requests import BASIC, read_settings, webhook
from twiml_app.journal import DurableJournal
from twiml_app.receiver.claims import Claim, Journal, Outcome, StoredReply
from twiml_app.receiver.receiver import REPLAY_HEADER, Receiver
from twiml_app.webhook import WebhookResponse

METHODS = sorted(name for name in vars(Journal) if not name.startswith("_"))
RESPONSE = WebhookResponse(status=204)


class Watched:
    """A journal in memory that keeps the names it is asked for."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.asked: set[str] = set()

    def __getattr__(self, name: str) -> object:
        self.asked.add(name)
        return getattr(self.memory, name)


def test_receiver_uses_the_protocol_and_nothing_else(program: Program) -> None:
    """A journal of one's own needs these methods; ``check`` is for the health of the application."""
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
        replace(text("hello"), headers={**text("hello").headers, REPLAY_HEADER.lower(): "1"}),
    ]
    for request in requests:
        receiver.handle(request)

    assert journal.asked == set(METHODS) - {"check"}


@pytest.mark.parametrize("kind", [DurableJournal, Memory])
@pytest.mark.parametrize("method", METHODS)
def test_journals_take_what_the_protocol_says(kind: type, method: str) -> None:
    """What is tested with a journal in memory holds for the durable one as well."""
    expected, found = (inspect.signature(getattr(owner, method)) for owner in (Journal, kind))

    assert found == expected


@pytest.mark.parametrize(
    "fact",
    [
        pytest.param(Outcome(RESPONSE, "handled"), id="outcome"),
        pytest.param(Claim(1, 0), id="claim"),
        pytest.param(StoredReply(RESPONSE, "a.b"), id="stored reply"),
    ],
)
def test_what_is_kept_cannot_be_changed_before_it_is_sent(fact: Outcome | Claim | StoredReply) -> None:
    """The retry gets what was kept: the first request must have got the same."""
    for field in fields(fact):
        with pytest.raises(FrozenInstanceError):
            setattr(fact, field.name, None)


def test_claim_is_in_time_and_out_of_any_loop_unless_it_says_otherwise() -> None:
    """A simple journal has no ledger and counts nothing."""
    one, other = Claim(1, 0), Claim(2, 0)

    assert (one.late, one.said_lately) == (False, {})
    assert one.said_lately is not other.said_lately
