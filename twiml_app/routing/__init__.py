"""Routing: find the handler of an event by text patterns and conditions."""

from .hidden import hidden_routes
from .repeats import overlapping_repeats
from .router import Match, Router
from .routes import CONVERSATION, Handler, MessageRoute, name_of, opt_out_kind, place_of
from .schedules import Schedule

__all__ = [
    "CONVERSATION",
    "Handler",
    "Match",
    "MessageRoute",
    "Router",
    "Schedule",
    "hidden_routes",
    "name_of",
    "opt_out_kind",
    "overlapping_repeats",
    "place_of",
]
