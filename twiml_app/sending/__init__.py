"""Messages that the program sends first: who may get them."""

from .permission import Leaving, Refusal, learn_from_error, refusal_of, warn_if_long

__all__ = [
    "Leaving",
    "Refusal",
    "learn_from_error",
    "refusal_of",
    "warn_if_long",
]
