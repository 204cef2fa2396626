"""The table of faults: what each one is called and does. The command line, the REST control and the docs show it.

The first word of a name says where the fault happens: in a request to the REST API, in the delivery of a message to a
phone, in a text from a phone, in a webhook, or in the order of status callbacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_AWAY = "I'm away at the moment and will reply later."


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault, and the defaults of the options that it has; an option that is empty here has no effect."""

    name: str
    summary: str
    error_code: int = 0
    status: int = 0
    seconds: float = 0.0
    text: str = ""

    @property
    def place(self) -> str:
        """Where it happens: the first word of its name."""
        return self.name.partition("-")[0]


_ALL = (
    FaultKind("api-404", "The REST API does not find a resource yet: 404, code 20404."),
    FaultKind("api-429", "The REST API refuses a request: 429, code 20429."),
    FaultKind("api-500", "The REST API fails: 500, code 20500; nothing is carried out."),
    FaultKind("api-503", "The REST API is down: 503, code 20503, with Retry-After."),
    FaultKind("api-status", "The REST API fails with the HTTP `status`, such as 502.", status=502),
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
    FaultKind("text-duplicate", "A text arrives a second time as another message, with a new MessageSid."),
    FaultKind("text-parts", "A text of several segments arrives as several messages, one for each segment."),
    FaultKind(
        "text-other-number", "A text to a number of a messaging service arrives at another number of the service."
    ),
    FaultKind("text-advanced-opt-out", "The webhook of a STOP, START or HELP text to a service has OptOutType."),
    FaultKind("message-failed", "A message fails with `error_code` before it is sent.", error_code=30008),
    FaultKind("message-undelivered", "A message is sent, and undelivered with `error_code`.", error_code=30003),
    FaultKind(
        "message-queue-full", "A message fails with 30001, because the queue of its sender is full.", error_code=30001
    ),
    FaultKind("message-window-closed", "A WhatsApp message without ContentSid fails with 63016.", error_code=63016),
    FaultKind(
        "message-landline", "Undelivered with 30006 in +1 and +44; elsewhere refused with 21614.", error_code=30006
    ),
    FaultKind("message-auto-reply", "The phone replies with `text` to a message that arrives.", text=_AWAY),
    FaultKind("message-other-number", "A messaging service sends from another number than to this contact before."),
)
FAULT_KINDS: Mapping[str, FaultKind] = {kind.name: kind for kind in _ALL}


def fault_names() -> tuple[str, ...]:
    """Return the name of every kind of fault, in the order of the table."""
    return tuple(FAULT_KINDS)
