"""The journal protocol that the receiver needs: one answer per event, stored before it is sent.

The receiver knows only this protocol, so it also runs without a journal, or with one in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from ..errors import RequestRefused
from ..events import Event, InboundMessage
from ..pending import Effect
from ..webhook import WebhookRequest, WebhookResponse
from .turns import Place


class Outcome(NamedTuple):
    """The outcome of an event: the answer, the name of the outcome for the log, and the handler.

    A tuple, as one is made for every request.
    """

    response: WebhookResponse
    name: str
    handler: str = ""
    #: For a status callback: the result of each handler, ``ok`` or the error.
    results: Mapping[str, str] | None = None
    #: A digest of the texts and media that are sent, used to detect two programs that answer each other forever.
    digest: str = ""
    milliseconds: float = 0.0
    #: What the handlers asked for besides the answer; it is stored with the answer, or not at all.
    effects: tuple[Effect, ...] = ()
    #: The place of a message in its conversation, which is given up in the same transaction.
    turn: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to answer an event, and the duty to finish or to fail it; a journal adds what it needs for that."""

    #: For a status callback: a later status was already known.
    late: bool = False
    #: How often an answer was sent to the contact within the last minute, by its digest; rare ones may be left out.
    recent_digests: Mapping[str, int] = field(default_factory=dict)
    #: For a status callback of a message that the program sent first: the metadata that it was sent with.
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class StoredReply:
    """The stored answer of an event that has been answered before."""

    response: WebhookResponse
    handler: str


class Journal(Protocol):
    """Claims events and stores answers; no method waits longer than ``wait_s`` seconds.

    Raises: JournalUnavailable, from each of its methods.
    """

    def claim(
        self, request: WebhookRequest, event: Event, *, wait_s: float, by_token: bool = False
    ) -> Claim | StoredReply:
        """Claim an event, or return its stored answer; if another request is handling it, wait for that answer.

        ``by_token`` means that a status token replaced the credentials of a status callback. The token must be that of
        the first inbound message which was named for the MessageSid.

        Raises: StillRunning, if that takes too long; Forbidden, for the token of another inbound message, and then
        nothing is stored.
        """

    def finish(self, claim: Claim, outcome: Outcome, *, wait_s: float) -> None:
        """Store the answer and the effects of the outcome in one transaction: they are durable when this returns.

        Raises: ClaimLost.
        """

    def fail(self, claim: Claim, outcome: Outcome, *, wait_s: float) -> None:
        """Release the claim, so that a retry runs the handler again."""

    def stored_reply(self, message: InboundMessage, *, wait_s: float) -> StoredReply | None:
        """Return the answer of the URL that a fallback request names; if it is still being handled, wait for it.

        Raises: StillRunning.
        """

    def keep_refusal(self, request: WebhookRequest, refused: RequestRefused) -> None:
        """Store a refused request for ``twiml-app explain --last``: only the last few, without their Authorization."""

    def check(self) -> None:
        """Check, within two seconds, that the store can be reached and written to."""
