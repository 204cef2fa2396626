"""Routing: find the handler of an event by text patterns and conditions."""

from .dialog_options import DialogOptions
from .hidden import hidden_routes
from .patterns import compile_pattern
from .repeats import overlapping_repeats
from .router import Match, Router
from .routes import CONVERSATION, DialogRoute, Handler, MessageRoute, name_of, opt_out_kind, place_of
from .schedules import Schedule

__all__ = [
    "CONVERSATION",
    "DialogOptions",
    "DialogRoute",
    "Handler",
    "Match",
    "MessageRoute",
    "Router",
    "Schedule",
    "compile_pattern",
    "hidden_routes",
    "name_of",
    "opt_out_kind",
    "overlapping_repeats",
    "place_of",
]
