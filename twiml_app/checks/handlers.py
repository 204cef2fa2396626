"""Checks of the registered handlers: patterns that take long, and handlers that never run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..routing import Router, hidden_routes, overlapping_repeats, place_of
from .findings import Finding

#: The length to which a regular expression is cut.
_SHOWN_PATTERN = 80


def check_routes(router: Router) -> Iterator[Finding]:
    """Check that handlers answer messages, and their patterns."""
    for route in router.routes:
        if isinstance(route.pattern, re.Pattern) and overlapping_repeats(route.pattern):
            yield Finding(
                "warning",
                "handlers",
                f"{_one_line(route.source)} can take minutes for a long text ({place_of(route.handler)}): two of its"
                " repeats, such as .* and \\s+, can share the same characters. Put a character between them that one of"
                " them cannot match, or make the first one possessive, such as \\s++",
            )
    for route, earlier in hidden_routes(router.routes):
        yield Finding(
            "warning",
            "handlers",
            f"{route.source} never runs ({place_of(route.handler)}): {earlier.source} comes first and matches the same"
            f" messages ({place_of(earlier.handler)}). Register the more specific one first",
        )
    if not router.routes:
        yield Finding("warning", "handlers", "no handler answers messages: register one with @router.default")
    counted = (router.all_routes, router.status_routes, router.opt_out_routes, router.alert_routes)
    yield Finding("ok", "handlers", f"{sum(map(len, counted))} handlers")


def _one_line(source: str) -> str:
    """Return a pattern without line breaks, cut to a length that a table can show."""
    line = " ".join(source.split())
    return line if len(line) <= _SHOWN_PATTERN else f"{line[: _SHOWN_PATTERN - 2]}…/"
