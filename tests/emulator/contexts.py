"""Contexts for tests of a single part of the emulator."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.emulator.program import MONDAY, counted_sids
from twiml_app.emulator.clocks import SteppedClock
from twiml_app.emulator.context import Context
from twiml_app.emulator.profiles import find_profile
from twiml_app.emulator.store import ResourceStore


def make_context(store: ResourceStore | None = None, **changes: Any) -> Context:
    """Make a context; by default with the current profile, a stepped clock and an empty store."""
    given: dict[str, Any] = {
        "clock": SteppedClock(MONDAY),
        "profile": find_profile("current"),
        "base_url": "http://127.0.0.1:1",
        "new_sid": counted_sids(),
        "random": Random(1),
    }
    return Context(store=store or ResourceStore(), **given | changes)
