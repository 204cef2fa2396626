"""Run the handlers of status callbacks and alerts: every one that matches, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from ..alerts import Alert
from ..events import StatusCallback
from ..pending import Collection, Effect
from ..routing import Handler, Router, name_of


class StatusResults(NamedTuple):
    """What the handlers of a status callback or an alert did."""

    #: The result of each handler, ``ok`` or the error.
    results: dict[str, str]
    #: What the handlers that succeeded asked for.
    effects: tuple[Effect, ...]


def handlers_to_notify(router: Router, event: StatusCallback | Alert) -> list[Handler]:
    """Return every handler of a status callback or an alert, in order."""
    return router.alert_handlers(event) if isinstance(event, Alert) else router.status_handlers(event)


def run_handlers(
    handlers: Iterable[Handler],
    event: StatusCallback | Alert,
    before: Mapping[str, str] | None = None,
    *,
    on_exception: Callable[[Exception, str], object] = lambda _error, _handler: None,
    refusal: str = "",
) -> StatusResults:
    """Run handlers in order; those that were ok before are skipped. ``refusal`` is as in ``Answerer.answer``."""
    results: dict[str, str] = {}
    effects: list[Effect] = []
    for handler in handlers:
        name = name_of(handler)
        result = "ok"
        if (before or {}).get(name) != "ok":
            with Collection(event, refusal=refusal) as collected:
                result = _call(handler, event, on_exception)
            effects += collected.effects if result == "ok" else ()
        if results.get(name, "ok") == "ok":  # if two handlers share a name, keep the failure
            results[name] = result
    return StatusResults(results, tuple(effects))


def _call(handler: Handler, event: StatusCallback | Alert, on_exception: Callable[[Exception, str], object]) -> str:
    try:
        handler(event)
    except Exception as error:  # the other handlers must still run
        on_exception(error, name_of(handler))
        return describe(error)
    return "ok"


def describe(error: Exception) -> str:
    """Return an error as text, even if its ``__str__`` raises."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__
