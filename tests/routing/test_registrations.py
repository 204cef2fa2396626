"""Registration of handlers for reactions and alerts."""

from __future__ import annotations

from typing import Any, cast

import pytest

from twiml_app import Alert, InboundMessage, Router
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


def alarm(alert: Alert) -> None:
    """Take an alert."""


def alarm_too(alert: Alert) -> None:
    """Take an alert."""


def test_alert_handlers_are_found_by_code_and_range() -> None:
    """They are registered like those for the error codes of messages."""
    one, other = Router(), Router()
    one.alert(11200, range(30000, 31000))(alarm)
    other.alert(alarm_too)
    other.alert(12100)(alarm_too)
    merged = Router(one, other)

    def handlers(code: int | None) -> list[object]:
        return list(merged.alert_handlers(Alert(form=Form(), error_code=code)))

    assert [handlers(code) for code in (11200, 30999, 12100, None)] == [
        [alarm, alarm_too],
        [alarm, alarm_too],
        [alarm_too],
        [alarm_too],
    ]
    assert [route.source for route in merged.alert_routes] == ["11200 or 30000-30999", "(any alert)", "12100"]


def test_alert_decorator_with_empty_parentheses_takes_all_alerts() -> None:
    """Both ways of writing it mean the same."""
    router = Router()
    router.alert()(alarm)

    assert router.alert_handlers(Alert(form=Form())) == [alarm]


def test_code_that_is_not_a_number_is_refused() -> None:
    """A handler for "11200" would never run."""
    with pytest.raises(RegistrationError, match=r"takes error codes or ranges, such as @router\.alert\(11200"):
        cast(Any, Router().alert)("11200")


def test_alert_handler_must_take_the_alert() -> None:
    """A mistake is found when the application starts."""
    with pytest.raises(RegistrationError, match=r"called with an alert"):
        Router().alert(lambda: None)


def test_alert_handler_is_refused_after_the_first_request() -> None:
    """It would work in this process only."""
    router = Router()
    router.begin_serving()

    with pytest.raises(RegistrationError, match="after the first request"):
        router.alert(alarm)
