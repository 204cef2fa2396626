"""Registration of handlers for reactions."""

from __future__ import annotations

from typing import Any, cast

import pytest

from twiml_app import InboundMessage, Router
from twiml_app.errors import RegistrationError
from twiml_app.webhook import Form


def react(message: InboundMessage) -> None:
    """Take a reaction."""


def react_too(message: InboundMessage) -> None:
    """Take a reaction."""


LIKED = InboundMessage(form=Form(), body="Liked “hi”")


def test_merged_router_keeps_the_handler_of_reactions() -> None:
    """Each module of a project has a router of its own."""
    one = Router()
    one.reaction(react)

    merged = Router(Router(), one)

    assert merged.reaction_route is not None
    found = merged.match(LIKED)
    assert found is not None
    assert (found.route.handler, found.route.source, dict(found.arguments)) == (react, "(reaction)", {})


def test_reaction_matches_nothing_without_its_handler() -> None:
    """The default handler would answer a person who wrote nothing."""
    router = Router()
    router.default(react)

    assert router.match(LIKED) is None


def test_two_handlers_of_reactions_are_refused() -> None:
    """One of them would never run."""
    one, other = Router(), Router()
    one.reaction(react)
    other.reaction(react_too)

    with pytest.raises(RegistrationError, match=r"(?s)two handlers of reactions.*react.*react_too"):
        Router(one, other)


@pytest.mark.parametrize("arguments", [pytest.param((), id="parentheses"), pytest.param(("like",), id="kind")])
def test_decorator_for_reactions_takes_no_parentheses(arguments: tuple[object, ...]) -> None:
    """The error says how to write it."""
    with pytest.raises(RegistrationError, match=r"write @router\.reaction in the line above"):
        cast(Any, Router().reaction)(*arguments)


def test_reaction_handler_must_take_the_message() -> None:
    """A mistake is found when the application starts."""
    with pytest.raises(RegistrationError, match=r"called with a message"):
        Router().reaction(lambda: None)


def test_reaction_handler_is_refused_after_the_first_request() -> None:
    """It would work in this process only."""
    router = Router()
    router.begin_serving()

    with pytest.raises(RegistrationError, match="after the first request"):
        router.reaction(react)
