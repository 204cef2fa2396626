"""Who may get messages that the program sends first: opt-outs, numbers that cannot receive, and limits."""

from .opt_out_list import OptOutList
from .permission import Leaving, Refusal, learn_from_error, refusal_of, warn_if_long

__all__ = ["Leaving", "OptOutList", "Refusal", "learn_from_error", "refusal_of", "warn_if_long"]
