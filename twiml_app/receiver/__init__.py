"""The life of a webhook request: admit, claim, answer, store, send."""

from .admission import Admission
from .answering import StatusResults, run_status_handlers
from .auth import REALM
from .claims import Claim, Journal, Outcome, StoredReply
from .opt_outs import silence_for
from .receiver import Receiver
from .replay_proofs import REPLAY_HEADER, ReplayProofs
from .replies import to_response

__all__ = [
    "REALM",
    "REPLAY_HEADER",
    "Admission",
    "Claim",
    "Journal",
    "Outcome",
    "Receiver",
    "ReplayProofs",
    "StatusResults",
    "StoredReply",
    "run_status_handlers",
    "silence_for",
    "to_response",
]
