"""Handlers of reactions, and whether a router still takes registrations."""

from __future__ import annotations

from typing import TypeVar

from ..errors import RegistrationError
from .mistakes import require_fit
from .routes import Handler, MessageRoute, place_of

HandlerT = TypeVar("HandlerT", bound=Handler)


class Registrations:
    """What a router keeps besides the handlers of messages, status callbacks and opt-out words."""

    def __init__(self) -> None:
        self._reaction: MessageRoute | None = None
        self._serving = self._merged = False

    def reaction(self, handler: HandlerT | None = None) -> HandlerT:
        """Register the handler for reactions, such as ``Liked “See you at noon”``, which reach no other handler.

        Write ``@router.reaction`` without parentheses. The handler is called with the message, whose ``reaction`` says
        which one it is and to which text. Its return value is sent as the reply.
        """
        if not callable(handler):
            raise RegistrationError(
                "@router.reaction takes neither parentheses nor kinds: write @router.reaction in the line above the"
                " handler, which finds the kind in message.reaction"
            )
        require_fit(handler, (), "a message")
        self._set_reaction(MessageRoute(handler, reaction=True))
        return handler

    @property
    def reaction_route(self) -> MessageRoute | None:
        """The handler of reactions; None if there is none."""
        return self._reaction

    def _merge_registrations(self, other: Registrations) -> None:
        if other._reaction:
            self._set_reaction(other._reaction)

    def _set_reaction(self, route: MessageRoute) -> None:
        self._require_open(route.handler)
        if self._reaction:
            raise RegistrationError(
                "there are two handlers of reactions", place_of(self._reaction.handler), place_of(route.handler)
            )
        self._reaction = route

    def _require_open(self, handler: Handler) -> None:
        if self._serving:
            raise RegistrationError(
                "this handler is registered after the first request: import its module before the application starts",
                place_of(handler),
            )
        if self._merged:
            raise RegistrationError(
                "this handler is registered after its router was merged into another: import its module before that",
                place_of(handler),
            )
