"""What a handler asks for besides its reply."""

from __future__ import annotations

import pytest

from twiml_app.errors import CannotStore
from twiml_app.pending import MAX_EFFECTS, Collection, Effect, collection

EFFECT = Effect("work", {"function": "report"}, write=lambda _: None, committed=lambda: None)


def test_effects_are_collected_by_the_innermost_collection() -> None:
    """A handler that calls another one's code asks for everything itself."""
    with Collection() as outer:
        with Collection() as inner:
            assert collection() is inner
            inner.add(EFFECT)
        assert collection() is outer

    assert (outer.effects, inner.effects) == ([], [EFFECT])
    assert collection() is None


def test_collection_that_was_never_entered_can_be_left() -> None:
    """Leaving must not hide the exception that prevented the entry."""
    Collection().__exit__(None, None, None)

    assert collection() is None


def test_effect_without_a_store_is_refused() -> None:
    """Work that is dropped silently is worse than a handler that fails."""
    with pytest.raises(CannotStore, match="work was asked for, but it cannot be stored: there is no journal"):
        Collection(refusal="there is no journal").add(EFFECT)


def test_handler_cannot_ask_for_more_than_the_limit() -> None:
    """A handler in an endless loop must not fill the memory and the disk."""
    collected = Collection()
    for _ in range(MAX_EFFECTS):
        collected.add(EFFECT)

    with pytest.raises(CannotStore, match="1000"):
        collected.add(EFFECT)
