"""What the receiver asks of the durable side: one answer an event, stored before it is sent.

The receiver knows no more of the journal than this protocol, so that it runs without one, and with one in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ..errors import RequestRefused
from ..events import Event, InboundMessage
from ..webhook import WebhookRequest, WebhookResponse


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an event: the answer, a word for the log, who made it."""

    response: WebhookResponse
    name: str
    handler: str = ""
    #: For a status callback: what each handler did, ``ok`` or the error.
    results: Mapping[str, str] | None = None
    #: A digest of what is said, to whomever: two programs that talk for ever say the same again and again.
    said: str = ""
    milliseconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer an event, and the duty to finish or to fail it."""

    exchange_id: int
    #: The process that claimed it.
    owner: int
    #: For a status callback: the ledger was already further.
    late: bool = False
    #: How often the same has been said to the contact within a minute, by the digest of what was said.
    said_lately: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredReply:
    """The event has been answered before: the same answer again."""

    response: WebhookResponse
    handler: str


class Journal(Protocol):
    """Where events are claimed and answers are kept.

    Raises, each of its methods: JournalUnavailable.
    """

    def claim(self, request: WebhookRequest, event: Event) -> Claim | StoredReply:
        """Claim an event, or return the answer that it got; where another is at it, wait for that answer.

        Raises: StillRunning, when that takes longer than Twilio waits.
        """

    def finish(self, claim: Claim, outcome: Outcome) -> None:
        """Keep the answer: it is durable when this returns.

        Raises: ClaimLost.
        """

    def fail(self, claim: Claim, outcome: Outcome) -> None:
        """Give the claim up, so that a retry runs the handler again."""

    def stored_reply(self, message: InboundMessage) -> StoredReply | None:
        """Return the answer of the URL that a fallback request names, waiting for one that is being made.

        Raises: StillRunning.
        """

    def keep_refusal(self, request: WebhookRequest, refused: RequestRefused) -> None:
        """Keep a refused request for ``twiml-app explain --last``: a few, and never its Authorization."""

    def check(self) -> None:
        """Return if the store can be reached and written to."""
