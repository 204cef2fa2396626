"""Routing: find the handler of an event by text patterns and conditions."""

from .router import Match, Router
from .routes import Handler, MessageRoute, name_of, opt_out_kind, place_of

__all__ = [
    "Handler",
    "Match",
    "MessageRoute",
    "Router",
    "name_of",
    "opt_out_kind",
    "place_of",
]
