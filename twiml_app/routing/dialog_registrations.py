"""The dialogs of a router: handlers that ask questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TypeVar

from ..errors import RegistrationError
from .dialog_options import DialogOptions
from .dialogs import require_dialog
from .mistakes import require_message_fit, require_parentheses
from .patterns import compile_at_decorator
from .routes import DialogRoute, Handler, MessageRoute, capture_names, place_of
from .scheduling import Scheduling

HandlerT = TypeVar("HandlerT", bound=Handler)


class DialogRegistrations(Scheduling):
    """What a router keeps about dialogs."""

    _add_route: Callable[[MessageRoute], None]

    def __init__(self) -> None:
        super().__init__()
        self._dialogs: list[DialogRoute] = []

    def dialog(
        self,
        pattern: str | re.Pattern[str] | None = None,
        *,
        name: str,
        version: int = 1,
        expires: timedelta = timedelta(hours=72),
        expired: str = DialogOptions.expired,
        follow_up: str = DialogOptions.follow_up,
        busy: str = DialogOptions.busy,
        restart: str = DialogOptions.restart,
        cancel: Iterable[str] = (),
        cancelled: str = DialogOptions.cancelled,
        gave_up: str = DialogOptions.gave_up,
    ) -> Callable[[HandlerT], HandlerT]:
        """Register a dialog: a handler that asks with ``yield``, and runs again at every answer.

        A message that matches ``pattern`` starts it. Without a pattern it only goes on where it is open, for an old
        version. ``name`` and ``version`` are stored with an open dialog: after a change of its questions, count the
        version up. The texts are those of ``docs/dialogs.md``; a text in ``cancel`` ends the dialog.
        """
        require_parentheses("dialog", '"sign up", name="signup"', (pattern,))
        compiled = compile_at_decorator(pattern) if isinstance(pattern, str) else pattern
        options = DialogOptions(
            name=name,
            version=version,
            expires_s=expires.total_seconds(),
            expired=expired,
            follow_up=follow_up,
            busy=busy,
            restart=restart,
            cancel=(cancel,) if isinstance(cancel, str) else tuple(cancel),
            cancelled=cancelled,
            gave_up=gave_up,
        )

        def register(handler: HandlerT) -> HandlerT:
            stateful = require_message_fit(handler, capture_names(compiled))
            require_dialog(handler, options)
            dialog = DialogRoute(handler, options, stateful)
            self._add_dialog(dialog)
            if compiled is not None:
                self._add_route(MessageRoute(handler, compiled, dialog=dialog))
            return handler

        return register

    @property
    def dialogs(self) -> tuple[DialogRoute, ...]:
        """The dialogs in the order in which they were registered; old versions have no pattern."""
        return tuple(self._dialogs)

    def _merge_dialogs(self, other: DialogRegistrations) -> None:
        for route in other._dialogs:
            self._add_dialog(route)

    def _add_dialog(self, route: DialogRoute) -> None:
        self._require_open(route.handler)
        for other in self._dialogs:
            if other.key == route.key:
                raise RegistrationError(
                    f"there are two dialogs {route.options.name!r} of version {route.options.version}",
                    place_of(other.handler),
                    place_of(route.handler),
                )
        self._dialogs.append(route)
