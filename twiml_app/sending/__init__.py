"""Messages that the program sends first: who may get them."""

from .opt_out_list import OptOutList
from .permission import Leaving, Refusal, learn_from_error, refusal_of, warn_if_long

__all__ = [
    "Leaving",
    "OptOutList",
    "Refusal",
    "learn_from_error",
    "refusal_of",
    "warn_if_long",
]
