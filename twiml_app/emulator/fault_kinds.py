"""The table of faults: what each one is called and does. The command line, the REST control and the docs show it.

The first word of a name says where the fault happens: in a request to the REST API, in the delivery of a message to a
phone, in a text from a phone, in a webhook, or in the order of status callbacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault, and the defaults of the options that it has; an option that is empty here has no effect."""

    name: str
    summary: str
    error_code: int = 0
    seconds: float = 0.0
    text: str = ""

    @property
    def place(self) -> str:
        """Where it happens: the first word of its name."""
        return self.name.partition("-")[0]


_ALL = (
    FaultKind("api-429", "The REST API refuses a request: 429, code 20429."),
    FaultKind("api-500", "The REST API fails: 500, code 20500; nothing is carried out."),
    FaultKind("api-503", "The REST API is down: 503, code 20503, with Retry-After."),
    FaultKind(
        "api-slow", "The answer to a request comes `seconds` of real time after it was carried out.", seconds=5.0
    ),
    FaultKind("api-cut-before", "The connection is cut before the request is carried out."),
    FaultKind("api-cut-after", "The connection is cut after the request was carried out: its client cannot know."),
    FaultKind("webhook-duplicate", "The webhook arrives twice with the same MessageSid; the first answer counts."),
    FaultKind("webhook-retry", "The first answer is lost, and the same request arrives again; its answer counts."),
    FaultKind("webhook-late", "The answer comes after Twilio's limit: it is not used, and 11200 is reported."),
    FaultKind("webhook-cut", "The connection breaks before the answer: it is not used, and 11200 is reported."),
    FaultKind("webhook-drop", "The webhook never arrives, and 11205 is reported."),
    FaultKind("webhook-wrong-signature", "The webhook is signed with another token."),
    FaultKind("webhook-no-signature", "The webhook is not signed."),
    FaultKind("webhook-wrong-credentials", "The webhook has another user and password than its URL."),
    FaultKind("webhook-no-credentials", "The webhook does not answer the challenge for credentials."),
    FaultKind(
        "status-reorder",
        "The callbacks before the final status come later than it, `seconds` of the clock.",
        seconds=5.0,
    ),
    FaultKind("status-before-answer", "A message's first status callback arrives before the answer to its request."),
)
FAULT_KINDS: Mapping[str, FaultKind] = {kind.name: kind for kind in _ALL}
