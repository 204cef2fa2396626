"""The router: decorators register handlers, which are matched in the order of registration."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from ..errors import RegistrationError
from ..events import InboundMessage, StatusCallback
from ..opt_out_words import OPT_OUT_WORDS
from .dialog_registrations import DialogRegistrations
from .mistakes import (
    require_fit,
    require_message_fit,
    require_parentheses,
    require_pattern_or_condition,
    require_work_fit,
    warn_unknown_status,
)
from .patterns import compile_at_decorator
from .registrations import once
from .routes import (
    NO_CONDITIONS,
    Conditions,
    Handler,
    MessageRoute,
    MessageRoutes,
    OptOutRoute,
    Predicate,
    StatusRoute,
    capture_names,
    is_stop_word,
    place_of,
)

HandlerT = TypeVar("HandlerT", bound=Handler)


@dataclass(frozen=True, slots=True)
class Match:
    """The route that a message matches, and the arguments of its handler."""

    route: MessageRoute
    arguments: Mapping[str, Any]


class Router(DialogRegistrations):
    """A list of handlers, in the order of registration; ``Router(one, other)`` merges routers in this order.

    Raises: RegistrationError, naming both places, for conflicting registrations.
    """

    def __init__(self, *routers: Router) -> None:
        super().__init__()
        self._routes = MessageRoutes()
        self._default: MessageRoute | None = None
        self._statuses: list[StatusRoute] = []
        self._opt_outs: list[OptOutRoute] = []
        self._sources = routers
        for router in routers:
            self._merge(router)

    def message(
        self,
        pattern: str | re.Pattern[str] | None = None,
        *,
        to: str | Iterable[str] | None = None,
        from_: str | Iterable[str] | None = None,
        media: bool | str | None = None,
        channel: str | Iterable[str] | None = None,
        query: Mapping[str, str] | None = None,
        when: Predicate | None = None,
        interrupts: bool = False,
        then: Handler | None = None,
    ) -> Callable[[HandlerT], HandlerT]:
        """Register a handler for inbound messages by a text pattern, by conditions, or by both.

        ``pattern`` is a text pattern such as ``order <int:count> <item>``, or a compiled regular expression. All given
        conditions must be met. The handler is called with the message, and with the captures of the pattern by name.
        With ``interrupts``, it also runs while a dialog is open, which ends then.

        ``then`` is a slow function: it is called as the handler is, but after the answer, and what it returns is sent
        when it is ready. It may be ``async def``.
        """
        given = Conditions(_as_set(to), _as_set(from_), media, _as_set(channel), query or None, when)
        require_parentheses("message", '"hello"', (pattern,))
        require_pattern_or_condition(pattern, given)
        conditions = NO_CONDITIONS if given == NO_CONDITIONS else given  # found by identity when texts are matched
        compiled = compile_at_decorator(pattern) if isinstance(pattern, str) else pattern

        def register(handler: HandlerT) -> HandlerT:
            stateful = require_message_fit(handler, capture_names(compiled))
            if then is not None:
                require_work_fit(then, capture_names(compiled))
            self._add_route(
                MessageRoute(handler, compiled, conditions, stateful=stateful, then=then, interrupts=interrupts)
            )
            return handler

        return register

    def default(self, handler: HandlerT | None = None) -> HandlerT:
        """Register the handler for messages that match no other handler.

        Write ``@router.default`` without parentheses. The handler is called with the message.
        """
        if not callable(handler):
            raise RegistrationError(
                "@router.default takes neither parentheses nor a pattern: write @router.default in the line above the"
                ' handler, or @router.message("hello") for a pattern'
            )
        self._set_default(MessageRoute(handler, default=True, stateful=require_message_fit(handler)))
        return handler

    def status(self, *statuses: str) -> Callable[[HandlerT], HandlerT]:
        """Register a handler for status callbacks with one of these MessageStatus values, such as ``delivered``.

        The handler is called with the status callback; every handler that matches runs.
        """
        require_parentheses("status", '"delivered"', statuses)
        if not statuses or not all(isinstance(status, str) for status in statuses):
            raise RegistrationError('@router.status needs a MessageStatus, such as @router.status("delivered")')
        for status in statuses:
            warn_unknown_status(status)

        def register(handler: HandlerT) -> HandlerT:
            require_fit(handler, (), "a status callback")
            self._add_status(StatusRoute(handler, statuses=frozenset(statuses)))
            return handler

        return register

    def error_code(self, *codes: int | range) -> Callable[[HandlerT], HandlerT]:
        """Register a handler for status callbacks with one of these ErrorCodes, given as numbers or ranges.

        The handler is called with the status callback; every handler that matches runs.
        """
        require_parentheses("error_code", "30003", codes)
        if not codes or not all(isinstance(code, int | range) for code in codes):
            raise RegistrationError(
                "@router.error_code needs codes or ranges, such as @router.error_code(30003, range(30400, 30500))"
            )

        def register(handler: HandlerT) -> HandlerT:
            require_fit(handler, (), "a status callback")
            self._add_status(StatusRoute(handler, error_codes=codes))
            return handler

        return register

    @overload
    def opt_out(self, handler: HandlerT, /) -> HandlerT: ...

    @overload
    def opt_out(self, *kinds: str) -> Callable[[HandlerT], HandlerT]: ...

    def opt_out(self, *kinds: Any) -> Any:
        """Register a handler that is called for STOP words, or for the given kinds: ``STOP``, ``START``, ``HELP``.

        Without kinds, the parentheses can be left out. After a STOP word nothing is sent, whatever the handler returns;
        START and HELP then reach the routes.
        """
        if len(kinds) == 1 and callable(kinds[0]):
            return self._register_opt_out(kinds[0], frozenset({"STOP"}))
        wanted = frozenset(str(kind).upper() for kind in kinds) or frozenset({"STOP"})
        if not wanted <= OPT_OUT_WORDS.keys():
            raise RegistrationError(
                f"@router.opt_out takes STOP, START and HELP, not {' and '.join(sorted(wanted - OPT_OUT_WORDS.keys()))}"
            )
        return lambda handler: self._register_opt_out(handler, wanted)

    def match(self, message: InboundMessage) -> Match | None:
        """Return the first route that matches a message, with its arguments; the default handler comes last.

        A reaction reaches only the handler of reactions.
        """
        if message.reaction is not None:
            return Match(self.reaction_route, {}) if self.reaction_route else None
        for route in self._routes.for_text(message.body):
            arguments = route.match(message)
            if arguments is not None:
                return Match(route, arguments)
        return Match(self._default, {}) if self._default else None

    def interruption(self, message: InboundMessage) -> Match | None:
        """Return the first route that runs even while a dialog is open, with its arguments; None if there is none."""
        for route in self._routes.for_text(message.body) if message.reaction is None else ():
            if route.interrupts and (arguments := route.match(message)) is not None:
                return Match(route, arguments)
        return None

    def status_handlers(self, status: StatusCallback) -> list[Handler]:
        """Return every handler that matches a status callback, in order."""
        return once(route.handler for route in self._statuses if route.matches(status))

    def opt_out_handlers(self, kind: str) -> list[Handler]:
        """Return every handler that is registered for a kind of opt-out word, in order."""
        return once(route.handler for route in self._opt_outs if kind in route.kinds)

    @property
    def routes(self) -> tuple[MessageRoute, ...]:
        """The message handlers in the order in which they are tried."""
        return (*self._routes.all, self._default) if self._default else tuple(self._routes.all)

    @property
    def all_routes(self) -> tuple[MessageRoute, ...]:
        """The message handlers, and those of reactions and of messages that a person answers."""
        more = (route for route in (self.reaction_route, self.handed_off_route) if route)
        return (*self.routes, *more)

    @property
    def status_routes(self) -> tuple[StatusRoute, ...]:
        """The handlers of status callbacks in the order in which they run."""
        return tuple(self._statuses)

    @property
    def opt_out_routes(self) -> tuple[OptOutRoute, ...]:
        """The handlers of opt-out words in the order in which they run."""
        return tuple(self._opt_outs)

    def begin_serving(self) -> None:
        """Refuse registrations from now on: a later one would work in this process only."""
        if self._serving:
            return
        self._serving = True
        for router in self._sources:
            router.begin_serving()

    def routes_on_stop_words(self, answering: Collection[str]) -> Iterator[MessageRoute]:
        """Yield the routes whose pattern is a STOP word; they only run if the number answers STOP words itself."""
        for route in self._routes.all:
            numbers = route.conditions.to
            if is_stop_word(route.pattern) and not (numbers and numbers <= set(answering)):
                yield route

    def _register_opt_out(self, handler: HandlerT, kinds: frozenset[str]) -> HandlerT:
        require_fit(handler, (), "a message")
        self._add_opt_out(OptOutRoute(handler, kinds))
        return handler

    def _merge(self, router: Router) -> None:
        self._merge_registrations(router)
        self._merge_dialogs(router)
        for route in router._routes.all:
            self._add_route(route)
        if router._default:
            self._set_default(router._default)
        for status in router._statuses:
            self._add_status(status)
        for opt_out in router._opt_outs:
            self._add_opt_out(opt_out)
        for schedule in router._schedules:
            self._add_schedule(schedule)
        router._merged = True

    def _add_route(self, route: MessageRoute) -> None:
        self._require_open(route.handler)
        if other := self._routes.same_as(route):
            raise RegistrationError(
                f"the pattern {route.source} is registered twice, so the second would never run",
                place_of(other.handler),
                place_of(route.handler),
            )
        self._routes.add(route)

    def _set_default(self, route: MessageRoute) -> None:
        self._require_open(route.handler)
        if self._default:
            raise RegistrationError(
                "there are two default handlers", place_of(self._default.handler), place_of(route.handler)
            )
        self._default = route

    def _add_status(self, route: StatusRoute) -> None:
        self._require_open(route.handler)
        self._statuses.append(route)

    def _add_opt_out(self, route: OptOutRoute) -> None:
        self._require_open(route.handler)
        self._opt_outs.append(route)


def _as_set(value: str | Iterable[str] | None) -> frozenset[str] | None:
    if value is None:
        return None
    return frozenset({value} if isinstance(value, str) else value)
