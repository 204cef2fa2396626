"""Handlers of reactions and alerts, and whether a router still takes registrations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from ..alerts import Alert
from ..errors import RegistrationError
from .mistakes import require_fit, require_message_fit
from .routes import AlertRoute, Handler, MessageRoute, place_of

HandlerT = TypeVar("HandlerT", bound=Handler)


class Registrations:
    """What a router keeps besides the handlers of messages, status callbacks and opt-out words."""

    def __init__(self) -> None:
        self._reaction: MessageRoute | None = None
        self._handed_off: MessageRoute | None = None
        self._alerts: list[AlertRoute] = []
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
        self._set_reaction(MessageRoute(handler, reaction=True, stateful=require_message_fit(handler)))
        return handler

    def handed_off(self, handler: HandlerT | None = None) -> HandlerT:
        """Register the handler for messages of a conversation that was handed off: a person answers them.

        Write ``@router.handed_off`` without parentheses. The handler is called with the message, and with the
        ``conversation`` if it declares it. Its return value is sent as the reply.
        """
        if not callable(handler):
            raise RegistrationError(
                "@router.handed_off takes no parentheses: write @router.handed_off in the line above the handler"
            )
        self._set_handed_off(MessageRoute(handler, handed_off=True, stateful=require_message_fit(handler)))
        return handler

    @overload
    def alert(self, handler: HandlerT, /) -> HandlerT: ...

    @overload
    def alert(self, *codes: int | range) -> Callable[[HandlerT], HandlerT]: ...

    def alert(self, *codes: Any) -> Any:
        """Register a handler for alerts of Twilio's debugger, or for those with one of these codes or ranges.

        Without codes, the parentheses can be left out. The handler is called with the alert; every handler that
        matches runs.
        """
        if len(codes) == 1 and callable(codes[0]):
            return self._register_alert(codes[0], ())
        if not all(isinstance(code, int | range) for code in codes):
            raise RegistrationError(
                "@router.alert takes error codes or ranges, such as @router.alert(11200, range(30000, 31000))"
            )
        return lambda handler: self._register_alert(handler, codes)

    def alert_handlers(self, alert: Alert) -> list[Handler]:
        """Return every handler that matches an alert, in order."""
        return once(route.handler for route in self._alerts if route.matches(alert))

    @property
    def alert_routes(self) -> tuple[AlertRoute, ...]:
        """The handlers of alerts in the order in which they run."""
        return tuple(self._alerts)

    @property
    def reaction_route(self) -> MessageRoute | None:
        """The handler of reactions; None if there is none."""
        return self._reaction

    @property
    def handed_off_route(self) -> MessageRoute | None:
        """The handler of messages that a person answers; None if there is none."""
        return self._handed_off

    def _merge_registrations(self, other: Registrations) -> None:
        if other._handed_off:
            self._set_handed_off(other._handed_off)
        if other._reaction:
            self._set_reaction(other._reaction)
        for alert in other._alerts:
            self._add_alert(alert)

    def _register_alert(self, handler: HandlerT, codes: tuple[int | range, ...]) -> HandlerT:
        require_fit(handler, (), "an alert")
        self._add_alert(AlertRoute(handler, codes))
        return handler

    def _add_alert(self, route: AlertRoute) -> None:
        self._require_open(route.handler)
        self._alerts.append(route)

    def _set_reaction(self, route: MessageRoute) -> None:
        self._require_open(route.handler)
        if self._reaction:
            raise RegistrationError(
                "there are two handlers of reactions", place_of(self._reaction.handler), place_of(route.handler)
            )
        self._reaction = route

    def _set_handed_off(self, route: MessageRoute) -> None:
        self._require_open(route.handler)
        if self._handed_off:
            places = place_of(self._handed_off.handler), place_of(route.handler)
            raise RegistrationError("there are two handlers of messages that were handed off", *places)
        self._handed_off = route

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


def once(handlers: Iterable[Handler]) -> list[Handler]:
    """Return each handler once, so that one that is registered twice runs once per event."""
    return list({id(handler): handler for handler in handlers}.values())
