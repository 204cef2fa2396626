"""The life of a webhook request: admit, claim, answer, store, send."""

from .admission import Admission
from .auth import CHALLENGE, REALM, BasicAuth, SendUrls
from .claims import Claim, Journal, Outcome, StoredReply
from .hooks import Hooks, Observer
from .log_lines import kind_of
from .notifying import StatusResults, handlers_to_notify, run_handlers
from .opt_outs import silence_for
from .receiver import Receiver
from .replay_proofs import EFFECTS_HEADER, REPLAY_HEADER, ReplayProofs
from .replies import to_response
from .turns import Conversations, OpenDialogs, Place, Planned, Postponed, Turn
from .wait_budget import TWILIO_WAIT_S

__all__ = [
    "CHALLENGE",
    "EFFECTS_HEADER",
    "REALM",
    "REPLAY_HEADER",
    "TWILIO_WAIT_S",
    "Admission",
    "BasicAuth",
    "Claim",
    "Conversations",
    "Hooks",
    "Journal",
    "Observer",
    "OpenDialogs",
    "Outcome",
    "Place",
    "Planned",
    "Postponed",
    "Receiver",
    "ReplayProofs",
    "SendUrls",
    "StatusResults",
    "StoredReply",
    "Turn",
    "handlers_to_notify",
    "kind_of",
    "run_handlers",
    "silence_for",
    "to_response",
]
