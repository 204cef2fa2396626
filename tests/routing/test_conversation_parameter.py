"""A handler declares a parameter ``conversation`` to get the state of its conversation."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import pytest

from twiml_app import InboundMessage, Router
from twiml_app.errors import RegistrationError


def passing_on(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a handler, as decorators of users do."""

    @functools.wraps(handler)
    def wrapper(*given: Any, **named: Any) -> Any:
        return handler(*given, **named)

    return wrapper


def plain(message: InboundMessage) -> None:
    """Declare nothing."""


def declaring(message: InboundMessage, conversation: object) -> None:
    """Declare the conversation."""


def by_name(message: InboundMessage, *, conversation: object = None) -> None:
    """Declare it by name only."""


def only_first(conversation: InboundMessage) -> None:
    """Call the message by that name."""


def of_anything(message: InboundMessage, **conversation: object) -> None:
    """Call all other arguments by that name."""


@pytest.mark.parametrize(
    ("handler", "is_stateful"),
    [
        pytest.param(plain, False, id="not declared"),
        pytest.param(declaring, True, id="declared"),
        pytest.param(by_name, True, id="by name only, with a default"),
        pytest.param(only_first, False, id="the name of the message"),
        pytest.param(of_anything, False, id="the name of all other arguments"),
        pytest.param(passing_on(declaring), True, id="declared behind a decorator"),
        pytest.param(passing_on(plain), False, id="decorator that passes everything on"),
    ],
)
def test_handler_gets_the_conversation_if_it_declares_it(handler: Callable[..., Any], is_stateful: bool) -> None:
    """Only these pay for state."""
    router = Router()
    router.message("hello")(handler)
    router.default(handler)
    router.reaction(handler)

    assert [route.stateful for route in router.all_routes] == [is_stateful] * 3
    assert [route.stateful for route in Router(router).all_routes] == [is_stateful] * 3


def test_capture_of_that_name_stays_a_capture() -> None:
    """The pattern says where the argument comes from."""
    router = Router()
    router.message("join <conversation>")(declaring)
    router.message(re.compile("leave (?P<conversation>.+)"))(declaring)

    assert [route.stateful for route in router.all_routes] == [False, False]


def test_handler_that_needs_more_is_refused() -> None:
    """The error names what the handler is called with."""

    def greedy(message: InboundMessage, conversation: object, other: object) -> None: ...

    with pytest.raises(RegistrationError, match=r"greedy\(message, conversation\)"):
        Router().default(greedy)


def test_builtin_whose_parameters_are_unknown_is_refused() -> None:
    """As without state."""
    with pytest.raises(RegistrationError):
        Router().default(dict.get)
